"""A process that runs queries on a folder it cannot write to, one after the other, until it is killed.

``python -m tinylearn.registry.query.worker FD``: jobs come, and answers go, through the socket FD.
Its memory is bounded, and the system ends it should it outlive the time of a query and whoever asked.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from pyoxigraph import BlankNode, DefaultGraph, NamedNode

from tinylearn.registry.query.engine import ALL_GRAPHS
from tinylearn.registry.query.errors import QueryTooLargeError
from tinylearn.registry.query.formats import GRAPHS, ROWS
from tinylearn.registry.query.job import Job, Outcome, Place, Reply
from tinylearn.registry.query.results import rendered
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.snapshot import open_snapshot

_Name = NamedNode | BlankNode | DefaultGraph

#: after the time limit, whoever asked should have killed this process
_GRACE_SECONDS = 2.0
_NICENESS = 5
_KINDS = {form.names[0]: form.kind for form in (*ROWS, *GRAPHS)}


class Worker:
    """A store that is read, and opened anew where it has grown."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._limits = place.limits
        self._revision = place.revision
        self._store = open_snapshot(place.folder)
        self._memory = _memory_bytes() + self._limits.memory_bytes

    def answer(self, job: Job) -> tuple[Reply, bytes]:
        """Within time and memory."""
        try:
            self._refresh(job.revision)
        except StoreError as error:
            return Reply(Outcome.FAILED, str(error), last=True), b""
        signal.setitimer(signal.ITIMER_REAL, self._limits.seconds + _GRACE_SECONDS)
        _limit_memory(self._memory)
        try:
            return self._answer(job)
        finally:
            _limit_memory(resource.RLIM_INFINITY)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _answer(self, job: Job) -> tuple[Reply, bytes]:
        try:
            body = self._run(job)
        except QueryTooLargeError as error:
            return self._reply(Outcome.TOO_LARGE, str(error)), b""
        except MemoryError:
            return Reply(Outcome.OUT_OF_MEMORY, last=True), b""
        except (SyntaxError, ValueError) as error:
            return self._reply(Outcome.REFUSED, str(error)), b""
        except (OSError, RuntimeError) as error:  # a writer has taken a file away, at the worst
            return Reply(Outcome.FAILED, str(error), last=True), b""
        return self._reply(Outcome.ANSWERED), body

    def _run(self, job: Job) -> bytes:
        if job.graphs == ALL_GRAPHS:
            result = self._store.query(job.text, use_default_graph_as_union=True)
        else:
            default: list[_Name] = list(job.graphs.default)
            named: list[NamedNode | BlankNode] = list(job.graphs.named)
            result = self._store.query(job.text, default_graph=default, named_graphs=named)
        return rendered(result, _KINDS[job.format], self._limits)

    def _reply(self, outcome: Outcome, message: str = "") -> Reply:
        """The last one where the process has grown: what was freed is not always given back."""
        grown = _memory_bytes() > self._memory - self._limits.memory_bytes // 2
        return Reply(outcome, message, grown)

    def _refresh(self, revision: int) -> None:
        if revision != self._revision:
            self._store = open_snapshot(self._place.folder)
            self._revision = revision


def serve(line: Connection) -> None:
    """Answers jobs until there are no more."""
    try:
        worker = Worker(pickle.loads(line.recv_bytes()))
    except StoreError as error:
        line.send_bytes(Reply(Outcome.FAILED, str(error), last=True).pack())
        return
    line.send_bytes(Reply(Outcome.READY).pack())
    while True:
        reply, body = worker.answer(pickle.loads(line.recv_bytes()))
        line.send_bytes(reply.pack())
        if reply.outcome == Outcome.ANSWERED:
            line.send_bytes(body)
        if reply.last:
            return


def _memory_bytes() -> int:
    """Of addresses, as RLIMIT_AS counts."""
    pages = Path("/proc/self/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def _limit_memory(most: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def main() -> None:
    """Entry point."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(Connection(int(sys.argv[1])))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


if __name__ == "__main__":
    main()
