"""What a device sends: raw bytes for the frame decoder, and replies for the client.

An input is a first byte (which of both), then pieces, each behind its length.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from engine import changed_bytes

from tinylearn.device import frames
from tinylearn.device.client import Device
from tinylearn.device.messages import (
    INFO,
    IS_REPLY,
    METRICS,
    PREDICT_HEAD,
    READ_HEAD,
    STEP,
    Message,
)
from tinylearn.errors import TinylearnError


def _pieces(data: bytes) -> Iterator[bytes]:
    while data:
        yield data[1 : 1 + data[0]]
        data = data[1 + data[0] :]


class _Line:
    """Answers each request with the next piece; silent once there are no more."""

    name = "line"

    def __init__(self, data: bytes) -> None:
        self.replies, self.waiting = _pieces(data), b""

    def send(self, data: bytes) -> None:
        request = Message.unpack(frames.decode(data.strip(frames.DELIMITER)))
        payload = next(self.replies, None)
        if payload is not None:
            kind = request.type | IS_REPLY
            self.waiting = frames.encode(Message(kind, request.sequence, payload).pack())

    def receive(self, timeout: float) -> bytes:
        data, self.waiting = self.waiting, b""
        return data

    def close(self) -> None:
        """Nothing to let go of."""


def _read(content: bytes) -> bytes:
    return READ_HEAD.pack(0, len(content)) + content


class Session:
    """See engine.Parser."""

    def seeds(self) -> list[bytes]:
        """A conversation, and a stream of frames."""
        info = INFO.pack(1, 3, 4, 256, 0x7F, 2, 2, 16, 0, 0, 1, 2, bytes(16))
        replies = [info, _read(b"net"), METRICS.pack(*[0] * 14), _read(b"\1\0\0\0"),
                   _read(bytes(8)), _read(b"\1\0\0\0"), _read(bytes(16)), b"",
                   PREDICT_HEAD.pack(0, 2, 1, 1) + bytes(8), b"", STEP.pack(0, 1, 0, 1, 0.5, 1, 1)]  # fmt: skip
        talk = b"".join(bytes([len(r)]) + r for r in replies)
        return [b"\0" + talk, b"\1" + frames.encode(Message(1, 2, bytes(300)).pack()) * 2]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """The first byte stays: it says what the rest is."""
        return data[:1] + changed_bytes(rng, data[1:], other[1:])

    def run(self, data: bytes) -> None:
        """Decode, or converse."""
        if data[:1] == b"\1":
            for content in frames.Decoder(1000).feed(data[1:]):
                Message.unpack(content)
            return
        device = Device(_Line(data[1:]), timeout=0.0005, retries=0)
        x = np.zeros(2, np.float32)
        calls: tuple[Callable[[], object], ...] = (
            device.info, device.metrics, device.labels, device.read_weights,
            partial(device.predict, x), partial(device.learn, x, label=1),
        )  # fmt: skip
        for call in calls:
            try:
                call()
            except TinylearnError:
                continue
