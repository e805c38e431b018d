"""How much a store holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal

from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import is_url
from tinylearn.registry.store.update_text import REGISTRY
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SMART_SENSOR, THING


@dataclass(frozen=True)
class Stats:
    """``things``: graphs of Thing Descriptions, ``devices``: of what has hardware facts; one may be
    both. ``bytes``: on disk, None at an endpoint."""

    where: str
    revision: int
    graphs: int
    things: int
    devices: int
    models: int
    triples: int
    bytes: int | None


def stats_of(store: GraphStore) -> Stats:
    """Counts."""
    things, devices, models = (
        len(store.names(kind)) for kind in (THING, SMART_SENSOR, NEURAL_NETWORK)
    )
    return Stats(
        store.where,
        store.revision(),
        len(store.names()),
        things,
        devices,
        models,
        _count(store, "?g") - _count(store, str(REGISTRY)),
        None if is_url(store.where) else folder_bytes(Path(store.where)),
    )


def _count(store: GraphStore, graph: str) -> int:
    rows = store.select(f"SELECT (COUNT(*) AS ?n) {{ GRAPH {graph} {{ ?s ?p ?o }} }}")
    number = rows[0]["n"]
    assert isinstance(number, Literal)
    return int(number.value)


def folder_bytes(folder: Path) -> int:
    """Bytes of a folder's files, as the file system counts them."""
    size = 0
    for entry in os.scandir(folder):
        try:
            size += entry.stat().st_blocks * 512
        except FileNotFoundError:  # a writer has taken it away
            continue
    return size
