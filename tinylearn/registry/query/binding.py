"""Values for the variables of a query: as VALUES in front of what it looks for, which an engine here
and one behind an endpoint understand alike."""

from __future__ import annotations

from collections.abc import Mapping

from pyoxigraph import BlankNode, Literal

from tinylearn.errors import BadInputError
from tinylearn.registry.query.gate import Admitted
from tinylearn.registry.query.tokens import has_code_point
from tinylearn.registry.store.base import Term


def bound(query: Admitted, values: Mapping[str, Term]) -> str:
    """The text to run. A variable inside a sub-SELECT is bound only where that one projects it.

    Raises BadInputError for a value of a variable that the query does not have, or that cannot be
    bound.
    """
    if not values:
        return query.text
    if query.where is None:
        raise BadInputError("values are bound in a WHERE { ... }, which this query does not have")
    for name in values:
        if name not in query.variables:
            raise BadInputError(f"{name}: the query has no variable ?{name}")
    names = " ".join(f"?{name}" for name in values)
    terms = " ".join(_written(name, value) for name, value in values.items())
    before, behind = query.text[: query.where], query.text[query.where :]
    return f"{before} VALUES ({names}) {{ ({terms}) }} {behind}"


def _written(name: str, value: Term) -> str:
    """By the engine's own serializer, which escapes what must be."""
    if isinstance(value, BlankNode):
        raise BadInputError(f"{name}: a blank node has no name that a query could know")
    if isinstance(value, Literal) and has_code_point(value.value):
        raise BadInputError(f"{name}: holds the escape of a code point, which some engines expand")
    return str(value)
