"""What devices send a coordinator, and what it sends them: messages of both ways, and a run of the
state machine fed with them.

An input is pieces, each behind its length (16 bits); a piece's first byte says whose it is.
"""

from __future__ import annotations

import random
import zlib

import numpy as np
from engine import changed_bytes

from tinylearn.errors import BadInputError
from tinylearn.fleet import messages as m
from tinylearn.fleet.config import Config
from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.events import Effects, Received, Tick
from tinylearn.fleet.records import Run, Saved, Version
from tinylearn.fleet.rounds import attempt_of
from tinylearn.fleet.strategies import find

_COUNT = 12
_HASH = bytes(16)
_INITIAL = np.zeros(_COUNT, "<f4").tobytes()
_CRC = zlib.crc32(_INITIAL)


def _announce(births: int) -> bytes:
    return m.Announce(m.Capability(13), 256, 0, 4 * _COUNT, births, 0, 0, 0, _HASH).pack()


def _update(encoding: m.Encoding, stream: bytes) -> bytes:
    return m.Update(1, 1, attempt_of(_CRC), encoding, 0, len(stream), zlib.crc32(stream), 1, 0.5,
                    stream).pack()  # fmt: skip


def _conversation() -> list[bytes]:
    """A device's side of a round, with more than a round needs."""
    return [
        _announce(1), m.Pull(1, 1, 1, 0, 64).pack(), m.Pull(0, 0, 1, 0, 64).pack(),
        m.Progress(1, 1, attempt_of(_CRC), m.Phase.LEARNING, 1, 0.5, 0.5, 0).pack(),
        _update(m.Encoding.WEIGHTS, np.ones(_COUNT, "<f4").tobytes()),
        _update(m.Encoding.SPARSE_DELTA, b"\3\0" + np.ones(2, "<f4").tobytes()),
        m.Refusal(m.Fault.DIVERGED, 0x30, 0, 1, 1).pack(), m.Deployed(1, 0).pack(), m.Gone(1).pack(),
    ]  # fmt: skip


def _downward() -> list[bytes]:
    return [
        m.Task(1, 1, 0, m.TaskFlag.INLINE, 1, 0, 48, _CRC, 1, 1, 0, 0.5, 1.0, 1, _HASH, _INITIAL).pack(),
        m.Chunk(1, 0, _INITIAL).pack(), m.Next(1, 1, 0).pack(), m.Who().pack(),
        m.Receipt(1, 1, 0, m.Verdict.ACCEPTED).pack(), m.Deploy(1, 96, 0, _HASH).pack(),
    ]  # fmt: skip


def _joined(pieces: list[bytes]) -> bytes:
    return b"".join(len(p).to_bytes(2, "little") + p for p in pieces)


def _pieces(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 2 <= len(data) and len(found) < 100:
        size = int.from_bytes(data[at : at + 2], "little")
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def _problem(content: bytes) -> BadInputError | None:
    """Why it is a message of neither way; None for one that is."""
    problem: BadInputError | None = None
    for known in (m.UP, m.DOWN):
        try:
            m.unpack(content, known)
            return None
        except BadInputError as error:
            problem = error
    return problem


class FleetMessages:
    """See engine.Parser."""

    def seeds(self) -> list[bytes]:
        """A device's part of a conversation, the coordinator's, and each message alone."""
        up, down = _conversation(), _downward()
        whose = [bytes([i % 2]) + message for i, message in enumerate(up)]
        return [_joined(whose), *(_joined([b"\0" + message]) for message in (*up, *down))]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """One piece changed, mostly."""
        pieces = _pieces(data)
        if not pieces or rng.random() < 0.2:
            return changed_bytes(rng, data, other)
        at = rng.randrange(len(pieces))
        pieces[at] = changed_bytes(rng, pieces[at], rng.choice(_pieces(other) or [b""]))
        return _joined(pieces)

    def run(self, data: bytes) -> None:
        """Both ways' decoders, then a coordinator; its weights stay finite, its messages are ones."""
        run = Run(1, "tiny_reptile", {}, 0, "net", _HASH, len(_INITIAL), len(_INITIAL))
        saved = Saved(run, Version(1, 0, 0, _CRC, 0, _INITIAL))
        machine = Coordinator(saved, find("tiny_reptile", {}), Config(rounds=5), bytes, 0.0)
        problem: BadInputError | None = None
        for number, piece in enumerate(_pieces(data)):
            problem = _problem(piece[1:]) or problem
            device = f"d{piece[0] % 2}" if piece else "d0"
            self._check(machine, machine.handle(Received(device, "up", piece[1:]), float(number)))
        self._check(machine, machine.handle(Tick(), 1e6))
        if problem is not None:
            raise problem

    def _check(self, machine: Coordinator, effects: Effects) -> None:
        for _, body in effects.sends:
            assert m.unpack(body.pack(), m.DOWN).kind == body.kind
        assert np.all(np.isfinite(machine.head.weights))
