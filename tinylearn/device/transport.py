"""What carries a device's bytes: a serial line, an emulator's pipe, a twin in this process."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A byte stream to one device, in order, possibly losing or damaging bytes.

    Implementations name the device in their errors (``DeviceError`` where the line is gone).
    """

    name: str
    """What to call the device in messages to the user, such as ``serial /dev/ttyACM0``."""

    def send(self, data: bytes) -> None:
        """Send all bytes."""

    def receive(self, timeout: float) -> bytes:
        """Bytes that have arrived, at least one, waiting for it up to ``timeout`` seconds.

        Empty where none came in time; ``timeout`` 0 only looks.
        """

    def close(self) -> None:
        """Let go of the line; a second call does nothing."""
