"""Queries of strangers, at the gate: what passes must pass again as it is, and be for the engine to run."""

from __future__ import annotations

import random

from engine import changed_bytes
from pyoxigraph import Store

from tinylearn.errors import BadInputError
from tinylearn.registry.query.gate import admit
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.named import load_all

_LIMITS = Limits()
#: the engine is asked to plan no more than this; plans of large queries take it long
_PLANNED_BYTES = 600
_PIECES = (
    "SELECT", "CONSTRUCT", "ASK", "DESCRIBE", "WHERE", "SERVICE <a:b>", "FROM <a:b>", "LOAD <a:b>", "INSERT DATA",
    "OPTIONAL", "UNION", "MINUS", "GRAPH ?g", "FILTER", "BIND", "VALUES", "UNDEF", "NOT EXISTS", "LIMIT 1",
    "GROUP BY", "ORDER BY", "{", "}", "(", ")", "[", "]", "<", ">", "'", '"', "'''", '"""', "\\", "\\u0053", "\\u007d",
    "\\U00000022", "#", "\n", "\r", "\0", "?x", "$x", "_:b", "a", ":", "a:b", "<a:b>", "^", "|", "/", "*", "+", "?",
    "!", "^^", "@en", "1", "-1", ".5", "1e9", ";", ",", ".", "&&", "||", "REGEX(?x, 'a')", "COUNT(*)", "AS", "é",
    "\ud7ff",
)  # fmt: skip


class SparqlQuery:
    """See engine.Parser."""

    def seeds(self) -> list[bytes]:
        """The queries by name, and some of each kind."""
        more = ("ASK { ?s ?p 'it\\'s', \"\"\"a\"b\"\"\"@en, \"1\"^^<a:b>, -2.5e3 . [] a (1 [ ?p ?o ]) }",
                "CONSTRUCT { ?s a ?o } WHERE { ?s <a:b>/^<a:c>*|!(<a:d>|^a) ?o MINUS { GRAPH ?g { ?o ?p 1 } } }",
                "SELECT (COUNT(*) AS ?n) { VALUES (?x ?y) { (1 UNDEF) } } GROUP BY ?x HAVING (?n > 1) LIMIT 3",
                "DESCRIBE ?x { ?x ?y ?z FILTER (!BOUND(?x) || ?x IN (1, 2) && NOT EXISTS { ?z ?y ?x }) }")  # fmt: skip
        return [text.encode() for text in (*more, *(query.text for query in load_all()))]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """Pieces put in, taken out, moved; now and then bytes."""
        if rng.random() < 0.2:
            return changed_bytes(rng, data, other)
        for _ in range(rng.choice((1, 1, 2, 4, 8))):
            at, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
            end = min(end, at + rng.choice((0, 0, 1, 5, 40)))
            piece = rng.choice(_PIECES).encode() if rng.random() < 0.7 else other[at:end]
            data = data[:at] + piece * rng.choice((1, 1, 1, 2, 40)) + data[end:]
        return data

    def run(self, data: bytes) -> None:
        """Through the gate twice; what the engine takes of a stranger it must take of the gate."""
        text = data.decode("utf-8", "replace")
        found = admit(text, _LIMITS)
        again = admit(found.text, _LIMITS)
        if (again.text, again.form) != (found.text, found.form):
            raise AssertionError("what has passed does not pass as it is")
        if len(found.text) > _PLANNED_BYTES:
            return
        refusal = _refusal(found.text)
        if refusal and not _refusal(text):
            raise AssertionError(f"the gate has broken the query: {refusal}")
        if refusal:
            raise BadInputError(f"the engine: {refusal}")


def _refusal(text: str) -> str:
    """Why the engine does not take a query: scopes of variables, functions that it does not know."""
    try:
        Store().query(text)
    except (SyntaxError, RuntimeError) as error:
        return str(error)
    return ""
