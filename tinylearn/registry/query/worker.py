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

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, QuerySolutions

from tinylearn.errors import TinylearnError
from tinylearn.registry.query.columns import spelled_out
from tinylearn.registry.query.engine import ALL_GRAPHS, Graphs
from tinylearn.registry.query.errors import QueryRefusedError, QueryTooLargeError
from tinylearn.registry.query.formats import GRAPHS, ROWS
from tinylearn.registry.query.job import Job, Outcome, Place, Reply
from tinylearn.registry.query.results import Result, rendered
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.snapshot import open_snapshot

#: after the time limit, whoever asked should have killed this process
_GRACE_SECONDS = 2.0
_NICENESS = 5
_FAILURES = (TinylearnError, MemoryError, SyntaxError, ValueError, OSError, RuntimeError)
_REFUSALS = (QueryRefusedError, SyntaxError, ValueError)
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
            if job.revision != self._revision:
                self._reopen()
                self._revision = job.revision
            body = self._limited(job)
        except _FAILURES as error:
            return self._failure(error), b""
        return self._reply(Outcome.ANSWERED), body

    def _limited(self, job: Job) -> bytes:
        signal.setitimer(signal.ITIMER_REAL, self._limits.seconds + _GRACE_SECONDS)
        try:
            return self._run(job)
        except (OSError, RuntimeError) as error:
            if _is_unknown_function(error):
                raise
            # a writer may have taken away a file that was not open yet
            self._reopen()
            return self._run(job)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _run(self, job: Job) -> bytes:
        _limit_memory(self._memory)
        try:
            return rendered(self._result(job), _KINDS[job.format], self._limits)
        finally:
            _limit_memory(resource.RLIM_INFINITY)

    def _result(self, job: Job) -> Result:
        result = self._of_text(job.text, job.graphs)
        if not isinstance(result, QuerySolutions):
            return result
        # nothing has been evaluated yet
        text = spelled_out(job.text, (variable.value for variable in result.variables))
        return result if text is None else self._of_text(text, job.graphs)

    def _of_text(self, text: str, graphs: Graphs) -> Result:
        if graphs == ALL_GRAPHS:
            return self._store.query(text, use_default_graph_as_union=True)
        default: list[NamedNode | BlankNode | DefaultGraph] = list(graphs.default)
        named: list[NamedNode | BlankNode] = list(graphs.named)
        return self._store.query(text, default_graph=default, named_graphs=named)

    def _failure(self, error: Exception) -> Reply:
        if isinstance(error, QueryTooLargeError):
            return self._reply(Outcome.TOO_LARGE, str(error))
        if isinstance(error, MemoryError):
            return Reply(Outcome.OUT_OF_MEMORY, last=True)
        if isinstance(error, _REFUSALS) or _is_unknown_function(error):
            return self._reply(Outcome.REFUSED, str(error))
        return Reply(Outcome.FAILED, str(error), last=True)

    def _reply(self, outcome: Outcome, message: str = "") -> Reply:
        """The last one where the process has grown: what was freed is not always given back."""
        grown = _memory_bytes() > self._memory - self._limits.memory_bytes // 2
        return Reply(outcome, message, grown)

    def _reopen(self) -> None:
        """Not under the limit of memory: it starts threads."""
        self._store = open_snapshot(self._place.folder)


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


def _is_unknown_function(error: Exception) -> bool:
    return isinstance(error, RuntimeError) and "is not supported" in str(error)


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
