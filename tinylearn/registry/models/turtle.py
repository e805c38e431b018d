"""Triples as Turtle for people: one subject a paragraph, in the order of the triples, the same bytes
for the same triples.

Turtle 1.1, https://www.w3.org/TR/turtle/; only IRIs and literals, as model descriptions have no
blank nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.vocabulary import PREFIXES, TYPE, XSD

_LOCAL = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PLAIN = {
    XSD + "integer": re.compile(r"[+-]?[0-9]+"),
    XSD + "decimal": re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    XSD + "boolean": re.compile(r"true|false"),
}


class _Names:
    """Shortens IRIs and remembers which prefixes that took. The longest namespace that leaves a plain
    name is taken."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self.spaces = sorted(prefixes.items(), key=lambda item: (-len(item[1]), item[0]))
        self.used: set[str] = set()

    def iri(self, iri: str) -> str:
        for prefix, space in self.spaces:
            local = iri.removeprefix(space)
            if len(local) < len(iri) and _LOCAL.fullmatch(local):
                self.used.add(prefix)
                return f"{prefix}:{local}"
        return f"<{iri}>"

    def term(self, term: object) -> str:
        if isinstance(term, NamedNode):
            return self.iri(term.value)
        if not isinstance(term, Literal) or term.language:
            return str(term)
        datatype = term.datatype.value
        if datatype in _PLAIN and _PLAIN[datatype].fullmatch(term.value):
            return term.value
        quoted = str(Literal(term.value))
        return quoted if datatype == XSD + "string" else f"{quoted}^^{self.iri(datatype)}"


def turtle(triples: Iterable[Triple], prefixes: Mapping[str, str] | None = None) -> bytes:
    """The text; ``prefixes``: further ones. Prefixes that nothing uses are left out."""
    known = {**PREFIXES, **(prefixes or {})}
    names = _Names(known)
    subjects: dict[object, dict[NamedNode, dict[object, None]]] = {}
    for t in triples:
        subjects.setdefault(t.subject, {}).setdefault(t.predicate, {})[t.object] = None
    body = [_paragraph(names, subject, facts) for subject, facts in subjects.items()]
    head = [f"@prefix {p}: <{known[p]}> ." for p in sorted(names.used)]
    return "\n".join([*head, "", *body]).encode()


def _paragraph(
    names: _Names, subject: object, facts: Mapping[NamedNode, Mapping[object, None]]
) -> str:
    lines = [
        f"{'a' if predicate == TYPE else names.iri(predicate.value)} "
        + ", ".join(names.term(value) for value in values)
        for predicate, values in facts.items()
    ]
    return f"{names.term(subject)} " + " ;\n    ".join(lines) + " .\n"
