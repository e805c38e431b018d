"""Validates against the JSON Schema of W3C's Thing Description 1.1, which lies in the ontology folder.

Two keywords are ours: what the library does for them takes quadratic time where input is hostile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from tinylearn.registry import ontology
from tinylearn.registry.td.messages import explain
from tinylearn.registry.td.problems import MOST_PROBLEMS, Problem
from tinylearn.registry.td.syntax import is_date_time, is_uri

_LONGEST_PATTERNED = 1000


def schema_problems(content: Any) -> list[Problem]:
    """What the schema does not allow, in the order of the document; empty: valid."""
    errors = islice(_validator().iter_errors(content), MOST_PROBLEMS)
    found = [problem for error in errors for problem in explain(error)]
    return list(dict.fromkeys(found))  # one missing name can be an error of several keywords


def canonical(value: Any) -> str:
    """Equal for values that are equal in JSON: 1 and 1.0 are, 1 and true are not."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


@cache
def _validator() -> Draft7Validator:
    keywords = {"uniqueItems": _unique_items, "pattern": _pattern}
    formats = FormatChecker(formats=())
    formats.checks("uri")(lambda text: not isinstance(text, str) or is_uri(text))
    formats.checks("date-time")(lambda text: not isinstance(text, str) or is_date_time(text))
    schema = json.loads(ontology.read("schemas/thing-description.json"))
    return extend(Draft7Validator, keywords)(schema, format_checker=formats)


def _unique_items(
    _validator: Any, wanted: bool, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not wanted or not isinstance(instance, list):
        return
    seen: set[str] = set()
    for item in instance:
        if (key := canonical(item)) in seen:
            yield ValidationError(f"has {item!r} twice")
            return
        seen.add(key)


def _pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and (
        len(instance) > _LONGEST_PATTERNED or not re.search(pattern, instance)
    ):
        yield ValidationError(f"does not match {pattern}")
