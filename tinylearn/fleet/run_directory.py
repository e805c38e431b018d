"""The folder that a run leaves behind: enough to look at it, and to run it again.

    config.json   model, strategy, parameters, settings, seed, versions: all that reproduces it
    curve.csv     a row a round: what it gave and what it cost
    events.jsonl  what the log tells, see ``logs``

Each row is written in one piece when its round is over; a row that a killed process cut off is
removed when the folder is opened again. A full disk costs rows, not the run.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinylearn import __version__
from tinylearn.errors import BadInputError, UsageError
from tinylearn.fleet import logs
from tinylearn.fleet.config import Config
from tinylearn.fleet.files import read_small, write_whole
from tinylearn.fleet.observers import Observer
from tinylearn.fleet.records import Log, Run
from tinylearn.fleet.round_watch import RoundEnd

_log = logging.getLogger(__name__)
_COLUMNS = ("round", "version", "reports", "mean_loss", "bytes_up", "bytes_down", "seconds")
_MODE = 0o644
_BLOCK = 4096


@dataclass(frozen=True)
class RunConfig:
    """What config.json holds. ``model_hash`` in hexadecimal; ``project``: where its folder was;
    ``shard``: as "0/1"."""

    run: int
    project: str
    model: str
    model_hash: str
    strategy: str
    parameters: dict[str, Any]
    config: dict[str, Any]
    seed: int
    fleet: str
    shard: str
    tinylearn: str = __version__
    numpy: str = np.__version__
    python: str = platform.python_version()

    @staticmethod
    def of(run: Run, config: Config, project: Path, fleet: str, shard: str) -> RunConfig:
        """Of a run that is about to be served."""
        return RunConfig(
            run.id, str(project.absolute()), run.model_name, run.model_hash.hex(), run.strategy,
            run.parameters, asdict(config), run.seed, fleet, shard,
        )  # fmt: skip

    @staticmethod
    def load(folder: Path) -> RunConfig:
        """From a run directory. Raises BadInputError where it is none, or damaged."""
        path = folder / "config.json"
        try:
            read = RunConfig(**json.loads(read_small(path)))
        except (ValueError, TypeError, RecursionError):
            raise BadInputError(f"{path}: damaged, or of another version of tinylearn") from None
        whole = all(isinstance(value, dict) for value in (read.parameters, read.config))
        if not whole or not isinstance(read.project, str) or not isinstance(read.seed, int):
            raise BadInputError(f"{path}: damaged")
        return read


class RunDirectory(Observer):
    """Rows and events of one run. ``traffic``: (bytes up, bytes down) so far; each row has what was
    added since the row before. ``clock`` gives Unix time."""

    def __init__(
        self, folder: Path, config: RunConfig, traffic: Callable[[], tuple[int, int]],
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Makes the folder, or goes on in it. Raises UsageError where it holds another run."""
        self._run, self._traffic, self._before = config.run, traffic, traffic()
        self._clock = clock
        _claim(folder, config)
        self._curve, self._events = (_opened(folder / n) for n in ("curve.csv", "events.jsonl"))
        if not self._curve.tell():
            self._curve.write(_row(_COLUMNS).encode())

    def close(self) -> None:
        """Nothing is written after it."""
        for file in (self._curve, self._events):
            file.close()

    def logged(self, entry: Log) -> None:
        """To events.jsonl."""
        values = logs.entry(self._clock(), logs.level_of(entry), self._run, entry)
        self._add(self._events, logs.json_line(values) + "\n")

    def round_ended(self, end: RoundEnd) -> None:
        """To curve.csv, and to events.jsonl."""
        now = self._traffic()
        up, down = (after - before for after, before in zip(now, self._before, strict=True))
        self._before = now
        loss = f"{end.mean_loss:.9g}" if math.isfinite(end.mean_loss) else ""
        row = (end.round, end.version, end.reports, loss, up, down, f"{end.seconds:.6f}")
        self._add(self._curve, _row(row))
        self.logged(logs.told_of(end))

    def _add(self, file: io.FileIO, line: str) -> None:
        """In one write, so that a line is there whole or is the last one."""
        try:
            file.write(line.encode())
        except OSError as error:
            _log.error("%s: a line is lost (%s)", file.name, error.strerror)


def _claim(folder: Path, config: RunConfig) -> None:
    path = folder / "config.json"
    if path.exists():
        there = RunConfig.load(folder).run
        if there != config.run:
            raise UsageError(f"{folder}: holds run {there}, not {config.run}; name another folder")
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty and no run directory; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(asdict(config), indent=1) + "\n", _MODE)


def _opened(path: Path) -> io.FileIO:
    """To be appended to, without a last line that was cut off."""
    file = io.FileIO(path, "a+")
    try:
        end = _end_of_lines(file)
        file.truncate(end)
        file.seek(end)
    except BaseException:
        file.close()
        raise
    return file


def _end_of_lines(file: io.FileIO) -> int:
    """Where the last whole line ends, looked for from the end."""
    at = file.seek(0, os.SEEK_END)
    while at > 0:
        first = max(0, at - _BLOCK)
        file.seek(first)
        found = file.read(at - first).rfind(b"\n")
        if found >= 0:
            return first + found + 1
        at = first
    return 0


def _row(values: tuple[object, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()
