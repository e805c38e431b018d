"""Devices and things: a page of them, and all of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyoxigraph import Literal, NamedNode, Triple
from starlette.datastructures import QueryParams

from tinylearn.directory import ids
from tinylearn.directory.api import params, rows
from tinylearn.directory.api.fleets import FLEET_NAME, statuses
from tinylearn.directory.api.live import Live
from tinylearn.directory.api.roll import Item, Kind, words_of
from tinylearn.directory.api.texts import LINE, PARAGRAPH, clipped, some
from tinylearn.directory.problem import ProblemError
from tinylearn.registry.devices import terms
from tinylearn.registry.devices.read import device_of, is_device
from tinylearn.registry.matching import words
from tinylearn.registry.matching.scan_devices import devices_having
from tinylearn.registry.shown import facts_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.things import DEFECT, stored_thing
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import DCTERMS, TD

Json = dict[str, Any]
PAGE, MOST_ROWS = 50, 200
_DESCRIPTIONS = (NamedNode(TD + "description"), NamedNode(DCTERMS + "description"))
_MOST_FACTS, _MOST_SENSORS = 200, 300
_SENSORS = (
    f"SELECT ?sensor (COUNT(?d) AS ?n) {{ GRAPH ?d {{ ?d {terms.HAS_SENSOR} ?sensor }} }} "
    f"GROUP BY ?sensor ORDER BY DESC(?n) LIMIT {_MOST_SENSORS}"
)


class Things:
    """Reads what it shows from the store; who is there, from memory."""

    def __init__(self, store: GraphStore, live: Live) -> None:
        self._store, self._live = store, live

    def devices(self, asked: QueryParams) -> Json:
        """Those with hardware facts, and those that a fleet knows. ``q``: words; ``sensor``: an IRI."""
        sensor = params.iri(asked, "sensor")
        among = None if sensor is None else set(devices_having(self._store, sensor))
        return self._page(asked, (Kind.DEVICE, Kind.FLEET), among)

    def things(self, asked: QueryParams) -> Json:
        """Those with a Thing Description."""
        return self._page(asked, (Kind.THING,), None)

    def sensors(self, _asked: QueryParams) -> Json:
        """Classes of sensors that devices have, the most frequent first."""
        found = self._store.select(_SENSORS)
        return {"sensors": [
            {"iri": row["sensor"].value, "name": words.sensor(row["sensor"].value),
             "devices": int(row["n"].value)}
            for row in found if "sensor" in row
        ]}  # fmt: skip

    def one(self, asked: QueryParams) -> Json:
        """All that is known of a device or thing. Raises ProblemError where there is none."""
        name = NamedNode(params.needed_iri(asked, "iri"))
        item = self._live.view().roll.get(name.value)
        triples = self._store.graph(name)
        if item is None or not triples:
            raise ProblemError(404, f"{name.value} is not registered here")
        about = Description(triples)
        fleet = statuses(self._store, _fleet_names(about, name))
        return {**_row(item, triples, fleet), **self._more(name, about, triples)}

    def _page(self, asked: QueryParams, kinds: Sequence[Kind], among: set[str] | None) -> Json:
        offset = params.count(asked, "offset", 0)
        limit = params.count(asked, "limit", PAGE, MOST_ROWS)
        found = self._live.view().roll.find(kinds, words_of(params.text(asked, "q")), among)
        shown = [
            (item, self._store.graph(NamedNode(item.iri)))
            for item in found[offset : offset + limit]
        ]
        names = {n for item, triples in shown
                 for n in _fleet_names(Description(triples), NamedNode(item.iri))}  # fmt: skip
        fleet = statuses(self._store, names)
        items = [_row(item, triples, fleet) for item, triples in shown if triples]
        return {"total": len(found), "offset": offset, "limit": limit, "items": items}

    def _more(self, name: NamedNode, about: Description, triples: Sequence[Triple]) -> Json:
        thing = stored_thing(name, triples)
        times = (None, None) if thing is None else (thing.created, thing.modified)
        created, modified = (None if time is None else time.isoformat() for time in times)
        return {
            "description": clipped(about.text(name, *_DESCRIPTIONS), PARAGRAPH),
            "document": ids.address(name.value) if thing is not None else None,
            "created": created,
            "modified": modified,
            "affordances": _affordances({} if thing is None else thing.content),
            "facts": _facts(name, triples),
        }


def _row(item: Item, triples: Sequence[Triple], fleet: Mapping[str, list[Json]]) -> Json:
    name = NamedNode(item.iri)
    about = Description(triples)
    said = [one for n in _fleet_names(about, name) for one in fleet.get(n, ())]
    own = [one for one in said if one["iri"] == item.iri]
    return {
        "iri": item.iri,
        "title": item.title,
        "kinds": sorted(item.kinds),
        "hardware": rows.hardware(device_of(name, triples)) if is_device(name, triples) else None,
        "fleet": own or said,
        "defects": some(d.value for d in about.objects(name, DEFECT) if isinstance(d, Literal)),
    }


def _fleet_names(about: Description, name: NamedNode) -> list[str]:
    said = about.objects(name, FLEET_NAME)
    return [one.value for one in said if isinstance(one, Literal) and len(one.value) <= LINE][:5]


def _affordances(content: Mapping[str, Any]) -> Json:
    """Names of what can be read, done and heard of."""
    found = {kind: content.get(kind) for kind in ("properties", "actions", "events")}
    return {kind: some(sorted(map(str, names)), 100) if isinstance(names, dict) else []
            for kind, names in found.items()}  # fmt: skip


def _facts(name: NamedNode, triples: Sequence[Triple]) -> list[list[str]]:
    """All that is said of it directly; what is long is cut."""
    found = facts_of(name, triples)[:_MOST_FACTS]
    return [[clipped(label), clipped(text, PARAGRAPH)] for label, text in found]
