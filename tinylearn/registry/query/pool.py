"""A few workers for many who ask. Whoever has waited long enough takes the place of the query that has
run longest, so that those that never end hold up nobody."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from tinylearn.errors import TinylearnError
from tinylearn.registry.query.errors import QueryBusyError, QueryFailedError
from tinylearn.registry.query.job import Job, Place
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.process import WorkerProcess
from tinylearn.registry.query.turns import Turns


class Pool:
    """Runs jobs from any thread. More processes are up than may work, so that one that is killed is
    replaced at once; they start in the background."""

    def __init__(self, place: Callable[[], Place], limits: Limits) -> None:
        self._place = place
        self._limits = limits
        # the last one that has answered knows the newest revision
        self._ready: queue.LifoQueue[WorkerProcess | TinylearnError] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._busy: dict[WorkerProcess, float] = {}
        self._turns = Turns(limits.workers, limits.waiting)
        self._closed = False
        for _ in range(limits.workers + limits.spare):
            self._start_one()

    def run(self, job: Job) -> bytes:
        """Raises what errors.py lists."""
        self._turns.take(self._limits.patience, self._limits.seconds, self._end_longest)
        try:
            return self._run(job)
        finally:
            self._turns.give_back()

    def close(self) -> None:
        """Ends all workers, and with them what they run."""
        with self._lock:
            self._closed = True
            for worker in self._busy:
                worker.kill("the registry is closing")
        while not self._ready.empty():
            ready = self._ready.get()
            if isinstance(ready, WorkerProcess):
                ready.close()
        self._ready.put(QueryBusyError("the registry is closing"))

    def _end_longest(self) -> None:
        """For one that waits; what has just begun is left alone, and all are while no process stands
        ready: it would be a start for every end, and nobody served sooner."""
        now = time.monotonic()
        with self._lock:
            if self._ready.empty():
                return
            running = [w for w in self._busy if w.is_good()]
            longest = min(running, key=self._busy.__getitem__, default=None)
            if longest is not None and now - self._busy[longest] > self._limits.patience:
                longest.kill(f"after {now - self._busy[longest]:.1f} s, as others were waiting")

    def _run(self, job: Job) -> bytes:
        worker = self._taken()
        try:
            return worker.ask(job)
        finally:
            with self._lock:
                del self._busy[worker]
            if not self._give_back(worker):
                self._start_one(worker)

    def _taken(self) -> WorkerProcess:
        """A worker that stands ready; raises QueryFailedError where none can be started."""
        while True:
            ready = self._ready.get()
            if isinstance(ready, TinylearnError):
                self._after_failure(ready)
            elif self._is_taken(ready):
                return ready
            else:
                self._start_one(ready)

    def _after_failure(self, error: TinylearnError) -> NoReturn:
        """The next one who asks may have more luck; those who wait while this closes have none."""
        if self._closed:
            self._ready.put(error)
        self._start_one()
        raise error

    def _is_taken(self, worker: WorkerProcess) -> bool:
        with self._lock:
            if self._closed or not worker.is_good():
                return False
            self._busy[worker] = time.monotonic()
            return True

    def _give_back(self, worker: WorkerProcess) -> bool:
        """Whether it stands ready again."""
        with self._lock:
            if worker.is_good() and not self._closed:
                self._ready.put(worker)
                return True
        return False

    def _start_one(self, instead_of: WorkerProcess | None = None) -> None:
        threading.Thread(
            target=self._replace, args=(instead_of,), name="query worker", daemon=True
        ).start()

    def _replace(self, old: WorkerProcess | None) -> None:
        if old is not None:
            old.close()
        if self._closed:
            return
        try:
            worker = self._started()
        except TinylearnError as error:
            self._ready.put(error)
            return
        if not self._give_back(worker):
            worker.close()

    def _started(self) -> WorkerProcess:
        """Once it has opened the store; raises QueryFailedError."""
        try:
            worker = WorkerProcess(self._place())
        except OSError as error:
            raise QueryFailedError(f"no worker can be started: {error}") from error
        try:
            worker.wait_ready()
        except BaseException:
            worker.close()
            raise
        return worker
