"""What is registered: things, devices and models, over a store of graphs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from pyoxigraph import NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.read import device_of, is_device
from tinylearn.registry.models.facts import Model
from tinylearn.registry.models.read import flat_facts as model_facts
from tinylearn.registry.models.read import is_model, model_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.td.document import ThingDescription, to_triples
from tinylearn.registry.things import (
    StoredThing,
    kept,
    names_of_things,
    stored_thing,
    unique,
    with_facts,
)
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SMART_SENSOR


class Catalog:
    """Each method that writes is one transaction, on the disk when it returns."""

    def __init__(self, store: GraphStore):
        self.store = store

    def put_thing(
        self, td: ThingDescription, *, created: datetime | None = None, modified: datetime | None = None
    ) -> bool:  # fmt: skip
        """Registers a thing, or what is new of it; whether it is new. ``td`` has an id."""
        known, graph = self._described(td, created, modified)
        self.store.upsert({NamedNode(str(td.id)): graph})
        return not known

    def put_things(self, tds: Iterable[ThingDescription]) -> None:
        """Registers many, in one transaction."""
        self.store.upsert({NamedNode(str(td.id)): self._described(td)[1] for td in tds})

    def _described(
        self, td: ThingDescription, created: datetime | None = None, modified: datetime | None = None
    ) -> tuple[bool, list[Triple]]:  # fmt: skip
        """Whether a thing is known already, and its new graph."""
        iri, now = NamedNode(str(td.id)), datetime.now(UTC)
        before = self.thing(iri)
        first = created or (before.created if before else None) or now
        facts = with_facts(iri, to_triples(td))
        return before is not None, kept(iri, facts.triples, td.content, first, modified or now)

    def put_triples(self, iri: NamedNode | str, triples: Iterable[Triple]) -> None:
        """What is known of a device or model, as it is: the caller vouches for it."""
        self.store.upsert({_named(iri): unique(list(triples))})

    def put_model(self, model: Model, triples: Iterable[Triple]) -> None:
        """A model with all that is said of it."""
        self.put_triples(model.iri, [*triples, *model_facts(model)])

    def delete(self, iri: NamedNode | str) -> bool:
        """Whether there was anything."""
        name = _named(iri)
        if not self.store.graph(name):
            return False
        self.store.upsert({}, [name])
        return True

    def thing(self, iri: NamedNode | str) -> StoredThing | None:
        """A thing with its Thing Description; None where there is none of that IRI."""
        name = _named(iri)
        return stored_thing(name, self.store.graph(name))

    def things(self, offset: int = 0, limit: int | None = None) -> list[StoredThing]:
        """A part of them, by their IRIs."""
        names = names_of_things(self.store)[offset:]
        found = (self.thing(name) for name in (names if limit is None else names[:limit]))
        return [thing for thing in found if thing is not None]

    def count(self) -> int:
        """How many things there are."""
        return len(names_of_things(self.store))

    def device(self, iri: NamedNode | str) -> Device:
        """Raises BadInputError where there is none."""
        name, triples = self._graph(iri, "device")
        if not is_device(name, triples):
            raise BadInputError(
                f"{name.value}: is no device; tinylearn registry devices lists them"
            )
        return device_of(name, triples)

    def devices(self) -> Iterator[Device]:
        """All, by their IRIs."""
        for name in self.store.names(SMART_SENSOR):
            yield device_of(name, self.store.graph(name))

    def model(self, iri: NamedNode | str) -> Model:
        """Raises BadInputError where there is none."""
        name, triples = self._graph(iri, "model")
        if not is_model(name, triples):
            raise BadInputError(f"{name.value}: is no model; tinylearn registry models lists them")
        return model_of(name, triples)

    def models(self) -> Iterator[Model]:
        """All, by their IRIs."""
        for name in self.store.names(NEURAL_NETWORK):
            yield model_of(name, self.store.graph(name))

    def _graph(self, iri: NamedNode | str, kind: str) -> tuple[NamedNode, Sequence[Triple]]:
        name = _named(iri)
        triples = self.store.graph(name)
        if not triples:
            raise BadInputError(
                f"{name.value}: not registered; tinylearn registry {kind}s lists what is"
            )
        return name, triples


def _named(iri: NamedNode | str) -> NamedNode:
    if isinstance(iri, NamedNode):
        return iri
    try:
        return NamedNode(iri)
    except ValueError:
        raise BadInputError(
            f"{iri[:100]!r} is not an IRI; write one such as urn:uuid:..."
        ) from None
