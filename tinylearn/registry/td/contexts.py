"""The JSON-LD contexts that are bundled, in the place of what Thing Descriptions name by URL.

Nothing is ever fetched: a context that is not here is left out of RDF, and said to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tinylearn.registry import ontology
from tinylearn.registry.td.messages import CONTEXT, CONTEXT_1_0

_TD, _DISCOVERY = "contexts/thing-description.jsonld", "contexts/discovery.jsonld"
#: TD 1.1's has all terms of TD 1.0 and stands for both; drafts of the discovery standard had the second
FILES = {
    CONTEXT: _TD,
    CONTEXT_1_0: _TD,
    "https://www.w3.org/2022/wot/discovery": _DISCOVERY,
    "https://w3c.github.io/wot-discovery/context/discovery-context.jsonld": _DISCOVERY,
}

Context = Mapping[str, Any]


@cache
def bundled(file: str) -> Context:
    """A context by its file."""
    context: dict[str, Any] = json.loads(ontology.read(file))["@context"]
    if file == _TD:
        _name_nested_properties(context)
    return context


def _name_nested_properties(context: dict[str, Any]) -> None:
    """Members of an object schema have a jsonschema:propertyName. Below a property affordance the
    context says so through one more context, which processors understand differently."""
    context["properties"]["@context"]["properties"] = {
        "@id": "jsonschema:properties",
        "@container": "@index",
        "@index": "propertyName",
    }


def pruned(context: Context, words: set[str]) -> dict[str, Any]:
    """What of a context a document with these words can use; processing the rest takes most of the
    time. Prefixes and names of indices stay."""
    kept: dict[str, Any] = {}
    for term, value in context.items():
        if term in words or term.startswith("@") or _is_prefix(value) or term in _indices():
            is_scoped = isinstance(value, dict) and "@context" in value
            kept[term] = (
                {**value, "@context": pruned(value["@context"], words)} if is_scoped else value
            )
    return kept


def without_default(context: Context) -> dict[str, Any]:
    """Maps no word but those that it names."""
    return {
        term: {**value, "@context": without_default(value["@context"])}
        if isinstance(value, dict) and "@context" in value
        else value
        for term, value in context.items()
        if term != "@vocab"
    }


def _is_prefix(value: Any) -> bool:
    return isinstance(value, str) and value.endswith(("#", "/"))


@cache
def _indices() -> frozenset[str]:
    return frozenset(_index_names(bundled(_TD)))


def _index_names(context: Any) -> Iterator[str]:
    for name, value in context.items():
        if name == "@index":
            yield value
        elif isinstance(value, dict):
            yield from _index_names(value)
