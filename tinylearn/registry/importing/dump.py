"""TriG and N-Quads as untrusted input: whole graphs, as another registry has exported them."""

from __future__ import annotations

import json
from pathlib import Path

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, RdfFormat, Triple, parse

from tinylearn.errors import BadInputError
from tinylearn.registry.importing.turtle_file import MOST_TRIPLES
from tinylearn.registry.td.document import check_td
from tinylearn.registry.things import DOCUMENT

_FORMATS = {".trig": RdfFormat.TRIG, ".nq": RdfFormat.N_QUADS}


def graphs_of_dump(data: bytes, path: Path) -> list[tuple[NamedNode, list[Triple]]]:
    """The named graphs in order; raises BadInputError for what is in none, or cannot be read."""
    graphs: dict[NamedNode, list[Triple]] = {}
    try:
        quads = parse(data, format=_FORMATS[path.suffix.lower()], rename_blank_nodes=True)
        for count, quad in enumerate(quads, 1):
            if count > MOST_TRIPLES:
                raise BadInputError(
                    f"{path}: more than {MOST_TRIPLES:,} quads; load it with restore"
                )
            graphs.setdefault(_named(quad.graph_name, path), []).append(quad.triple)
    except (SyntaxError, ValueError) as error:
        raise BadInputError(f"{path}: cannot be read: {error}") from None
    for name, triples in graphs.items():
        _check(name, triples, path)
    return list(graphs.items())


def _named(name: NamedNode | BlankNode | DefaultGraph, path: Path) -> NamedNode:
    if isinstance(name, NamedNode):
        return name
    raise BadInputError(
        f"{path}: has triples in no named graph; a device or model is a graph named by its IRI"
    )


def _check(name: NamedNode, triples: list[Triple], path: Path) -> None:
    """A Thing Description that is kept in a graph is given out again: it must be one, and of it."""
    for triple in triples:
        if isinstance(triple.subject, Triple) or isinstance(triple.object, Triple):
            raise BadInputError(f"{path}: {name}: a triple within a triple is not understood here")
        if triple.predicate == DOCUMENT and isinstance(triple.object, Literal):
            try:
                td = check_td(json.loads(triple.object.value))
            except (ValueError, RecursionError):
                raise BadInputError(f"{path}: {name}: its Thing Description is no JSON") from None
            if td.id != name.value or triple.subject != name:
                raise BadInputError(f"{path}: {name}: its Thing Description is of {td.id}")
