"""The C device of tests/firmware under an agent, and a coordinator of one round."""

from __future__ import annotations

import ctypes
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "firmware"))

import c_runtime
from c_runtime import INPUTS, LINEAR, OUTPUTS, SOFTMAX, SOFTMAX_BYTES, Host, library

from tinylearn.device import frames
from tinylearn.fleet import messages as m
from tinylearn.fleet.agent import Agent
from tinylearn.fleet.board import SerialBoard

__all__ = ["FLEET", "INPUTS", "LINEAR", "SOFTMAX", "c_runtime", "library"]
FLEET = ("TL_FLEET=1",)
#: frames that hold neither the models' weights nor an update at once, and the least that there can be
SMALL = ("TL_FRAME_BYTES=100", "TL_FLASH_UNIT=1")
LEAST = ("TL_FRAME_BYTES=80", "TL_FLASH_UNIT=16")
HASHES = {SOFTMAX: b"softmax" + bytes(range(1, 10)), LINEAR: b"linear\0" + bytes(range(1, 10))}
WEIGHTS = {SOFTMAX: SOFTMAX_BYTES, LINEAR: 4 * OUTPUTS * (INPUTS + 1)}
SAMPLES = 6


def source(device: str, run: int, round_: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random samples with labels, the same for the same arguments."""
    rng = np.random.default_rng([run, round_])
    return rng.normal(size=(count, INPUTS)).astype("f4"), rng.integers(0, 3, count)


def regression(device: str, run: int, round_: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([run, round_])
    return rng.normal(size=(count, INPUTS)).astype("f4"), rng.normal(size=(count, 2)).astype("f4")


SOURCES = {SOFTMAX: source, LINEAR: regression}


class FleetHost(Host):
    """The C device with its part in a fleet; frames of 256 bytes unless told."""

    def __init__(
        self, kind: int = SOFTMAX, flash: int = 1024, defines: tuple[str, ...] = (), **how: Any
    ) -> None:
        super().__init__(kind, flash, defines=FLEET + defines, **how)

    def tell(self, content: bytes) -> list[bytes]:
        """One message in a frame; the contents of the frames that come back."""
        return frames.Decoder().feed(self.exchange(frames.encode(content)))

    def say(self, body: m.Body) -> m.Body | None:
        """One message down, and the one that is answered."""
        answers = self.tell(body.pack())
        assert len(answers) <= 1
        return m.unpack(answers[0], m.UP) if answers else None

    @property
    def phase(self) -> m.Phase:
        return m.Phase(self.lib.host_fleet_phase(self._host))

    @property
    def mode(self) -> int:
        return int(self.lib.host_mode(self._host))

    @property
    def deployed(self) -> int:
        return int(self.lib.host_deployed(self._host))

    def write(self, weights: bytes) -> None:
        """Other weights, by hand."""
        assert self.lib.host_set_weights(self._host, ctypes.c_char_p(weights)) == 0

    def receive(self, timeout: float) -> bytes:
        """Also what it sent by itself."""
        return super().receive(timeout) + self.exchange(b"")

    def boot(self) -> None:
        """A restart of the whole program, whose first word is an ANNOUNCE."""
        self.lib.host_boot(self._host)

    def own_sample(self, x: np.ndarray, label: int) -> None:
        """A sample of its own stream."""
        xs = np.ascontiguousarray(x, "<f4")
        self.lib.host_own_sample(self._host, ctypes.c_void_p(xs.ctypes.data), label)

    def agent(self, name: str = "d") -> Agent:
        """What the fleet sees of it."""
        return Agent(name, SerialBoard(self.device()), SOURCES[self.kind])


def version(kind: int, seed: int = 0) -> bytes:
    """Random weights."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.3, WEIGHTS[kind] // 4).astype("<f4").tobytes()


def task(kind: int = SOFTMAX, weights: bytes | None = None, **changes: Any) -> m.Task:
    """Round 1 of run 1, all weights pulled, unless told otherwise; INLINE brings them along."""
    weights = version(kind) if weights is None else weights
    first = changes.pop("first", 0)
    part = weights[first : first + changes.pop("size", len(weights))]
    fields: dict[str, Any] = {
        "run": 1, "round": 1, "attempt": 0, "flags": m.TaskFlag.NONE, "version": 7, "first": first,
        "size": len(part), "crc": zlib.crc32(part), "samples": SAMPLES, "passes": 1,
        "local_samples": 0, "rate": 0.05, "share": 0.25, "deadline_ms": 0, "model_hash": HASHES[kind],
    }  # fmt: skip
    fields |= changes
    if m.TaskFlag.INLINE in fields["flags"]:
        fields.setdefault("data", part)
    return m.Task(**fields)


@dataclass
class Coordinator:
    """One device's round: sends the task, serves the version, takes one update in."""

    task: m.Task
    part: bytes
    updates: list[m.Update] = field(default_factory=list)
    refusals: list[m.Refusal] = field(default_factory=list)
    pieces: bytearray = field(default_factory=bytearray)

    def nudge(self) -> bytes:
        return self.task.pack()

    def take(self, content: bytes) -> list[bytes]:
        said = m.unpack(content, m.UP)
        if isinstance(said, m.Pull):
            data = self.part[said.offset : said.offset + said.room]
            return [m.Chunk(said.version, said.offset, data).pack()]
        if isinstance(said, m.Refusal):
            self.refusals.append(said)
        return self._update(said) if isinstance(said, m.Update) else []

    def _update(self, piece: m.Update) -> list[bytes]:
        """Whatever comes, the device is told what comes next."""
        if not self.updates:
            if piece.offset == len(self.pieces):
                self.pieces += piece.data
            if len(self.pieces) < piece.total:
                return [m.Next(piece.run, piece.round, len(self.pieces)).pack()]
            assert zlib.crc32(self.pieces) == piece.crc
            self.updates.append(piece)
        return [m.Receipt(piece.run, piece.round, piece.attempt, m.Verdict.ACCEPTED).pack()]


def play(agent: Agent, coordinator: Coordinator, nudges: int = 3) -> None:
    """The whole round without faults, but that a nudge may be needed first."""
    for _ in range(nudges):
        waiting = [coordinator.nudge()]
        while waiting:
            for content in agent.handle(waiting.pop(0)):
                waiting += coordinator.take(content)
