"""Data schemas: members of the wrong type, and demands that no value meets (TD 1.1, section 5.3.2).

An enum beside a const that it does not have is let pass, as W3C's validator does.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.messages import kind_of
from tinylearn.registry.td.parts import Object, data_schemas, has_type
from tinylearn.registry.td.problems import Problem, problem, shown

_STRINGS = ("pattern", "contentEncoding", "contentMediaType", "format", "unit")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength")
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_RANGES = (
    ("minimum", "maximum", False), ("minLength", "maxLength", False), ("minItems", "maxItems", False),
    ("exclusiveMinimum", "maximum", True), ("minimum", "exclusiveMaximum", True),
    ("exclusiveMinimum", "exclusiveMaximum", True),
)  # fmt: skip


def members(td: Object) -> Iterator[Problem]:
    """Members that the schema does not look at, or not everywhere."""
    for path, schema in data_schemas(td):
        for name in _STRINGS:
            if not isinstance(schema.get(name, ""), str):
                yield problem((*path, name), f"must be a string, it is {kind_of(schema[name])}")
        if not isinstance(schema.get("properties", {}), dict):
            kind = kind_of(schema["properties"])
            yield problem((*path, "properties"), f"must be an object of data schemas, it is {kind}")


def integers(td: Object) -> Iterator[Problem]:
    """What is counted, and what limits integers, is written without fraction and exponent."""
    for path, schema in data_schemas(td):
        limits = _LIMITS if schema.get("type") == "integer" else ()
        for name in (*_COUNTS, *limits):
            if isinstance(value := schema.get(name), float):
                yield problem((*path, name), f"is {value!r}; write an integer, without a fraction")


def ranges(td: Object) -> Iterator[Problem]:
    """A least that is above the most."""
    for path, schema in data_schemas(td):
        for low, high, is_open in _RANGES:
            least, most = schema.get(low), schema.get(high)
            if least is None or most is None:
                continue
            if least > most or (is_open and least == most):
                yield problem((*path, low), f"is {shown(least)} and {high} {shown(most)}; no value is "
                              "between them")  # fmt: skip


def values(td: Object) -> Iterator[Problem]:
    """A const of another type than ``type`` says, an enum of which no value has it."""
    for path, schema in data_schemas(td):
        kind = schema.get("type", "")
        if "const" in schema and not has_type(schema["const"], kind):
            yield problem((*path, "const"), f"is {kind_of(schema['const'])}, where type says "
                          f"{schema['type']}; change one of them")  # fmt: skip
        if "enum" in schema and not any(has_type(value, kind) for value in schema["enum"]):
            yield problem(
                (*path, "enum"), f"has no value of the type {schema['type']}; change one of them"
            )


RULES = (members, integers, ranges, values)
