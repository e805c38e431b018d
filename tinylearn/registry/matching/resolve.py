"""From what people type to the device or model that they mean, also among a hundred thousand: the cheap
ways first, one scan in the engine where none of them finds it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from tinylearn.errors import BadInputError
from tinylearn.registry.matching.csv_rows import table_of
from tinylearn.registry.names import short
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SCHEMA, SMART_SENSOR, TD, TYPE

_SHOWN = 5
_AT_ONCE = 1000
#: letters of a last part that can name it
_LEAST = 6
_END = 8
#: as ``labels`` tells those apart that have one title
_LABEL = re.compile(rf"(.+) \((.{{1,{_END}}})\)")


@dataclass(frozen=True)
class Kind:
    """``noun``: of the class; ``title``: the predicate of its title."""

    noun: str
    type: NamedNode
    title: NamedNode


DEVICE = Kind("device", SMART_SENSOR, NamedNode(TD + "title"))
MODEL = Kind("model", NEURAL_NETWORK, NamedNode(SCHEMA + "name"))


def resolve(store: GraphStore, kind: Kind, name: str) -> str:
    """The IRI of the device or model that has this IRI, this title, or an IRI whose last part is this.
    Where none has, titles count without regard to case, or else how a last part begins.

    Raises BadInputError where there is none, or more than one.
    """
    if _is_one(store, kind, name):
        return name
    for found in _found(store, kind, name):
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(found[:_SHOWN]) + (", .." if len(found) > _SHOWN else "")
            raise BadInputError(
                f"{name}: {len(found)} {kind.noun}s go by that name: {shown}; give the whole IRI"
            )
    raise BadInputError(
        f"{name[:200]}: no {kind.noun} of that title, IRI or end of one; "
        f"tinylearn registry {kind.noun}s lists what there is"
    )


def _is_one(store: GraphStore, kind: Kind, iri: str) -> bool:
    try:
        node = NamedNode(iri)
    except ValueError:
        return False
    return bool(
        store.select(f"SELECT ?t {{ GRAPH {node} {{ {node} {TYPE} ?t }} }}", {"t": kind.type})
    )


def _found(store: GraphStore, kind: Kind, name: str) -> Iterator[list[str]]:
    """By each way, the next one only where it is asked for."""
    yield _titled(store, kind, name)
    yield from _scanned(store, kind, name)


def _titled(store: GraphStore, kind: Kind, title: str) -> list[str]:
    """By the title as it is, without a language or in English: what an engine finds at once."""
    titles = (Literal(title), Literal(title, language="en"))
    arms = " UNION ".join(f"{{ GRAPH ?g {{ ?g {kind.title} {text} }} }}" for text in titles)
    return _of_kind(store, kind, f"SELECT DISTINCT ?g {{ {arms} }}")


def _scanned(store: GraphStore, kind: Kind, name: str) -> Iterator[list[str]]:
    """By the last part of the IRI; by the title in any language and case; by how a last part begins."""
    inside = " || ".join(f"CONTAINS(STR(?g), {Literal(mark + name)})" for mark in "/#:")
    query = f"SELECT DISTINCT ?g {{ GRAPH ?g {{ ?g {TYPE} {kind.type} }} FILTER ({inside}) }}"
    found = sorted(iri for (iri,) in table_of(store.select_csv(query)))
    yield [iri for iri in found if short(iri) == name]
    same = f"LCASE(STR(?title)) = {Literal(name.lower())}"
    yield _of_kind(
        store,
        kind,
        f"SELECT DISTINCT ?g {{ GRAPH ?g {{ ?g {kind.title} ?title }} FILTER ({same}) }}",
    )
    yield [i for i in found if len(name) >= _LEAST and short(i).startswith(name)]
    if label := _LABEL.fullmatch(name):
        titled = _titled(store, kind, label[1])
        yield [iri for iri in titled if short(iri).startswith(label[2])]


def _of_kind(store: GraphStore, kind: Kind, query: str) -> list[str]:
    """What a query finds, but for things of another kind."""
    found = (iri for (iri,) in table_of(store.select_csv(query)))
    return sorted(iri for iri in found if _is_one(store, kind, iri))


def labels(store: GraphStore, iris: Sequence[str]) -> dict[str, str]:
    """A name for each, for people: its title, with the end of the IRI where several have that title, or
    the IRI."""
    known = titles(store, iris)
    common = Counter(known.values())
    return {
        iri: f"{known[iri]} ({short(iri)[:_END]})" if common[known[iri]] > 1 else known[iri]
        for iri in known
    } | {iri: iri for iri in iris if iri not in known}


def titles(store: GraphStore, iris: Iterable[str]) -> dict[str, str]:
    """Titles of devices and models; those without have none."""
    wanted, found = list(dict.fromkeys(iris)), dict[str, str]()
    for at in range(0, len(wanted), _AT_ONCE):
        names = " ".join(str(NamedNode(iri)) for iri in wanted[at : at + _AT_ONCE])
        path = f"{DEVICE.title}|{MODEL.title}"
        query = f"SELECT ?g ?title {{ VALUES ?g {{ {names} }} GRAPH ?g {{ ?g {path} ?title }} }}"
        for iri, title in table_of(store.select_csv(query)):
            found[iri] = min(title, found.get(iri, title))
    return found
