"""What goes to a worker, and what comes back. A worker runs what strangers wrote: what it says is read
as data, never unpickled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tinylearn.registry.query.engine import ALL_GRAPHS, Graphs
from tinylearn.registry.query.limits import Limits

#: a reply's first part
MOST_HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class Place:
    """The folder of a store, which had at least this revision when the worker was told."""

    folder: Path
    revision: int
    limits: Limits


@dataclass(frozen=True)
class Job:
    """A query that has passed the gate. ``format``: a media type. ``revision``: the answer must know
    all that was written up to it."""

    text: str
    format: str
    revision: int
    graphs: Graphs = ALL_GRAPHS


class Outcome(StrEnum):
    """How a job ended."""

    READY = "ready"
    ANSWERED = "answered"
    REFUSED = "refused"
    TOO_LARGE = "too large"
    OUT_OF_MEMORY = "out of memory"
    FAILED = "failed"


@dataclass(frozen=True)
class Reply:
    """``message``: what went wrong. ``last``: the worker ends after this."""

    outcome: Outcome
    message: str = ""
    last: bool = False

    def pack(self) -> bytes:
        """As JSON, cut to the size that is read."""
        message = self.message[: MOST_HEAD_BYTES // 16]
        return json.dumps([self.outcome, message, self.last]).encode()

    @staticmethod
    def unpack(data: bytes) -> Reply:
        """Raises ValueError."""
        outcome, message, last = json.loads(data)
        return Reply(Outcome(outcome), str(message), bool(last))
