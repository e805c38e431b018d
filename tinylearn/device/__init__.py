"""Devices behind one interface: whatever carries the bytes, ``client.Device`` drives it.

    transport.py   the byte stream that a device is reached by
    frames.py      COBS and CRC-32 around each message
    messages.py    numbers and layouts of the messages
    blob.py        weights as bytes, for files and devices
    client.py      requests, replies, retries

The formats are drawn byte by byte in ``firmware/FORMAT.md``.
"""
