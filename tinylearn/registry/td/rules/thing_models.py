"""A Thing Model describes a class of Things and is no Thing Description (TD 1.1, section 10)."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.parts import Object, listed, objects
from tinylearn.registry.td.problems import Problem, problem

_MODELS = ("tm:ThingModel", "https://www.w3.org/2019/wot/tm#ThingModel")


def model_problems(td: Object) -> list[Problem]:
    """That it is a model is all there is to say of one; nothing is presumed of its shape."""
    if not any(model in listed(td.get("@type", [])) for model in _MODELS):
        return []
    return [problem(("@type",), "says that this is a Thing Model, which describes a class; derive the "
                    "Thing Description of an instance from it")]  # fmt: skip


def imports(td: Object) -> Iterator[Problem]:
    """Imported definitions stand in a Thing Description in full."""
    for path, value in objects(td):
        if "tm:ref" in value:
            yield problem((*path, "tm:ref"), "imports from a Thing Model; write the definition out")


RULES = (imports,)
