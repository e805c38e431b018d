"""The registry's stores: bulk load, upserts, opening, export; in a folder and behind a SPARQL server."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measured import Row, apart
from pyoxigraph import NamedNode, RdfFormat, serialize
from synthetic_things import SENSORS, device_graph, quads

from tinylearn.registry.matching.current_devices import keep_up
from tinylearn.registry.store.backup import back_up
from tinylearn.registry.store.dataset_files import export_dataset, import_dataset
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.registry.store.open import open_store
from tinylearn.registry.store.stats import folder_bytes
from tinylearn.registry.vocabulary import tl

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.sparql_server import SparqlServer

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
#: behind HTTP, where a bulk load is updates
SERVED = 1_000
UPSERTS = 200
#: that one upsert adds to the log, about
LOG_BYTES = 30_000
#: of a store of any size, or of the largest
BARS = {"bulk load": 60.0, "upsert, median": 0.005, "cold open and first query": 2.0}
LARGEST_MB = 1500.0
_EMBEDDED, _SERVED = "Oxigraph, embedded", "Oxigraph, HTTP"
_QUERY = f"""SELECT ?device ?ram {{ ?device {tl("sensor")} ?sensor ; {tl("ramBytes")} ?ram
  FILTER(?ram >= 300000) }} LIMIT 10"""


def rows(quick: bool) -> Iterator[Row]:
    """All measurements."""
    for size in QUICK_SIZES if quick else SIZES:
        with tempfile.TemporaryDirectory() as name:
            yield from _embedded(size, Path(name))
            floor, peak = apart(_bare_sync, Path(name) / "log")
            yield Row(size, "file synced, 30 kB, median", floor, "file system", peak)
    with tempfile.TemporaryDirectory() as name:
        yield from _served(SERVED, Path(name))


def _embedded(size: int, folder: Path) -> Iterator[Row]:
    file, store = folder / "all.nq", folder / "registry"
    triples = apart(_write, file, size)[0]
    largest = 0.0
    for operation, function, *arguments in (
        ("bulk load", _load, str(store), file),
        ("cold open and first query", _open_cold, store),
        ("open beside a writer", _open_beside, store),
        ("upsert", _upsert, str(store), size),
        ("export as TriG", _export, store, folder / "all.trig"),
        ("backup", _back_up, store, folder / "copy"),
    ):
        taken, peak = apart(function, *arguments)
        largest = max(largest, peak)
        if operation == "upsert":
            yield from _upsert_rows(size, _EMBEDDED, taken, peak)
        else:
            yield Row(size, operation, taken, _EMBEDDED, peak, BARS.get(operation))
    yield Row(size, "largest process", None, _EMBEDDED, largest, LARGEST_MB)
    yield Row(size, f"on disk, {triples:,} triples", None, _EMBEDDED, folder_bytes(store) / 1e6)


def _served(size: int, folder: Path) -> Iterator[Row]:
    file = folder / "all.nq"
    apart(_write, file, size)
    server = SparqlServer(folder=folder / "server")
    try:
        seconds, peak = apart(_load, server.url, file)
        yield Row(size, "bulk load", seconds, _SERVED, peak)
        yield from _upsert_rows(size, _SERVED, *apart(_upsert, server.url, size))
    finally:
        server.stop()


def _upsert_rows(size: int, engine: str, times: list[float], peak: float) -> Iterator[Row]:
    median = "upsert, median"
    yield Row(size, median, statistics.median(times), engine, peak, BARS[median])
    yield Row(size, "upsert, 99 of 100", sorted(times)[len(times) * 99 // 100], engine, peak)


# ---- in processes of their own ----


def _write(file: Path, size: int) -> int:
    serialize(quads(size, max(1, size // 200)), str(file), RdfFormat.N_QUADS)
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def _load(where: str, file: Path) -> float:
    start = time.perf_counter()
    store = open_store(where)
    import_dataset(store, file)
    keep_up(store)
    store.close()
    return time.perf_counter() - start


def _open_cold(folder: Path) -> float:
    forget(folder)
    start = time.perf_counter()
    store = open_store(folder)
    found = store.select(_QUERY, {"sensor": _sensor()})
    taken = time.perf_counter() - start
    assert len(found) == 10
    store.close()
    return taken


def _open_beside(folder: Path) -> float:
    """After a few upserts that are in the log alone."""
    store, times = EmbeddedStore(folder), []
    for number in range(100):
        store.upsert(dict([device_graph(number)]))
        if number % 10 == 9:
            start = time.perf_counter()
            reader = open_store(folder, read_only=True)
            reader.select(_QUERY, {"sensor": _sensor()})
            times.append(time.perf_counter() - start)
            reader.close()
    store.close()
    return statistics.median(times)


def _upsert(where: str, size: int) -> list[float]:
    store, times = open_store(where), []
    for number in range(UPSERTS):
        name, triples = device_graph(number * 7919 % size)
        start = time.perf_counter()
        store.upsert({name: triples})
        times.append(time.perf_counter() - start)
    store.close()
    return times


def _bare_sync(file: Path) -> float:
    """What the disk takes for as many bytes as an upsert adds to the log."""
    times = []
    with file.open("wb", buffering=0) as log:
        for _ in range(UPSERTS):
            log.write(os.urandom(LOG_BYTES))
            start = time.perf_counter()
            os.fsync(log.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def _export(folder: Path, file: Path) -> float:
    start = time.perf_counter()
    export_dataset(open_store(folder, read_only=True), file)
    return time.perf_counter() - start


def _back_up(folder: Path, target: Path) -> float:
    start = time.perf_counter()
    back_up(open_store(folder, read_only=True), target)
    return time.perf_counter() - start


def _sensor() -> NamedNode:
    return NamedNode(SENSORS[3])


def forget(folder: Path) -> None:
    """Takes the files out of the system's memory, as after it has started."""
    for path in folder.iterdir():
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
