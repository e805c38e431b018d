"""Data schemas from RDF: of the JSON Schema ontology, or with terms of td: as some write them."""

from __future__ import annotations

from typing import Any

from tinylearn.registry.td.nodes import Node
from tinylearn.registry.td.parts import has_type
from tinylearn.registry.vocabulary import TD, TD_SCHEMA

_MOST_DEPTH = 16
UNIT_CODE = "http://schema.org/unitCode"
_STRINGS = ("format", "pattern", "contentEncoding", "contentMediaType")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength")
_FLAGS = ("readOnly", "writeOnly")
_TYPES = {
    TD_SCHEMA + name.capitalize() + "Schema": name
    for name in ("object", "array", "boolean", "string", "number", "integer", "null")
}


def schema_of(node: Node, depth: int = 0) -> dict[str, Any]:
    """The members of a data schema; nested ones to a depth that JSON is read back from."""
    schema = texts_of(node)
    kind = next((_TYPES[name] for name in node.types() if name in _TYPES), node.text(TD + "type"))
    if kind in _TYPES.values():
        schema["type"] = kind
    schema |= _simple(node, schema.get("type"))
    if depth < _MOST_DEPTH:
        schema |= _nested(node, depth + 1)
    return schema


def texts_of(node: Node) -> dict[str, Any]:
    """Title and description, in one language or several."""
    texts: dict[str, Any] = {}
    for name in ("title", "description"):
        terms = node.all(TD + name, TD + name + "InLanguage")
        if default := node.all(TD + name):
            plain = [term for term in default if _language(term) in (None, "en")]
            texts[name] = (plain or default)[0].value
        by_language = {_language(term): term.value for term in terms if _language(term)}
        if len(by_language) > 1 or (by_language and not default):
            texts[name + "s"] = by_language
    return texts


def _language(term: Any) -> str | None:
    return getattr(term, "language", None)


def _both(name: str) -> tuple[str, str]:
    return TD_SCHEMA + name, TD + name


def _simple(node: Node, kind: str | None) -> dict[str, Any]:
    """Members with plain values; one of another type than it should have is left out."""
    found: dict[str, Any] = {}
    for names, wanted in ((_STRINGS, str), (_FLAGS, bool)):
        found |= {name: value for name in names
                  if isinstance(value := node.value(*_both(name)), wanted)}  # fmt: skip
    for name in (*_NUMBERS, *_COUNTS):
        value = node.value(*_both(name))
        is_whole = isinstance(value, int) or (isinstance(value, float) and _is_exact(value))
        if isinstance(value, bool | str | None) or not (is_whole or name in _NUMBERS):
            continue
        found[name] = int(value) if is_whole else value
        if kind == "integer" and not is_whole:
            del found[name]
    if unit := node.text(UNIT_CODE, TD + "unit"):
        found["unit"] = unit.removeprefix(TD_SCHEMA)
    return found | _values(node, kind or "")


def _is_exact(value: float) -> bool:
    return value.is_integer() and abs(value) < 1 << 53


def _values(node: Node, kind: str) -> dict[str, Any]:
    """Values; arrays and objects cannot be told from what they hold, so the type decides."""
    found: dict[str, Any] = {}
    for name in ("const", "default"):
        value = node.value(*_both(name))
        if value is not None and has_type(value, kind):
            found[name] = value
    if values := [value for value in node.values(*_both("enum")) if has_type(value, kind)]:
        found["enum"] = values
    if names := [str(value) for value in node.values(*_both("required"))]:
        found["required"] = names
    return found


def _nested(node: Node, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if members := node.nodes(TD_SCHEMA + "properties"):
        found["properties"] = {
            member.text(TD_SCHEMA + "propertyName", TD + "name") or f"member{index}":
            schema_of(member, depth) for index, member in enumerate(members)
        }  # fmt: skip
    if items := node.nodes(TD_SCHEMA + "items"):
        schemas = [schema_of(item, depth) for item in items]
        found["items"] = schemas[0] if len(schemas) == 1 else schemas
    if several := node.nodes(TD_SCHEMA + "oneOf"):
        found["oneOf"] = [schema_of(one, depth) for one in several]
    return found
