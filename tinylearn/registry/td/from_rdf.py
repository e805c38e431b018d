"""A Thing Description from triples: for what came as Turtle.

The inverse of to_rdf but for what RDF does not keep: the order of arrays, names of schema
definitions, words that no context explains. Affordances without a form are left out, as a Thing
Description has none such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pyoxigraph import NamedNode, Triple

from tinylearn.registry.td.extensions_from_rdf import Extensions
from tinylearn.registry.td.forms_from_rdf import forms_of, links_of
from tinylearn.registry.td.messages import CONTEXT
from tinylearn.registry.td.nodes import Graph, Node, local_name
from tinylearn.registry.td.schema_from_rdf import schema_of, texts_of
from tinylearn.registry.td.security_from_rdf import security_of
from tinylearn.registry.vocabulary import DCTERMS, RDFS, SCHEMA, TD

_KINDS = {
    "properties": TD + "hasPropertyAffordance",
    "actions": TD + "hasActionAffordance",
    "events": TD + "hasEventAffordance",
}
_SCHEMAS = {
    "actions": {"input": "hasInputSchema", "output": "hasOutputSchema"},
    "events": {"subscription": "hasSubscriptionSchema", "data": "hasNotificationSchema",
               "dataResponse": "hasNotificationResponseSchema",
               "cancellation": "hasCancellationSchema"},
}  # fmt: skip
_FLAGS = {
    "properties": {"observable": "isObservable"},
    "actions": {"safe": "isSafe", "idempotent": "isIdempotent", "synchronous": "isSynchronous"},
}
_TEXTS = {"support": TD + "supportContact", "base": TD + "baseURI", "created": DCTERMS + "created",
          "modified": DCTERMS + "modified"}  # fmt: skip
_NAMES = (RDFS + "label", SCHEMA + "name")


def td_of_triples(iri: NamedNode, triples: Iterable[Triple]) -> dict[str, Any]:
    """Raises InvalidThingError where the graph is too large for a document."""
    thing, extensions = Graph(triples).node(iri), Extensions()
    title = thing.text(*_NAMES) or local_name(iri.value) or iri.value
    td: dict[str, Any] = {"@context": CONTEXT, "id": iri.value} | extensions.of(thing)
    td |= {"title": title} | texts_of(thing) | _metadata(thing) | security_of(thing)
    schemes = td["securityDefinitions"]
    for kind, predicate in _KINDS.items():
        nodes = thing.nodes(predicate)
        td |= _optional(kind, _affordances(thing, nodes, kind, schemes, extensions))
    td |= _optional("forms", forms_of(thing, thing, "", schemes, extensions))
    td |= _optional("links", links_of(thing)) | _optional("uriVariables", _variables(thing))
    if extensions.prefixes:
        td["@context"] = [CONTEXT, extensions.prefixes]
    return td


def _optional(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}


def _metadata(thing: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, predicate in _TEXTS.items():
        found |= _optional(name, thing.text(predicate))
    found |= _optional("profile", [str(value) for value in thing.values(TD + "followsProfile")])
    for version in thing.nodes(TD + "versionInfo"):
        texts = {name: version.text(TD + name) for name in ("instance", "model")}
        if texts["instance"]:
            found["version"] = {name: text for name, text in texts.items() if text}
    return found


def _affordances(
    thing: Node, nodes: list[Node], kind: str, schemes: Iterable[str], extensions: Extensions
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in nodes:
        if not (forms := forms_of(thing, node, kind, schemes, extensions)):
            continue
        affordance = extensions.of(node)
        affordance |= schema_of(node) if kind == "properties" else texts_of(node)
        for name, term in _FLAGS.get(kind, {}).items():
            if isinstance(flag := node.value(TD + term), bool):
                affordance[name] = flag
        for name, term in _SCHEMAS.get(kind, {}).items():
            for schema in node.nodes(TD + term):
                affordance[name] = schema_of(schema)
        affordance |= _optional("uriVariables", _variables(node)) | {"forms": forms}
        found[_name(node, affordance, found)] = affordance
    return dict(sorted(found.items()))


def _variables(owner: Node) -> dict[str, Any]:
    nodes = owner.nodes(TD + "hasUriTemplateSchema")
    named = ((node.text(TD + "name"), schema_of(node)) for node in nodes)
    return {name: schema for name, schema in named if name}


def _name(node: Node, affordance: dict[str, Any], taken: dict[str, Any]) -> str:
    """Its name; else made from the title, and one that no other has."""
    title = re.sub(r"[^\w-]+", "_", affordance.get("title", "")).strip("_")
    name = wanted = node.text(TD + "name") or title or "unnamed"
    number = 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name
