"""Binds values to the variables of a query, as VALUES: terms are written by their own serializer,
and nothing else gets into the query."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyoxigraph import BlankNode

from tinylearn.registry.store.base import Term

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: what may hold a brace that opens no group (SPARQL 1.1, 19.8): IRIs, strings, comments
_SKIPPED = r"""<[^<>"{}|^`\\\s]*>|""" r'"{3}(?:[^\\]|\\.)*?"{3}' r"|'{3}(?:[^\\]|\\.)*?'{3}"
_SKIPPED += r"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*"""
_TOKEN = re.compile(rf"{_SKIPPED}|{{", re.DOTALL)


def bind(query: str, values: Mapping[str, Term]) -> str:
    """The query with a VALUES block at the start of its outermost group.

    A variable inside a sub-SELECT is bound only where the sub-SELECT projects it (SPARQL 1.1, 18.2.4).
    Raises ValueError for a name that is no variable's, for a blank node, for a query without group.
    """
    if not values:
        return query
    for name, value in values.items():
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a variable")
        if isinstance(value, BlankNode):
            raise ValueError(f"?{name}: a blank node has no name that a query could know")
    opening = next((found for found in _TOKEN.finditer(query) if found[0] == "{"), None)
    if opening is None:
        raise ValueError("the query has no group of patterns")
    names = " ".join(f"?{name}" for name in values)
    terms = " ".join(str(value) for value in values.values())
    at = opening.end()
    return f"{query[:at]} VALUES ({names}) {{ ({terms}) }} {query[at:]}"
