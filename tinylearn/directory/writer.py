"""The one thread that writes: changes in the order in which they were asked for, as many as wait in one
transaction, and an answer to each when it is on the disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tinylearn.directory.draft import Draft
from tinylearn.errors import BadInputError, DeviceError

T = TypeVar("T")
Change = Callable[[Draft], T]
_log = logging.getLogger(__name__)
#: of one transaction: so that the first of many does not wait long
_MOST = 128


@dataclass(frozen=True)
class _Asked(Generic[T]):
    change: Change[T]
    answer: Future[T]


class Writer:
    """``begin`` makes a draft; ``commit`` writes it and tells of it."""

    def __init__(self, begin: Callable[[], Draft], commit: Callable[[Draft], None]) -> None:
        self._begin = begin
        self._commit = commit
        self._asked: queue.SimpleQueue[_Asked[Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="directory-writer", daemon=True)
        self._thread.start()

    def submit(self, change: Change[T]) -> Future[T]:
        """The future ends when the change is durable, or with what the change or the store raised."""
        asked = _Asked(change, Future[T]())
        with self._lock:
            if self._closed:
                raise DeviceError("the service is ending")
            self._asked.put(asked)
        return asked.answer

    def close(self) -> None:
        """Writes what was asked for before, then ends."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._asked.get()) is not None:
            batch, ends = self._batch(first)
            self._carry_out(batch)
            if ends:
                return

    def _batch(self, first: _Asked[Any]) -> tuple[list[_Asked[Any]], bool]:
        batch = [first]
        while len(batch) < _MOST:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                break
            if asked is None:
                return batch, True
            batch.append(asked)
        return batch, False

    def _carry_out(self, batch: list[_Asked[Any]]) -> None:
        """One that cannot be written takes no other with it."""
        running = [asked for asked in batch if asked.answer.set_running_or_notify_cancel()]
        if not self._written(running, last=len(running) == 1):
            for asked in running:
                if not asked.answer.done():
                    self._written([asked], last=True)

    def _written(self, batch: list[_Asked[Any]], last: bool) -> bool:
        """Whether all have their answer; ``last``: they have it in any case."""
        done: list[tuple[_Asked[Any], Any]] = []
        try:
            draft = self._begin()
            done = [(asked, result) for asked in batch for result in _tried(asked, draft)]
            if draft.changes:
                self._commit(draft)
        except BadInputError as error:
            return last and _failed(batch, error)
        except Exception as error:
            return _failed(batch, error)
        for asked, result in done:
            asked.answer.set_result(result)
        return True


def _tried(asked: _Asked[Any], draft: Draft) -> list[Any]:
    """The result, or nothing where there is none: the asker knows why."""
    try:
        return [asked.change(draft)]
    except Exception as error:
        asked.answer.set_exception(error)
        return []


def _failed(batch: list[_Asked[Any]], error: Exception) -> bool:
    _log.error("changes were not written: %s", error)
    for asked in batch:
        if not asked.answer.done():
            asked.answer.set_exception(error)
    return True
