"""Says what is wrong with descriptions, in files or in a store, without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode, Triple

from tinylearn.errors import TinylearnError
from tinylearn.registry.importing.files import Kind, kind_of, read_bytes
from tinylearn.registry.importing.prepare import prepared
from tinylearn.registry.importing.split import split
from tinylearn.registry.importing.turtle_file import read_turtle
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.dataset_files import read_quads
from tinylearn.registry.store.update_text import check_name
from tinylearn.registry.validation import BATCH, check
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SMART_SENSOR


@dataclass(frozen=True)
class Wrong:
    """``place``: the file, or where in the registry; ``thing``: empty where it is the file itself."""

    place: str
    thing: str
    message: str


def wrong_in_files(paths: Iterable[Path]) -> Iterator[Wrong]:
    """As the files are: nothing is mended first."""
    for path in paths:
        try:
            things = _things(path)
        except TinylearnError as error:
            yield Wrong(str(path), "", str(error).removeprefix(f"{path}: "))
            continue
        for problem in check(things):
            yield Wrong(str(path), problem.thing, str(problem))


def wrong_in_store(store: GraphStore) -> Iterator[Wrong]:
    """Devices and models that are registered, by their IRIs."""
    names = sorted({*store.names(SMART_SENSOR), *store.names(NEURAL_NETWORK)}, key=str)
    for start in range(0, len(names), BATCH):
        graphs = {name: store.graph(name) for name in names[start : start + BATCH]}
        for problem in check(graphs):
            yield Wrong(store.where, problem.thing, str(problem))


def _things(path: Path) -> dict[NamedNode, list[Triple]]:
    """By their IRIs."""
    if kind_of(path) is Kind.DUMP:
        graphs: dict[NamedNode, list[Triple]] = {}
        for quad in read_quads(path):
            graphs.setdefault(check_name(quad.graph_name), []).append(quad.triple)
        return graphs
    if kind_of(path) is Kind.TURTLE:
        parts = split(read_turtle(read_bytes(path), str(path)).triples, str(path))
        if parts.things:
            return parts.things
    return {entry.iri: list(entry.said or entry.triples) for entry in prepared(path).entries}
