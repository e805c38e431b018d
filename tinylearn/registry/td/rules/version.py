"""The version of a Thing: what its JSON Schema does not look at (TD 1.1, section 5.3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.messages import kind_of
from tinylearn.registry.td.parts import Object
from tinylearn.registry.td.problems import Problem, problem


def model(td: Object) -> Iterator[Problem]:
    """That of the Thing Model is a string, as that of the instance."""
    said = td.get("version", {}).get("model", "")
    if not isinstance(said, str):
        yield problem(("version", "model"), f"must be a string, it is {kind_of(said)}")


RULES = (model,)
