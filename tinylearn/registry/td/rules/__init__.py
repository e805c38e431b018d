"""What the standard demands and its JSON Schema lets pass: one file a subject, one function a rule.

A rule takes a Thing Description that the schema has found valid and yields problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tinylearn.registry.td.parts import Object
from tinylearn.registry.td.problems import Problem
from tinylearn.registry.td.rules import (
    context,
    data_schemas,
    forms,
    languages,
    links,
    security,
    thing_models,
    uris,
    version,
)

RULES: tuple[Callable[[Object], Iterator[Problem]], ...] = (
    *context.RULES, *thing_models.RULES, *uris.RULES, *languages.RULES, *security.RULES,
    *links.RULES, *forms.RULES, *data_schemas.RULES, *version.RULES,
)  # fmt: skip
