"""Files of samples, .npz and .csv, as a stream for a device and as data to train on. An input is
a first byte, which of both formats, and the file."""

from __future__ import annotations

import io
import random
import zipfile

import numpy as np
from engine import changed_bytes, scratch

from tinylearn.device.stream_file import read_stream
from tinylearn.errors import TinylearnError
from tinylearn.train import data as training

_CELLS = (b",", b"\n", b"\r", b'"', b"\0", b"nan", b"-inf", b"1e999", b"-1", b"0", b"4294967296", b"x", b"",
          b" 1 ", b"\xef\xbb\xbf", b"\xff", b"1_0", b"\xd9\xa1")  # fmt: skip


def _archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


class SampleFile:
    """See engine.Parser."""

    def __init__(self) -> None:
        self.paths = scratch("stream.npz"), scratch("stream.csv")

    def seeds(self) -> list[bytes]:
        """Labels, targets, test data, and text with a header."""
        x = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
        labels, targets = np.array([0, 1, 0], np.int64), np.ones((3, 2), np.float16)
        return [b"\0" + _archive(x=x, y=labels), b"\0" + _archive(x=x, y=labels, x_test=x, y_test=labels),
                b"\0" + _archive(x=x.astype(np.uint8), y=targets), b"\0" + _archive(x=x),
                b"\1a,b,label\n0.5,1,0\n-2e3,4,1\n", b"\0011,2,0\n3,4,1\n"]  # fmt: skip

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """The first byte stays: it says what the rest is."""
        if data[:1] == b"\1":
            return data[:1] + self._changed_text(rng, data[1:])
        return b"\0" + self._changed_archive(rng, data[1:], other[1:])

    def _changed_text(self, rng: random.Random, text: bytes) -> bytes:
        for _ in range(rng.choice((1, 1, 2, 4))):
            at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
            end = min(end, at + rng.choice((0, 1, 3, 9)))
            text = text[:at] + rng.choice(_CELLS) + text[end:]
        return text if rng.random() < 0.9 else text + text[: 1 << 10]

    def _changed_archive(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """The archive, or an array in it under a valid checksum."""
        if rng.random() < 0.2:
            return changed_bytes(rng, data, other)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = {name: archive.read(name) for name in archive.namelist()}
            name = rng.choice(sorted(members))
        except Exception:  # a seed that is itself damaged, or empty
            return changed_bytes(rng, data, other)
        members[name] = self._changed_array(rng, members[name])
        if rng.random() < 0.05:
            del members[name]
        buffer = io.BytesIO()
        with zipfile.ZipFile(
            buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        ) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)
        return buffer.getvalue()

    def _changed_array(self, rng: random.Random, member: bytes) -> bytes:
        """Its bytes, or numbers and the type in its header."""
        if rng.random() < 0.5:
            return changed_bytes(rng, member, member)
        old, new = rng.choice((
            (b"(3,", b"(2,"), (b"(3,", b"(3000000000,"), (b"(3,", b"(-1,"), (b"(3,", b"("), (b"2, 2)", b"0, 2)"),
            (b"<f4", b"<f2"), (b"<f4", b"|O8"), (b"<f4", b"|S4"), (b"<i8", b"<f8"), (b"<i8", b">u8"),
            (b"<i8", b"<M8"), (b"<f4", b"<c8"), (b"False", b"True "), (b"<i8", b"|b1"),
        ))  # fmt: skip
        return member.replace(old, new)

    def run(self, data: bytes) -> None:
        """As a stream and for training; targets, for one, are for the first alone."""
        path = self.paths[data[:1] == b"\1"]
        path.write_bytes(data[1:])
        refused = []
        for read in (read_stream, training.load):
            try:
                read(path)
            except TinylearnError as error:
                refused.append(error)
        if len(refused) == 2:
            raise refused[-1]
