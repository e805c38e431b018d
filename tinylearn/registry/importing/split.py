"""One file's triples -> those of each device, model and thing in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pyoxigraph import BlankNode, NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.devices import terms
from tinylearn.registry.seloc.iris import better
from tinylearn.registry.store.base import Term
from tinylearn.registry.triples import Node
from tinylearn.registry.vocabulary import (
    NEURAL_NETWORK,
    SMART_SENSOR,
    SOSA,
    SSN_EXTEND,
    THING,
    TYPE,
)

_ROOTS = frozenset({NEURAL_NETWORK.value, SMART_SENSOR.value, THING.value})
#: of all things together: what several share, each of them has
MOST_TRIPLES = 4_000_000
#: facts that only a device has on itself
_DEVICE_FACTS = frozenset({terms.HAS_SENSOR, terms.CLOCK_HZ, terms.POWER_WATTS})
#: by these a part names what it belongs to, in place of the other way round
_PART_OF = frozenset({SSN_EXTEND + "provideInput", SOSA + "isHostedBy"})


@dataclass(frozen=True)
class Split:
    """``things``: by their IRI, each with the triples of all that belongs to it. ``rest``: triples of
    neither."""

    things: dict[NamedNode, list[Triple]]
    rest: list[Triple]


def split(triples: Iterable[Triple], file: str) -> Split:
    """A resource belongs to a thing that leads to it, unless it is a thing itself. One that belongs
    to several is with each of them. Raises BadInputError where that makes too many."""
    by_subject: dict[Node, list[Triple]] = defaultdict(list)
    for triple in triples:
        if isinstance(triple.subject, (NamedNode, BlankNode)):
            by_subject[triple.subject].append(triple)
    roots = [s for s in by_subject if isinstance(s, NamedNode) and _is_root(by_subject[s])]
    edges = _edges(by_subject, set(roots))
    things, claimed, count = {}, set[Term](), 0
    for root in roots:
        parts = _reached(root, edges)
        claimed.update(parts)
        things[root] = [triple for part in parts for triple in by_subject[part]]
        count += len(things[root])
        if count > MOST_TRIPLES:
            raise BadInputError(f"{file}: its things share too much; split it")
    rest = [t for subject, of in by_subject.items() if subject not in claimed for t in of]
    return Split(things, rest)


def _is_root(triples: Iterable[Triple]) -> bool:
    kinds = {
        better(t.object.value)
        for t in triples
        if t.predicate == TYPE and isinstance(t.object, NamedNode)
    }
    return bool(kinds & _ROOTS) or any(t.predicate in _DEVICE_FACTS for t in triples)


def _edges(by_subject: dict[Node, list[Triple]], roots: set[NamedNode]) -> dict[Term, list[Node]]:
    """From what belongs to a thing to what then belongs to it as well."""
    edges: dict[Term, list[Node]] = defaultdict(list)
    for subject, triples in by_subject.items():
        for triple in triples:
            value = triple.object
            if triple.predicate == TYPE or value not in by_subject:
                continue
            if value not in roots:
                edges[subject].append(value)  # type: ignore[arg-type]
            if subject not in roots and better(triple.predicate.value) in _PART_OF:
                edges[value].append(subject)  # type: ignore[index]
    return edges


def _reached(root: Node, edges: dict[Term, list[Node]]) -> list[Node]:
    """The root and all that it leads to, in the order of finding."""
    found: dict[Node, None] = {root: None}
    waiting = [root]
    while waiting:
        for node in edges.get(waiting.pop(), ()):
            if node not in found:
                found[node] = None
                waiting.append(node)
    return list(found)
