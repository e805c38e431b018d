"""What the tests of ``tinylearn fleet`` share: the command, and a coordinator in a thread."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from support.fleet_world import COUNT, HASH, Loopback, PythonDevice

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from cli_tools import Result, done, snapshot, tinylearn  # noqa: F401 (for tests beside)

from tinylearn.fleet.config import Config
from tinylearn.fleet.records import Run
from tinylearn.fleet.service import Service
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import find

RUN = Run(7, "tiny_reptile", {"rounds": 5, "samples": 8, "rate": 0.01, "outer_rate": 1.0}, 3, "net",
          HASH, 4 * COUNT, 4 * COUNT)  # fmt: skip


def fleet(*words: object) -> Result:
    """A command that must succeed and say nothing on stderr."""
    return done("fleet", *words)


def fails(code: int, *words: object, match: str, logs: bool = False) -> str:
    """A command that must fail: nothing on stdout, one line on stderr that names things, after what
    it has logged where ``logs``."""
    result = tinylearn("fleet", *words)
    assert result.code == code, result
    *logged, line = result.err.splitlines()
    assert result.out == "" and (logs or not logged), result
    assert all(json.loads(entry)["what"] for entry in logged)
    assert line.startswith(f"tinylearn fleet {words[0]}: ") and match in line, result.err
    return line


def begun(place: str) -> None:
    """A store with a run that nobody serves."""
    store = open_store(place)
    store.create(RUN, np.zeros(COUNT, "<f4").tobytes())
    store.close()


def service(store, devices: int = 3, rounds: int = 5, run: Run = RUN) -> Service:
    """Of the run above, if no other is given; not started."""
    named = {f"d{i}": PythonDevice(f"d{i}", 4096) for i in range(devices)}
    return Service(store, Loopback(named), run, find(run.strategy, run.parameters),
                   Config(rounds=rounds, retry=0.05), bytes)  # fmt: skip


@contextmanager
def served(place: str) -> Iterator[None]:
    """The run above, served by a thread until the block ends."""
    box: list[Service] = []
    ready = threading.Event()

    def work() -> None:
        store = open_store(place)
        box.append(service(store))
        ready.set()
        box[0].serve()
        store.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(60)
    try:
        yield
    finally:
        box[0].stop()
        thread.join(60)
        assert not thread.is_alive()
