"""The columns of SELECT *: SPARQL leaves their order open, Oxigraph sorts them by name, people and test
suites expect that in which the query mentions them."""

from __future__ import annotations

import re
from collections.abc import Iterable

# in front of the first one stand names and IRIs alone, within which there is no space
_SELECT = re.compile(
    r"(?:^|(?<=[\s>]))SELECT\b\s*(?:(?:DISTINCT|REDUCED)\b\s*)?(\*)?", re.IGNORECASE
)
_VARIABLE = re.compile(r"[?$](\w+)")


def spelled_out(text: str, names: Iterable[str]) -> str | None:
    """The query with ``names``, its columns, in place of its ``*``; None where it has none, or no
    columns. ``text``: without comments.

    What looks like a variable in a string or IRI changes the order at most, never the columns.
    """
    select = _SELECT.search(text)
    columns = list(names)
    if select is None or select[1] is None or not columns:
        return None
    seen = {name: place for place, name in reversed(list(enumerate(_VARIABLE.findall(text))))}
    columns.sort(key=lambda name: seen.get(name, len(text)))
    listed = " ".join(f"?{name}" for name in columns)
    return f"{text[: select.start(1)]} {listed} {text[select.end(1) :]}"
