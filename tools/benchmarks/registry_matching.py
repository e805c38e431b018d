"""Matching: from a store that nobody has opened yet, and with an index in memory.

Devices and models are those of synthetic_things.py, in an embedded store, loaded as `tinylearn registry import`
does. A cold start is a process that opens the store, loads what the question needs and shows the first 20:
with the columns that the load left beside the store, some upserts later, and where they are lost, by scanning
the store. Sizes are devices; there are 500 models, for the matrix 100.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from measured import Row, apart
from pyoxigraph import NamedNode
from registry_store import forget
from synthetic_things import device, model, quads, triples_of_device

from tinylearn.registry.matching import kept_columns
from tinylearn.registry.matching.current_devices import keep_up
from tinylearn.registry.matching.index import Index
from tinylearn.registry.matching.ranking import Ranking
from tinylearn.registry.matching.resolve import labels
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
MODELS = 500
MATRIX = (1_000, 100)
ENGINE = "Oxigraph, NumPy"
TOP = 20
#: at any size
BARS = {"cold, devices for a model": 2.0, "cold, models for a device": 2.0, "devices for a model": 0.3,
        "models for a device": 0.02, "full matrix, 100 models": 0.5}  # fmt: skip
#: devices that are written between two cold starts
CHANGES = (1, 100, 10_000)
#: of a transaction, as `import` does
BATCH = 200
_REPEATS = 15


def rows(quick: bool) -> Iterator[Row]:
    """All measurements."""
    for size in QUICK_SIZES if quick else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            yield from _of_size(Path(folder) / "registry", size)
    with tempfile.TemporaryDirectory() as folder:
        yield from _matrix(Path(folder) / "registry")


def _row(size: int, operation: str, seconds: float, megabytes: float | None = None) -> Row:
    return Row(size, operation, seconds, ENGINE, megabytes, BARS.get(operation))


def _of_size(folder: Path, size: int) -> Iterator[Row]:
    apart(_fill, folder, size, MODELS)
    yield _row(size, "cold, models for a device", *apart(_cold_device, folder))
    question = "cold, devices for a model"
    yield _row(size, question, *apart(_cold_model, folder))
    for changes in CHANGES:
        apart(_change, folder, size, changes)
        taken, peak = apart(_cold_model, folder)
        later = f"{question}, {changes:,} upserts later"
        yield Row(size, later, taken, ENGINE, peak, BARS[question])
    yield _row(size, f"{question}, columns lost", *apart(_cold_lost, folder))
    yield _row(size, "cold, everything into memory", *apart(_cold_all, folder))
    medians, peak = apart(_warm, folder, size)
    yield from (_row(size, name, seconds, peak) for name, seconds in medians.items())


def _matrix(folder: Path) -> Iterator[Row]:
    apart(_fill, folder, *MATRIX)
    seconds, peak = apart(_full_matrix, folder)
    yield _row(MATRIX[0], "full matrix, 100 models", seconds, peak)


# ---- in processes of their own ----


def _fill(folder: Path, devices: int, models: int) -> None:
    store = open_store(folder)
    store.bulk_load(quads(devices, models))
    keep_up(store)
    store.close()


def _change(folder: Path, size: int, changes: int) -> None:
    """Devices that are there become others; some come anew."""
    store = open_store(folder)
    for at in range(0, changes, BATCH):
        numbers = range(at, min(changes, at + BATCH))
        some = [replace(device(size + n), iri=device(7 * n % (size + 50)).iri) for n in numbers]
        store.upsert({NamedNode(one.iri): list(triples_of_device(one)) for one in some})
    store.close()


def _cold_device(folder: Path) -> float:
    iri = device(3).iri
    return _cold(folder, lambda store: Index.load(store, device=iri).models_for(iri), "model")


def _cold_model(folder: Path) -> float:
    iri = model(3).iri
    return _cold(folder, lambda store: Index.load(store, model=iri).devices_for(iri), "device")


def _cold(folder: Path, ask: Callable[[GraphStore], Ranking], other: str) -> float:
    forget(folder)
    begin = time.perf_counter()
    store = open_store(folder, create=False, read_only=True)
    _show(store, ask(store), other)
    taken = time.perf_counter() - begin
    store.close()
    return taken


def _show(store: GraphStore, found: Ranking, other: str) -> None:
    """As the command does before it prints."""
    labels(store, [getattr(one, other) for one in found[:TOP]])


def _cold_lost(folder: Path) -> float:
    (folder / kept_columns.NAME).unlink()
    return _cold_model(folder)


def _cold_all(folder: Path) -> float:
    (folder / kept_columns.NAME).unlink()
    forget(folder)
    begin = time.perf_counter()
    store = open_store(folder, create=False, read_only=True)
    Index.load(store)
    taken = time.perf_counter() - begin
    store.close()
    return taken


def _warm(folder: Path, devices: int) -> dict[str, float]:
    store = open_store(folder)
    index, turns = Index.load(store), iter(range(10**6))
    index.models_for(device(0).iri)

    def of_model() -> None:
        _show(store, index.devices_for(model(next(turns) % MODELS).iri), "device")

    def of_device() -> None:
        _show(store, index.models_for(device(next(turns) % devices).iri), "model")

    found = {
        "devices for a model": _median(of_model),
        "models for a device": _median(of_device),
        "index follows an upsert": _median(lambda: index.update(device(next(turns) % devices).iri)),
    }
    store.close()
    return found


def _full_matrix(folder: Path) -> float:
    store = open_store(folder)
    index = Index.load(store)
    taken = _median(index.matrix)
    store.close()
    return taken


def _median(action: Callable[[], object]) -> float:
    taken = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)
