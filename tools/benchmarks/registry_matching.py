"""How fast matching is: from a store that nobody has opened yet, and with an index in memory.

Devices and models are those of registry_fleet.py, in an embedded store on the disk. A cold start is one
of a process that opens the store, loads what the question needs and shows the first 20; that of the
command includes Python's own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from registry_fleet import device, model, quads

from tinylearn.cli.output import print_table
from tinylearn.registry.matching.index import Index
from tinylearn.registry.matching.resolve import labels
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

SIZES, QUICK = (1_000, 10_000, 100_000), (1_000, 10_000)
MODELS = 500
MATRIX = (1_000, 100)
ENGINE = "Oxigraph, NumPy"
TOP = 20
_REPEATS = 15


@dataclass(frozen=True)
class Row:
    """One measurement; ``size``: devices x models."""

    size: str
    operation: str
    seconds: float
    engine: str = ENGINE


def rows(quick: bool = False) -> Iterator[Row]:
    """All measurements."""
    for devices in QUICK if quick else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            yield from _of_size(Path(folder) / "registry", devices, MODELS)
    with tempfile.TemporaryDirectory() as folder:
        yield from _matrix(Path(folder) / "registry")


def _filled(folder: Path, devices: int, models: int) -> None:
    print(f"filling a store: {devices:,} devices, {models:,} models", file=sys.stderr)
    store = open_store(folder)
    store.bulk_load(quads(devices, models))
    store.close()


def _of_size(folder: Path, devices: int, models: int) -> Iterator[Row]:
    _filled(folder, devices, models)
    size = f"{devices:,} x {models:,}"
    for of, iri in (("model", model(3).iri), ("device", device(3).iri)):
        other = {"model": "devices", "device": "models"}[of]
        yield Row(
            size,
            f"cold: {other} for a {of}",
            _median(lambda of=of, iri=iri: _cold(folder, of, iri), 5),
        )
        yield Row(
            size,
            f"cold: registry match --{of}",
            _median(lambda of=of, iri=iri: _command(folder, of, iri), 3),
        )
    store = open_store(folder)
    yield Row(size, "cold: all into memory", _median(lambda: Index.load(store), 3))
    yield from _warm(size, store, devices, models)
    store.close()


def _warm(size: str, store: GraphStore, devices: int, models: int) -> Iterator[Row]:
    index = Index.load(store)
    index.models_for(device(0).iri)
    turns = iter(range(10**6))
    yield Row(
        size,
        "devices for a model, ranked, 20 shown",
        _median(
            lambda: _shown(
                store, index.devices_for(model(next(turns) % models).iri)[:TOP], "device"
            )
        ),
    )
    yield Row(
        size,
        "models for a device, ranked, 20 shown",
        _median(
            lambda: _shown(
                store, index.models_for(device(next(turns) % devices).iri)[:TOP], "model"
            )
        ),
    )
    yield Row(size, "index follows an upsert", _median(
        lambda: index.update(device(next(turns) % devices).iri)))  # fmt: skip


def _matrix(folder: Path) -> Iterator[Row]:
    devices, models = MATRIX
    _filled(folder, devices, models)
    store = open_store(folder)
    index = Index.load(store)
    size = f"{devices:,} x {models:,}"
    yield Row(size, "full matrix", _median(index.matrix))
    yield Row(size, "cold: full matrix", _median(lambda: Index.load(store).matrix(), 3))
    store.close()


def _cold(folder: Path, of: str, iri: str) -> None:
    store = open_store(folder, create=False, read_only=True)
    if of == "model":
        _shown(store, Index.load(store, model=iri).devices_for(iri)[:TOP], "device")
    else:
        _shown(store, Index.load(store, device=iri).models_for(iri)[:TOP], "model")
    store.close()


def _shown(store: GraphStore, found: list, other: str) -> None:
    labels(store, [getattr(one, other) for one in found])


def _command(folder: Path, of: str, iri: str) -> None:
    command = [
        sys.executable,
        "-m",
        "tinylearn",
        "registry",
        "--store",
        str(folder),
        "match",
        f"--{of}",
    ]
    subprocess.run([*command, iri], check=True, capture_output=True)


def _median(action: Callable[[], object], repeats: int = _REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def main() -> None:
    """Prints a table, or with --json one JSON value."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 10,000 devices")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = list(rows(args.quick))
    if args.json:
        print(json.dumps({"rows": [asdict(row) for row in found]}, indent=2))
    else:
        print_table(("devices x models", "operation", ">ms", "engine"),
                    [(r.size, r.operation, f"{1000 * r.seconds:,.2f}", r.engine) for r in found])  # fmt: skip


if __name__ == "__main__":
    main()
