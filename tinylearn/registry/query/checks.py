"""What a query may ask for, read from its tree: bounds of what an engine plans by."""

from __future__ import annotations

from collections import Counter

from tinylearn.registry.query.errors import QueryRefusedError
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.parser import Node
from tinylearn.registry.query.tokens import position, string_value
from tinylearn.registry.vocabulary import PREFIXES

#: rules that stand for one triple pattern each: objects, steps of paths, items of collections
_PATTERNS = ("Object", "PlainObject", "Step", "OneNegated")


def check(tree: Node, limits: Limits) -> None:
    """Raises QueryRefusedError."""
    nodes = list(tree.nodes())
    count = Counter(node.rule for node in nodes)
    bounds = (
        ("triple patterns and steps of paths", sum(count[r] for r in _PATTERNS), limits.patterns),
        ("* and + in paths", count["Closure"], limits.closures),
        ("groups of braces", count["Group"] + count["Values"], limits.groups),
        ("columns", count["Column"], limits.columns),
    )
    for what, found, most in bounds:
        if found > most:
            raise QueryRefusedError(f"the query has {found:,} {what}; at most {most:,} are taken")
    for node in nodes:
        if node.rule == "Regex":
            _check_regex(node, limits)


def check_prefixes(tree: Node, text: str) -> None:
    """Raises QueryRefusedError for a prefix that is not declared, with its declaration where known."""
    nodes = list(tree.nodes())
    prologues = (node for node in nodes if node.rule == "Prologue")
    declared = {t.text for node in prologues for t in node.tokens() if t.kind == "prefix_name"}
    for token in (t for node in nodes if node.rule == "Iri" for t in node.tokens()):
        prefix = token.text[: token.text.find(":") + 1]
        if token.kind != "iri" and prefix not in declared:
            known = PREFIXES.get(prefix[:-1], "...")
            raise QueryRefusedError(
                f"{position(text, token.start)}: prefix {prefix[:60]} is not declared; begin the query "
                f"with PREFIX {prefix[:60]} <{known}>"
            )


def _check_regex(call: Node, limits: Limits) -> None:
    for token in call.tokens():
        if token.kind == "string" and len(string_value(token)) > limits.regex_characters:
            most = limits.regex_characters
            raise QueryRefusedError(f"a regular expression has more than {most} characters")
