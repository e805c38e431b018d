"""Writes to a store until it is killed; tells each round on stdout when the store has acknowledged it.

``upserts``: each round replaces two graphs and adds one, in a transaction. ``bulk``: adds a few thousand
graphs in several parts.
"""

from __future__ import annotations

import sys
from itertools import count

from graphs import device, quads

from tinylearn.registry.store import embedded
from tinylearn.registry.store.open import open_store

#: devices of a round of bulk loads
BULK = 1200
#: numbers of the two that each round of upserts replaces
PAIR = (1_000_001, 1_000_002)


def upserts(place: str, first: int) -> None:
    """Rounds from ``first`` on; tables are written often."""
    embedded._LOG_BYTES = 300_000  # type: ignore[misc]
    store = open_store(place)
    for round_ in count(first):
        store.upsert(dict([device(round_), *(device(number, round_) for number in PAIR)]))
        print(round_, flush=True)


def bulk(place: str, first: int) -> None:
    """Rounds from ``first`` on, in parts of about a quarter."""
    embedded._BULK_QUADS, embedded._FEW_QUADS = BULK, 500  # type: ignore[misc]
    store = open_store(place)
    for round_ in count(first):
        store.bulk_load(quads(*(device(round_ * BULK + n) for n in range(BULK))))
        print(round_, flush=True)


if __name__ == "__main__":
    {"upserts": upserts, "bulk": bulk}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
