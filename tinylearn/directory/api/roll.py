"""Names of all that is registered, in memory: found by words in milliseconds, in the order of titles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pyoxigraph import NamedNode, Triple

from tinylearn.directory.api.texts import LINE, clipped
from tinylearn.registry.matching.csv_rows import table_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.things import DOCUMENT
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import (
    DCTERMS,
    NEURAL_NETWORK,
    RDFS,
    SCHEMA,
    SMART_SENSOR,
    TD,
    TYPE,
    tl,
)

FLEET_DEVICE = tl("FleetDevice")
#: the first that is there counts
TITLES = tuple(
    NamedNode(iri) for iri in (TD + "title", DCTERMS + "title", SCHEMA + "name", RDFS + "label")
)


class Kind(StrEnum):
    """What something is registered as; it may be several."""

    DEVICE = "device"
    FLEET = "fleet"
    MODEL = "model"
    THING = "thing"


_CLASSES = {Kind.DEVICE: SMART_SENSOR, Kind.FLEET: FLEET_DEVICE, Kind.MODEL: NEURAL_NETWORK}


@dataclass(frozen=True, slots=True)
class Item:
    """``title``: the IRI where there is none."""

    iri: str
    title: str
    kinds: frozenset[Kind]

    def has(self, words: Sequence[str]) -> bool:
        """Whether each word stands in its title or IRI; words in lower case."""
        text = f"{self.title} {self.iri}".casefold()
        return all(word in text for word in words)


class Roll:
    """One thread writes; others see what was there before or after."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items = {item.iri: item for item in items}
        self._orders: dict[frozenset[Kind], list[Item]] = {}

    @classmethod
    def load(cls, store: GraphStore) -> Roll:
        """Everything, by one query for classes and one for titles."""
        kinds: dict[str, set[Kind]] = {}
        for iri, kind in table_of(store.select_csv(_KINDS)):
            kinds.setdefault(iri, set()).add(Kind(kind))
        titles: dict[str, tuple[int, str]] = {}
        for iri, rank, title in table_of(store.select_csv(_TITLED)):
            if iri in kinds:
                found = (int(rank), title)
                titles[iri] = min(titles.get(iri, found), found)
        return cls(
            _item(iri, titles[iri][1] if iri in titles else None, found)
            for iri, found in kinds.items()
        )

    def get(self, iri: str) -> Item | None:
        """None where nothing of that IRI is registered."""
        return self._items.get(iri)

    def title(self, iri: str) -> str:
        """The IRI itself where nothing is known of it."""
        item = self._items.get(iri)
        return iri if item is None else item.title

    def put(self, name: NamedNode, triples: Sequence[Triple]) -> None:
        """Takes in what a graph says now; forgets what is no more. Most changes are of neither title nor
        kind, and leave the order as it is."""
        kinds, before = _kinds_of(name, triples), self._items.get(name.value)
        title = Description(triples).text(name, *TITLES)
        after = _item(name.value, title, kinds) if kinds else None
        if after == before:
            return
        if after is None:
            del self._items[name.value]
        else:
            self._items[name.value] = after
        self._orders = {}

    def find(
        self, kinds: Collection[Kind], words: Sequence[str] = (), among: Collection[str] | None = None
    ) -> list[Item]:  # fmt: skip
        """Items of any of the kinds with all the words, by title; ``among``: of these IRIs alone."""
        found = self._of(frozenset(kinds))
        if among is not None:
            found = [item for item in found if item.iri in among]
        return [item for item in found if item.has(words)] if words else found

    def count(self, kind: Kind) -> int:
        """How many there are."""
        return sum(kind in item.kinds for item in self._all())

    def _of(self, kinds: frozenset[Kind]) -> list[Item]:
        """In order; sorted once after a change."""
        orders = self._orders
        if kinds not in orders:
            items = [item for item in self._all() if not kinds.isdisjoint(item.kinds)]
            orders[kinds] = sorted(items, key=lambda item: (item.title.casefold(), item.iri))
        return orders[kinds]

    def _all(self) -> list[Item]:
        """In one step, which no other thread comes between."""
        return list(self._items.values())


def words_of(text: str) -> list[str]:
    """What is looked for, word by word."""
    return text.casefold().split()[:20]


def _item(iri: str, title: str | None, kinds: Iterable[Kind]) -> Item:
    return Item(iri, clipped(title or iri), _SHARED.setdefault(k := frozenset(kinds), k))


#: few sets of kinds are all there is
_SHARED: dict[frozenset[Kind], frozenset[Kind]] = {}


def _kinds_of(name: NamedNode, triples: Sequence[Triple]) -> set[Kind]:
    about = Description(triples)
    types = about.types(name)
    found = {kind for kind, of_class in _CLASSES.items() if of_class.value in types}
    return found | ({Kind.THING} if about.objects(name, DOCUMENT) else set())


def _arm(pattern: str, variable: str, value: str) -> str:
    return f"{{ GRAPH ?d {{ {pattern} }} BIND({value} AS ?{variable}) }}"


_ARMS = [_arm(f"?d {TYPE} {of_class}", "kind", f'"{kind}"') for kind, of_class in _CLASSES.items()]
_ARMS += [_arm(f"?d {DOCUMENT} ?document", "kind", f'"{Kind.THING}"')]
_KINDS = f"SELECT ?d ?kind {{ {' UNION '.join(_ARMS)} }}"
_NAMED = [_arm(f"?d {name} ?whole", "rank", str(rank)) for rank, name in enumerate(TITLES)]
#: a little more than is shown: so what is longer is known to be
_TITLED = (
    f"SELECT ?d ?rank (SUBSTR(STR(?whole), 1, {LINE + 1}) AS ?title) {{ {' UNION '.join(_NAMED)} }}"
)
