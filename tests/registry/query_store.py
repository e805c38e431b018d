"""A store with things in it, for tests of queries; and what holds for answers from any store."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from tinylearn.registry.query.errors import QueryRefusedError
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

COUNT = 1000
SIZE, NEXT = NamedNode("urn:size"), NamedNode("urn:next")


def thing(number: int) -> NamedNode:
    return NamedNode(f"urn:thing:{number}")


def graph(number: int) -> list[Triple]:
    """Two triples: its size, and the thing after it."""
    name = thing(number)
    return [Triple(name, SIZE, Literal(number)), Triple(name, NEXT, thing((number + 1) % COUNT))]


def filled(where: Path | str, count: int = COUNT) -> GraphStore:
    """Things in a ring."""
    store = open_store(where)
    store.upsert({thing(number): graph(number) for number in range(count)})
    return store


def check_names_in_rdf_xml(service: QueryService) -> None:
    """What RDF/XML cannot say is refused, in it alone."""
    made = "CONSTRUCT {{ <urn:s> {} }} {{}}"
    for said in ("<urn:x:1> 1", "a <urn:x#2024>", "<urn:x/> <urn:o>"):
        with pytest.raises(QueryRefusedError, match="cannot be RDF/XML, in which <urn:x"):
            service.ask(made.format(said), accept="application/rdf+xml")
        assert b"<urn:s>" in service.ask(made.format(said), accept="text/turtle").body
    for said in ("<urn:x:a1> 1", "a <urn:x:_>", "<urn:x:1é> <urn:o/>"):
        body = service.ask(made.format(said), accept="application/rdf+xml").body
        assert len(list(parse(body, RdfFormat.RDF_XML))) == 1
