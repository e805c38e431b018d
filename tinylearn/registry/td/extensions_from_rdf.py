"""What a Thing says in other vocabularies than those of Thing Descriptions, as JSON-LD."""

from __future__ import annotations

import re
from typing import Any

from pyoxigraph import Literal, NamedNode

from tinylearn.registry.td.nodes import Node, Term, value_of
from tinylearn.registry.td.schema_from_rdf import UNIT_CODE
from tinylearn.registry.vocabulary import (
    DCTERMS,
    DISCOVERY,
    PREFIXES,
    SCHEMA,
    TD,
    TD_FORMS,
    TD_SCHEMA,
    TD_SECURITY,
    TL,
    TYPE,
    XSD,
)

_OWN = (TD, TD_FORMS, TD_SCHEMA, TD_SECURITY, TL, DISCOVERY)
_MOST_DEPTH = 16
_LOCAL = re.compile(r"[A-Za-z0-9_\-]+\Z")
_NATIVE = (XSD + "boolean", XSD + "integer")
_HTTP = "http://www.w3.org/2011/http#"
#: schema is a term of the TD context
_PREFIXES = {"sdo" if iri == SCHEMA else name: iri for name, iri in PREFIXES.items()
             if iri not in _OWN} | {"htv": _HTTP}  # fmt: skip
#: read elsewhere, though of vocabularies that are not the standard's own
_READ = frozenset({TYPE.value, UNIT_CODE, DCTERMS + "created", DCTERMS + "modified"})


class Extensions:
    """Members for a document, and the prefixes that they use."""

    def __init__(self) -> None:
        self.prefixes: dict[str, str] = {}

    def of(self, node: Node, depth: int = 0) -> dict[str, Any]:
        """Classes and predicates of vocabularies that are not read elsewhere."""
        types = [self.name(iri) for iri in node.types() if not iri.startswith(_OWN)]
        found: dict[str, Any] = {"@type": types} if types else {}
        for predicate in sorted(node.said):
            if predicate in _READ or predicate.startswith(_OWN):
                continue
            values = [self._value(node, term, depth) for term in node.all(predicate)]
            found[self.name(predicate)] = values[0] if len(values) == 1 else values
        return found

    def name(self, iri: str) -> str:
        """With a prefix, where one is known."""
        for prefix, namespace in _PREFIXES.items():
            if iri.startswith(namespace) and _LOCAL.match(iri.removeprefix(namespace)):
                self.prefixes[prefix] = namespace
                return f"{prefix}:{iri.removeprefix(namespace)}"
        return iri

    def _value(self, node: Node, term: Term, depth: int) -> Any:
        if isinstance(term, Literal):
            return _literal(term)
        found: dict[str, Any] = {"@id": term.value} if isinstance(term, NamedNode) else {}
        if depth < _MOST_DEPTH:
            found |= self.of(node.graph.node(term), depth + 1)
        return found


def _literal(literal: Literal) -> Any:
    kind = literal.datatype.value
    if literal.language:
        return {"@value": literal.value, "@language": literal.language}
    if kind == XSD + "string":
        return literal.value
    if kind in _NATIVE and not isinstance(native := value_of(literal), str):
        return native
    return {"@value": literal.value, "@type": kind}
