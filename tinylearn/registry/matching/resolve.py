"""From what people type to the device, model or thing that they mean, also among a hundred thousand: the
cheap ways first, scans in the engine where none of them finds it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from tinylearn.errors import BadInputError
from tinylearn.registry.matching.csv_rows import table_of
from tinylearn.registry.matching.nearest import Named, nearest
from tinylearn.registry.names import short
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.update_text import REGISTRY
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SCHEMA, SMART_SENSOR, TD, THING, TYPE

_SHOWN, _NEAREST = 5, 3
_AT_ONCE = 1000
#: that go by one name, as far as they are counted
_MOST = 100
#: letters of a beginning that can stand for the whole
_LEAST = 4
_END = 8
#: as ``labels`` tells those apart that have one title
_LABEL = re.compile(rf"(.+) \((.{{1,{_END}}})\)")


@dataclass(frozen=True)
class Kind:
    """``noun``, ``nouns``: of the classes; ``titles``: the predicates of their titles."""

    noun: str
    nouns: str
    types: tuple[NamedNode, ...]
    titles: tuple[NamedNode, ...]


DEVICE = Kind("device", "devices", (SMART_SENSOR,), (NamedNode(TD + "title"),))
MODEL = Kind("model", "models", (NEURAL_NETWORK,), (NamedNode(SCHEMA + "name"),))
#: also vocabularies, by their IRIs
ANY = Kind(
    "device, model or thing", "devices, models or things",
    (*DEVICE.types, *MODEL.types, THING), (*DEVICE.titles, *MODEL.titles),
)  # fmt: skip


def resolve(store: GraphStore, kind: Kind, name: str, certain: bool = False) -> str:
    """The IRI of the one that has this IRI; or else this title; or an IRI that ends in this, from a /, # or
    : on. Where none has, and not only what is ``certain`` counts: this title in any case or language; a
    title with the end of an IRI behind it, as ``labels`` makes them; an IRI whose last part, or a title
    that, begins with it.

    Raises BadInputError where there is none, with the nearest, or more than one.
    """
    if _is_one(store, kind, name):
        return name
    for found in _ways(store, kind, name, certain):
        if found:
            return _only(kind, name, found)
    near = [one for one in nearest(name, _all(store, kind)) if _is_one(store, kind, one.iri)]
    shown = ", ".join(f"{one.title} ({one.iri})" for one in near[:_NEAREST])
    told = (
        f"near it: {shown}" if near else "tinylearn registry devices and models list what is there"
    )
    raise BadInputError(f"{name[:200]}: no {kind.noun} of that title, IRI or end of one; {told}")


def _ways(store: GraphStore, kind: Kind, name: str, certain: bool) -> Iterator[list[str]]:
    """What each finds, the next only where it is asked for."""
    yield _titled(store, kind, name)
    inside = _containing(store, kind, name)
    yield [iri for iri in inside if iri.endswith(tuple(mark + name for mark in "/#:"))]
    if certain:
        return
    wanted = Literal(name.lower())
    yield _with_title(store, kind, f"LCASE(STR(?t)) = {wanted}")
    if label := _LABEL.fullmatch(name):
        like = f"CONTAINS(STR(?g), {Literal(label[2])})"
        yield [i for i in _titled(store, kind, label[1], like) if short(i).startswith(label[2])]
    if len(name) >= _LEAST:
        yield [iri for iri in inside if short(iri).startswith(name)]
        yield _with_title(store, kind, f"STRSTARTS(LCASE(STR(?t)), {wanted})")


def _only(kind: Kind, name: str, found: Sequence[str]) -> str:
    if len(found) == 1:
        return found[0]
    shown = ", ".join(found[:_SHOWN]) + (", .." if len(found) > _SHOWN else "")
    many = f"{_MOST} or more" if len(found) >= _MOST else str(len(found))
    raise BadInputError(f"{name}: {many} {kind.nouns} go by that name: {shown}; give the whole IRI")


def _is_one(store: GraphStore, kind: Kind, iri: str) -> bool:
    try:
        node = NamedNode(iri)
    except ValueError:
        return False
    if kind is ANY:
        query = f"SELECT ?s {{ GRAPH {node} {{ ?s ?p ?o }} }} LIMIT 1"
        return node != REGISTRY and bool(store.select(query))
    return any(
        store.select(f"SELECT ?t {{ GRAPH {node} {{ {node} {TYPE} ?t }} }}", {"t": of_class})
        for of_class in kind.types
    )


def _titled(store: GraphStore, kind: Kind, title: str, condition: str = "true") -> list[str]:
    """By the title as it is, without a language or in English: what an engine finds at once."""
    texts = (Literal(title), Literal(title, language="en"))
    facts = [f"{by} {text}" for by in kind.titles for text in texts]
    return _with_fact(store, kind, facts, condition)


def _with_title(store: GraphStore, kind: Kind, condition: str) -> list[str]:
    return _with_fact(store, kind, [f"{by} ?t" for by in kind.titles], condition)


def _with_fact(
    store: GraphStore, kind: Kind, facts: list[str], condition: str = "true"
) -> list[str]:
    """Those with one of the facts, but for things of another kind, which is looked at last; not all of
    very many."""
    if kind is not ANY:  # engines may turn && around, but not IF
        condition = f"IF({condition}, EXISTS {{ {_of_class(kind)} }}, false)"
    arms = (f"{{ GRAPH ?g {{ ?g {fact} }} FILTER ({condition}) }}" for fact in facts)
    return _column(store, f"SELECT DISTINCT ?g {{ {' UNION '.join(arms)} }} LIMIT {_MOST}")


def _containing(store: GraphStore, kind: Kind, part: str) -> list[str]:
    """By the IRI: one scan in the engine."""
    condition = f"FILTER CONTAINS(STR(?g), {Literal(part)})"
    return _column(store, f"SELECT DISTINCT ?g {{ {_of_class(kind)} {condition} }}")


def _all(store: GraphStore, kind: Kind) -> Iterator[Named]:
    """With each title, and some of other kinds."""
    arms = " UNION ".join(f"{{ GRAPH ?g {{ ?g {by} ?t }} }}" for by in kind.titles)
    rows = table_of(store.select_csv(f"SELECT ?g ?t {{ {arms} }}"))
    return (Named(iri, title) for iri, title in rows)


def _of_class(kind: Kind) -> str:
    return " UNION ".join(f"{{ GRAPH ?g {{ ?g {TYPE} {of_class} }} }}" for of_class in kind.types)


def _column(store: GraphStore, query: str) -> list[str]:
    return sorted(iri for (iri,) in table_of(store.select_csv(query)))


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
        path = "|".join(map(str, ANY.titles))
        query = f"SELECT ?g ?title {{ VALUES ?g {{ {names} }} GRAPH ?g {{ ?g {path} ?title }} }}"
        for iri, title in table_of(store.select_csv(query)):
            found[iri] = min(title, found.get(iri, title))
    return found
