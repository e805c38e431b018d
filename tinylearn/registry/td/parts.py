"""Walks a Thing Description whose shape is that of the schema: affordances, forms, data schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tinylearn.registry.td.problems import Path

AFFORDANCES = ("properties", "actions", "events")
#: members of data schemas that hold values, whatever those look like
VALUES = ("const", "default", "enum")
_SCHEMAS_OF = {
    "properties": (),
    "actions": ("input", "output"),
    "events": ("subscription", "data", "dataResponse", "cancellation"),
}

_CLASSES: dict[str, type] = {"boolean": bool, "string": str, "object": dict, "array": list}

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """A form, where it stands, and the names of URI variables that it may use."""

    path: Path
    content: Object
    variables: frozenset[str]


def affordances(td: Object) -> Iterator[tuple[Path, Object]]:
    """Every interaction affordance."""
    for kind in AFFORDANCES:
        for name, affordance in td.get(kind, {}).items():
            yield (kind, name), affordance


def forms(td: Object) -> Iterator[Form]:
    """Of the Thing itself and of its affordances."""
    of_thing = frozenset(td.get("uriVariables", {}))
    for path, owner in (((), td), *affordances(td)):
        variables = of_thing | frozenset(owner.get("uriVariables", {}))
        for index, content in enumerate(owner.get("forms", ())):
            yield Form((*path, "forms", index), content, variables)


def uri_variables(td: Object) -> Iterator[tuple[Path, Object]]:
    """Data schemas of all URI variables."""
    for path, owner in (((), td), *affordances(td)):
        for name, schema in owner.get("uriVariables", {}).items():
            yield (*path, "uriVariables", name), schema


def data_schemas(td: Object) -> Iterator[tuple[Path, Object]]:
    """Every data schema, nested ones too. A property affordance is one itself."""
    for name, schema in td.get("schemaDefinitions", {}).items():
        yield from _nested(("schemaDefinitions", name), schema)
    for path, schema in uri_variables(td):
        yield from _nested(path, schema)
    for path, affordance in affordances(td):
        if path[0] == "properties":
            yield from _nested(path, affordance)
        for part in _SCHEMAS_OF[str(path[0])]:
            if part in affordance:
                yield from _nested((*path, part), affordance[part])


def _nested(path: Path, schema: Object) -> Iterator[tuple[Path, Object]]:
    yield path, schema
    properties = schema.get("properties", {})
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        yield from _nested((*path, "properties", name), inner)
    items = schema.get("items", [])
    if isinstance(items, dict):
        yield from _nested((*path, "items"), items)
    else:
        for index, inner in enumerate(items):
            yield from _nested((*path, "items", index), inner)
    for index, inner in enumerate(schema.get("oneOf", ())):
        yield from _nested((*path, "oneOf", index), inner)


def objects(value: Any, path: Path = ()) -> Iterator[tuple[Path, Object]]:
    """Every object, but for @context and what a data schema gives as values."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            if name != "@context" and name not in VALUES:
                yield from objects(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, (*path, index))


def has_type(value: Any, kind: str) -> bool:
    """Whether a value is of a data schema's type; of one that is not said any value is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "integer":
        return is_number and value == int(value)
    if kind == "number":
        return is_number
    return value is None if kind == "null" else isinstance(value, _CLASSES.get(kind, object))


def listed(value: Any) -> list[Any]:
    """A value or an array of them, as the standard allows for many members."""
    return list(value) if isinstance(value, list) else [value]
