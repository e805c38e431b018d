"""Logs: one JSON object a line for machines, one plain line for people.

    {"time": "2026-01-31T12:00:00.000Z", "level": "warning", "run": 7, "round": 3, "device": "d1",
     "what": "given up", "detail": "left"}

Devices choose some of what is told here, so that control characters are escaped and lengths bounded.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from tinylearn.fleet.observers import Observer
from tinylearn.fleet.records import Log
from tinylearn.fleet.round_watch import RoundEnd

_log = logging.getLogger(__name__)
_MOST_DETAIL = 500
_MOST_NAME = 64
#: what an operator should look at; all else is the course of things
_WARNINGS = {"bad message", "bad request", "given up", "rollout failed", "void"}


def entry(at: float, level: str, run: int, told: Log) -> dict[str, Any]:
    """What a line holds, in its order. ``at``: Unix time."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return {
        "time": moment.replace("+00:00", "Z"), "level": level, "run": run, "round": told.round,
        "device": bounded(told.device, _MOST_NAME), "what": bounded(told.what, _MOST_NAME),
        "detail": bounded(told.detail, _MOST_DETAIL),
    }  # fmt: skip


def json_line(values: dict[str, Any]) -> str:
    """One line of ASCII, without its end: whatever controls a terminal is escaped."""
    return json.dumps(values)


def text_line(values: dict[str, Any]) -> str:
    """The same for people."""
    where = [f"round {values['round']}"] if values["round"] else []
    where += [values["device"]] if values["device"] else []
    level = "" if values["level"] == "info" else f"{values['level']}: "
    told = ": ".join(filter(None, [" ".join(where), values["what"], values["detail"]]))
    return printable(f"{values['time'][11:19]} {level}{told}")


def bounded(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: most - 2] + ".."


def printable(text: str) -> str:
    """Everything that a terminal would act on as an escape sequence in letters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def level_of(told: Log) -> str:
    """ "warning" or "info"."""
    return "warning" if told.what in _WARNINGS else "info"


def told_of(end: RoundEnd) -> Log:
    """A round's end in words."""
    if not end.version:
        return Log("void", end.round, "", f"{end.reports} reports in {end.seconds:.3g} s")
    loss = f", loss {end.mean_loss:.4g}" if math.isfinite(end.mean_loss) else ""
    return Log("closed", end.round, "",
               f"version {end.version}, {end.reports} reports{loss}, {end.seconds:.3g} s")  # fmt: skip


def stored(run: int, number: int, at: float, told: Log) -> dict[str, Any]:
    """An entry of a store's history."""
    return {"number": number, **entry(at, level_of(told), run, told)}


class LogObserver(Observer):
    """Passes on what a coordinator tells."""

    def logged(self, entry: Log) -> None:
        """By its level."""
        level = logging.getLevelNamesMapping()[level_of(entry).upper()]
        _log.log(level, "%s", entry.detail, extra={"told": entry})

    def round_ended(self, end: RoundEnd) -> None:
        """One entry a round."""
        self.logged(told_of(end))


class _Formatter(logging.Formatter):
    """``run``: which one all of it is about."""

    def __init__(self, run: int, as_json: bool) -> None:
        super().__init__()
        self._run, self._line = run, json_line if as_json else text_line

    def format(self, record: logging.LogRecord) -> str:
        """An entry of the coordinator, or what any module logs; of an exception its last line."""
        told = getattr(record, "told", None)
        if told is None:
            told = Log(record.name.rpartition(".")[2], detail=_message(record))
        return self._line(entry(record.created, record.levelname.lower(), self._run, told))


def _message(record: logging.LogRecord) -> str:
    problem = record.exc_info[1] if record.exc_info else None
    cause = f": {type(problem).__name__}: {problem}" if problem else ""
    return record.getMessage() + cause


@contextmanager
def logging_to(stream: TextIO, run: int, as_json: bool, quiet: bool = False) -> Iterator[None]:
    """All that this process logs goes to ``stream`` for as long; ``quiet``: warnings alone."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter(run, as_json))
    root, ours = logging.getLogger(), logging.getLogger("tinylearn")
    before = ours.level
    ours.setLevel(logging.WARNING if quiet else logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
