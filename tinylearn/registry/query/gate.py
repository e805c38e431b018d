"""Between people and the engine: what passes is a query of SPARQL 1.1, of sane size, that reads from
the store and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tinylearn.registry.query.checks import check, check_prefixes
from tinylearn.registry.query.errors import QueryRefusedError
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.mend import mended
from tinylearn.registry.query.parser import Node, parse, sparql
from tinylearn.registry.query.tokens import Token, position, text_of, tokens

_UPDATES = ("INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH")
_FORBIDDEN = {
    "SERVICE": "other services cannot be asked from here",
    "FROM": "the registered graphs are all there is; say GRAPH <name> { ... } for one of them",
    **dict.fromkeys(_UPDATES, "this only reads, it changes nothing"),
}


class Form(StrEnum):
    """What a query is answered with: rows, yes or no, or triples."""

    SELECT = "Select"
    ASK = "Ask"
    CONSTRUCT = "Construct"
    DESCRIBE = "Describe"

    @property
    def is_graph(self) -> bool:
        """Whether the answer is triples."""
        return self in (Form.CONSTRUCT, Form.DESCRIBE)


@dataclass(frozen=True)
class Admitted:
    """A query that may be run. ``text``: as an engine is given it, without comments and escapes of
    code points. ``variables``: names of all it mentions; ``where``: the position in ``text`` just
    behind the first brace of what it looks for, None where it looks for nothing. ``notes``: what was
    mended."""

    text: str
    form: Form
    variables: frozenset[str]
    where: int | None
    notes: tuple[str, ...] = ()


def admit(text: str, limits: Limits) -> Admitted:
    """Lets a query through; raises QueryRefusedError, saying where and why."""
    found = tokens(text, limits)
    for token in found:
        if token.kind in _FORBIDDEN:
            where, why = position(text, token.start), _FORBIDDEN[token.kind]
            raise QueryRefusedError(f"{where}: {token.kind} is not allowed: {why}")
    tree = parse(sparql(), "Query", found, text)
    check(tree, limits)
    check_prefixes(tree, text)
    found, notes = mended(found)
    names = frozenset(token.text[1:] for token in found if token.kind == "var")
    return Admitted(text_of(found), _form(tree), names, _behind_brace(tree, found), notes)


def _form(tree: Node) -> Form:
    return next(Form(node.rule) for node in tree.nodes() if node.rule in set(Form))


def _behind_brace(tree: Node, found: list[Token]) -> int | None:
    """Braces stand nowhere before the pattern but in a template."""
    patterns = (node for node in tree.nodes() if node.rule == "Where")
    first = next(patterns, None)
    if first is None:
        return None
    start = next(token.start for token in first.tokens() if token.kind == "{")
    before = [token for token in found if token.start <= start]
    return len(text_of(before))
