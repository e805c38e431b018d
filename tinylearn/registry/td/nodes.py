"""Triples seen from a node: what it says, in plain values. Bounded, as graphs may lead in circles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.registry.td.problems import InvalidThingError, Problem
from tinylearn.registry.vocabulary import TYPE, XSD

Term = NamedNode | BlankNode | Literal

_MOST_VISITS = 10_000
_INTEGERS = frozenset(
    XSD + name for name in ("integer", "int", "long", "short", "byte", "nonNegativeInteger",
                            "positiveInteger", "unsignedInt", "unsignedLong", "unsignedShort")
)  # fmt: skip
_REALS = frozenset(XSD + name for name in ("decimal", "double", "float"))


class Graph:
    """Triples by subject and predicate."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._said: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        self._visits = 0
        for triple in triples:
            self._said[triple.subject][triple.predicate.value].append(triple.object)

    def node(self, term: Term) -> Node:
        """A node to read; each one read counts."""
        self._visits += 1
        if self._visits > _MOST_VISITS:
            raise InvalidThingError(
                [Problem("$", "leads to too many nodes in RDF; describe less at once")]
            )
        return Node(self, term, self._said.get(term, {}))


class Node:
    """One node. Predicates are IRIs; where there are several, those are names of one thing."""

    def __init__(self, graph: Graph, term: Term, said: dict[str, list[Term]]) -> None:
        self.graph, self.term, self.said = graph, term, said

    def all(self, *predicates: str) -> list[Term]:
        """Objects of any of the predicates, in order of their text."""
        return sorted((term for name in predicates for term in self.said.get(name, ())), key=str)

    def nodes(self, *predicates: str) -> list[Node]:
        """The same, to be read on."""
        return [self.graph.node(term) for term in self.all(*predicates)]

    def values(self, *predicates: str) -> list[Any]:
        """The same as JSON; blank nodes are left out."""
        terms = self.all(*predicates)
        return [value_of(term) for term in terms if not isinstance(term, BlankNode)]

    def value(self, *predicates: str) -> Any:
        """The first; None where there is none."""
        return next(iter(self.values(*predicates)), None)

    def text(self, *predicates: str) -> str | None:
        """The first that is a literal or an IRI, as a string."""
        terms = [term for term in self.all(*predicates) if not isinstance(term, BlankNode)]
        return terms[0].value if terms else None

    def types(self) -> list[str]:
        """IRIs of its classes."""
        return [term.value for term in self.all(TYPE.value) if isinstance(term, NamedNode)]


def value_of(term: NamedNode | Literal) -> Any:
    """A literal as a JSON value by its datatype, an IRI as a string."""
    kind = term.datatype.value if isinstance(term, Literal) else ""
    try:
        if kind == XSD + "boolean":
            return term.value in ("true", "1")
        if kind in _INTEGERS:
            return int(term.value)
        if kind in _REALS and abs(real := float(term.value)) < float("inf"):
            return real
    except ValueError:  # a lexical form that the datatype does not have
        pass
    return term.value


def local_name(iri: str) -> str:
    """What follows the fragment's mark, or else the last slash, or else the last colon."""
    mark = next((mark for mark in "#/:" if mark in iri), ":")
    return iri.rpartition(mark)[2]
