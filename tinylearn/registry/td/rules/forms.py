"""Forms: operations, and schemas of further responses (TD 1.1, section 5.3.4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.parts import Object, forms
from tinylearn.registry.td.problems import Problem, problem, shown


def operations(td: Object) -> Iterator[Problem]:
    """Which operations fit where is in the schema; that there is one is not."""
    for form in forms(td):
        if form.content.get("op") == []:
            yield problem((*form.path, "op"), "is empty; name an operation, or leave op out")


def responses(td: Object) -> Iterator[Problem]:
    """A further response names its schema."""
    for form in forms(td):
        for index, response in enumerate(form.content.get("additionalResponses", ())):
            name = response.get("schema")
            if name is not None and name not in td.get("schemaDefinitions", {}):
                path = (*form.path, "additionalResponses", index, "schema")
                yield problem(path, f"names {shown(name)}, which schemaDefinitions does not define")


RULES = (operations, responses)
