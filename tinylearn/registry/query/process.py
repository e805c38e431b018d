"""A worker process as its owner sees it: asked, timed, killed."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import IO

from tinylearn.registry.environment import environment
from tinylearn.registry.query.errors import (
    QueryFailedError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from tinylearn.registry.query.job import MOST_HEAD_BYTES, Job, Outcome, Place, Reply

_START_SECONDS = 60.0
_END_SECONDS = 1.0
_MOST_SAID = 1 << 16
#: what an engine, or Python, says before it dies of it
_OUT_OF_MEMORY = (b"memory allocation", b"bad_alloc", b"MemoryError")
#: fewer arenas and no traces of the stack: less to count as memory, less to write when it is out
_SETTINGS = {"MALLOC_ARENA_MAX": "2", "RUST_BACKTRACE": "0", "PYTHONNODEBUGRANGES": "1"}


class WorkerProcess:
    """Starts with its construction; may be killed from any thread, asked from one at a time."""

    def __init__(self, place: Place) -> None:
        self._limits = place.limits
        self._killed_because = ""
        self._spent = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        ours, theirs = socket.socketpair()
        self._line = Connection(ours.detach())
        try:
            with theirs:
                self._process = _started(theirs.fileno(), self._errors)
        except BaseException:
            self._let_go()
            raise
        self._send(pickle.dumps(place))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Until it has opened the store; raises QueryFailedError where it cannot."""
        if not self._line.poll(_START_SECONDS):
            raise QueryFailedError(f"no query can be run: no worker after {_START_SECONDS:g} s")
        reply = self._reply(_START_SECONDS)
        if reply.outcome != Outcome.READY:
            raise QueryFailedError(f"no query can be run: {reply.message}")

    def ask(self, job: Job) -> bytes:
        """The answer; raises what errors.py lists."""
        self._send(pickle.dumps(job))
        reply = self._reply(self._limits.seconds)
        self._spent = reply.last
        if reply.outcome == Outcome.ANSWERED:
            return self._body()
        raise self._error(reply)

    def is_good(self) -> bool:
        """Whether it can be asked."""
        return not (self._killed_because or self._spent) and self._process.poll() is None

    def kill(self, because: str = "it is no longer needed") -> None:
        """At once."""
        self._killed_because = self._killed_because or because
        self._process.kill()

    def close(self) -> None:
        """Kills it and gives back all that it had; not while it is asked."""
        self.kill()
        self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        self._line.close()
        self._errors.close()

    def _send(self, data: bytes) -> None:
        # where it is gone, its reply is missing as well
        with suppress(OSError):
            self._line.send_bytes(data)

    def _reply(self, seconds: float) -> Reply:
        try:
            if not self._line.poll(seconds):
                self.kill(f"it took more than {seconds:g} s")
                raise QueryTimeoutError(f"the query was stopped: it took more than {seconds:g} s")
            return Reply.unpack(self._line.recv_bytes(MOST_HEAD_BYTES))
        except (EOFError, OSError, ValueError):
            raise self._death() from None

    def _body(self) -> bytes:
        try:
            return self._line.recv_bytes(self._limits.answer_bytes)
        except (EOFError, OSError):
            raise self._death() from None

    def _error(self, reply: Reply) -> Exception:
        if reply.outcome == Outcome.REFUSED:
            return QueryRefusedError(f"the query is not valid: {reply.message}")
        if reply.outcome == Outcome.TOO_LARGE:
            return QueryTooLargeError(reply.message)
        if reply.outcome == Outcome.OUT_OF_MEMORY:
            return self._out_of_memory()
        return QueryFailedError(f"the engine failed: {reply.message}")

    def _out_of_memory(self) -> QueryTooLargeError:
        most = self._limits.memory_bytes >> 20
        return QueryTooLargeError(f"the query was stopped: it took more than {most:,} MiB")

    def _death(self) -> Exception:
        """Why it is gone."""
        if self._killed_because:
            return QueryTimeoutError(f"the query was stopped: {self._killed_because}")
        code = self._exit_code()
        self._errors.seek(0)
        said = self._errors.read(_MOST_SAID)
        if any(sign in said for sign in _OUT_OF_MEMORY):
            return self._out_of_memory()
        last = (said.decode("utf-8", "replace").splitlines() or [""])[-1][:200]
        return QueryFailedError(f"a worker ended ({code}); others are not affected: {last}")

    def _exit_code(self) -> int:
        """Its line is closed: it ends, or will not be waited for."""
        try:
            return self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill("it broke down")
            return self._process.wait()


def _started(line: int, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tinylearn.registry.query.worker", str(line)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        pass_fds=[line], env=environment(**_SETTINGS), start_new_session=True,
    )  # fmt: skip
