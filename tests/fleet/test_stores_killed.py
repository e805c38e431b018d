"""Coordinators killed while they write: a transaction is there whole or not at all, and what was
acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from support import writer
from support.fleet_records import a_run, version, weights

from tinylearn.fleet.records import Round
from tinylearn.fleet.store import open_store


def write_and_kill(place: str, after_s: float) -> int:
    """Runs a writer for so long from its first commit on; returns the last round that it told of."""
    script = str(Path(writer.__file__))
    with subprocess.Popen([sys.executable, script, place], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        told = (first + process.stdout.read()).split(b"\n")
    return int(told[-2])  # what follows the last line end is empty or cut short


def check_whole(place: str, acknowledged: int) -> int:
    """Everything of each round is there, and of no other; returns the last round that is kept."""
    store = open_store(place, create=False)
    saved = store.load(1)
    last = saved.head.number - 1
    assert last >= acknowledged
    assert saved.head == version(last + 1, round_=last)
    assert saved.open_rounds == {last + 1: Round(last + 1, last + 1, ("dev",))}
    assert saved.reported == {(number, "dev") for number in range(1, last + 1)}
    lineage = list(store.lineage(1))
    assert all(b.parent == a.number == b.round for a, b in pairwise(lineage))
    assert len(lineage) == last + 1
    store.close()
    return last


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(place: str) -> None:
    store = open_store(place)
    store.create(a_run(), weights(1))
    store.close()
    chance, kept = random.Random(4), 0
    for _ in range(6 if place.startswith("postgresql") else 20):
        acknowledged = write_and_kill(place, chance.uniform(0, 0.05))
        assert acknowledged > kept
        kept = check_whole(place, acknowledged)
