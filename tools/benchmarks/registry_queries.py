"""How fast queries are: those that the SeLoC-ML authors published, on their data, as shipped.

In the engine bare, through the gate and a worker, and in rdflib, in the same run. Then what hostile
queries cost others: how long one waits while all workers are busy with queries that never end, and how
long the gate takes for the largest query that it lets through.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from pyoxigraph import QueryResultsFormat, RdfFormat, Store, serialize

from tinylearn.cli.output import print_table
from tinylearn.registry.importing.files import found
from tinylearn.registry.importing.importer import Importer
from tinylearn.registry.query.gate import admit
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

SELOC = Path(__file__).resolve().parents[3] / "shared" / "rdf" / "seloc-ml"
ROWS = {1: 2, 2: 2, 3: 4}
BARE, SAFE, RDFLIB = "Oxigraph", "Oxigraph, gate and worker", "rdflib"
ENDLESS = "SELECT (COUNT(*) AS ?n) {" + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(8)) + "}"
LARGEST = "ASK { FILTER (" + " + ".join(["1"] * 2990) + " > 0) }"
_REPEATS = 25
_RDFLIB_SECONDS = 1200


@dataclass(frozen=True)
class Row:
    """One measurement."""

    size: str
    operation: str
    seconds: float
    engine: str


def rows(quick: bool = False) -> Iterator[Row]:
    """All measurements; ``quick``: without rdflib, which takes minutes."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "registry")
        Importer(store).add(list(found(SELOC)))
        size = f"{sum(1 for _ in store.quads()):,} quads"
        with QueryService(store) as service:
            yield Row(size, "start, until the first answer",
                      _seconds(lambda: service.ask("ASK {}")), SAFE)  # fmt: skip
            for number in ROWS:
                yield from _published(size, service, store, number)
            yield from _beside_endless(size, service)
        yield Row(f"{Limits().tokens:,} tokens", "gate: the largest query",
                  _median(lambda: admit(LARGEST, Limits())), BARE)  # fmt: skip
        if not quick:
            yield from _in_rdflib(size, store, Path(folder) / "all.nt")
        store.close()


def _text(number: int) -> str:
    return (SELOC / "queries" / f"query_{number}.rq").read_text()


def _published(size: str, service: QueryService, store: GraphStore, number: int) -> Iterator[Row]:
    """As shipped, from the file's text to the answer's bytes; first and again."""
    text, what = _text(number), f"SeLoC-ML query {number}"
    admitted = admit(text, service.limits).text
    engine = Store()
    engine.bulk_extend(store.quads())

    def bare() -> bytes:
        result = engine.query(admitted, use_default_graph_as_union=True)
        return result.serialize(format=QueryResultsFormat.CSV)

    for name, run in ((BARE, bare), (SAFE, lambda: service.ask(text, accept="text/csv").body)):
        first, count = _seconds(run), run().count(b"\r\n") - 1
        assert count == ROWS[number], f"query {number} gives {count} rows"
        yield Row(size, f"{what}, first", first, name)
        yield Row(size, what, _median(run), name)


def _beside_endless(size: str, service: QueryService) -> Iterator[Row]:
    """The slowest of ten, asked while twice as many endless ones as there are workers come in."""
    waits = []
    with ThreadPoolExecutor(16) as others:
        hostile = [others.submit(service.ask, ENDLESS) for _ in range(2 * service.limits.workers)]
        for _ in range(10):
            waits.append(_seconds(lambda: service.ask("ASK { ?s ?p ?o }")))
            hostile.append(others.submit(service.ask, ENDLESS))
        for one in hostile:
            one.exception()
    yield Row(size, "slowest of 10 beside endless queries", max(waits), SAFE)


def _in_rdflib(size: str, store: GraphStore, file: Path) -> Iterator[Row]:
    """In a process of its own, so that it can be given up."""
    triples = dict.fromkeys(quad.triple for quad in store.quads())
    file.write_bytes(serialize(triples, format=RdfFormat.N_TRIPLES))
    for number, wanted in ROWS.items():
        text = admit(_text(number), Limits()).text
        command = [sys.executable, __file__, "--rdflib", str(file), text]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_RDFLIB_SECONDS, check=True
            )
        except subprocess.TimeoutExpired as late:
            yield Row(size, f"SeLoC-ML query {number}, given up", late.timeout, RDFLIB)
            continue
        seconds, count = json.loads(done.stdout)
        assert count == wanted, f"query {number} gives {count} rows in rdflib"
        yield Row(size, f"SeLoC-ML query {number}", seconds, RDFLIB)


def _ask_rdflib(file: str, text: str) -> None:
    from rdflib import Graph

    graph = Graph().parse(file, format="nt")
    start = time.perf_counter()
    count = len(list(graph.query(text)))
    print(json.dumps([time.perf_counter() - start, count]))


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _median(action: Callable[[], object]) -> float:
    return statistics.median(_seconds(action) for _ in range(_REPEATS))


def main() -> None:
    """Prints all rows."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("--quick", action="store_true", help="without rdflib")
    cli.add_argument("--json", action="store_true")
    cli.add_argument("--rdflib", nargs=2, metavar=("FILE", "QUERY"), help=argparse.SUPPRESS)
    args = cli.parse_args()
    if args.rdflib:
        _ask_rdflib(*args.rdflib)
        return
    measured = list(rows(args.quick))
    if args.json:
        print(json.dumps([asdict(row) for row in measured], indent=2))
        return
    print_table(("size", "operation", ">ms", "engine"),
                [(r.size, r.operation, 1000 * r.seconds, r.engine) for r in measured])  # fmt: skip


if __name__ == "__main__":
    main()
