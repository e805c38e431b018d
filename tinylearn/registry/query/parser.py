"""A predictive parser: tokens -> tree, in linear time and without recursion.

See Aho, Lam, Sethi, Ullman: Compilers, 4.4. The table comes from rules as in grammar.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from tinylearn.registry.query.errors import QueryRefusedError
from tinylearn.registry.query.grammar import RULES
from tinylearn.registry.query.tokens import Token, position

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Part:
    """``kind``: ``token`` or ``rule`` (by ``name``), ``sequence``, ``choice``, ``optional``,
    ``repeat`` (of ``parts``)."""

    kind: str
    name: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(eq=False)
class Node:
    """A rule as it was found in a query."""

    rule: str
    children: list[Node | Token] = field(default_factory=list)

    def nodes(self) -> Iterator[Node]:
        """This one and all below it, in the order of the text."""
        waiting: list[Node | Token] = [self]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Node):
                yield node
                waiting += reversed(node.children)

    def tokens(self) -> Iterator[Token]:
        """All tokens of it."""
        waiting: list[Node | Token] = [self]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Node):
                waiting += reversed(node.children)
            else:
                yield node


class Grammar:
    """Rules and what they begin with."""

    def __init__(self, text: str) -> None:
        self.rules = dict(_rules(text))
        self._firsts: dict[Part, frozenset[str]] = {}
        self._choices: dict[Part, Mapping[str, Part]] = {}
        self._nullable: dict[str, bool] = dict.fromkeys(self.rules, False)
        for _ in self.rules:
            self._nullable = {name: self.empty(part) for name, part in self.rules.items()}

    def empty(self, part: Part) -> bool:
        """Whether it can be nothing at all."""
        if part.kind == "rule":
            return self._nullable[part.name]
        if part.kind == "sequence":
            return all(self.empty(item) for item in part.parts)
        return any(self.empty(item) for item in part.parts) or part.kind in ("optional", "repeat")

    def first(self, part: Part) -> frozenset[str]:
        """Kinds of token that it can begin with."""
        if part not in self._firsts:
            self._firsts[part] = self._first(part)
        return self._firsts[part]

    def firsts(self, parts: Iterable[Part]) -> frozenset[str]:
        """Of all of them."""
        return frozenset().union(*map(self.first, parts))

    def choices(self, part: Part) -> Mapping[str, Part]:
        """What a choice, option or repetition goes on with, by the kind of the token."""
        if part not in self._choices:
            self._choices[part] = {kind: item for item in part.parts for kind in self.first(item)}
        return self._choices[part]

    def _first(self, part: Part) -> frozenset[str]:
        if part.kind == "token":
            return frozenset((part.name,))
        if part.kind == "rule":
            return self.first(self.rules[part.name])
        found: frozenset[str] = frozenset()
        for item in part.parts:
            found |= self.first(item)
            if part.kind == "sequence" and not self.empty(item):
                break
        return found

    def conflicts(self) -> list[str]:
        """Rules in which one token does not decide between the branches of a choice."""
        return [name for name, rule in self.rules.items() if self._conflict(rule)]

    def _conflict(self, part: Part) -> bool:
        firsts = [self.first(item) for item in part.parts]
        several = sum(map(len, firsts)) != len(frozenset().union(*firsts))
        return (part.kind == "choice" and several) or any(map(self._conflict, part.parts))


@cache
def sparql() -> Grammar:
    """That of grammar.py."""
    return Grammar(RULES)


def parse(grammar: Grammar, start: str, found: Sequence[Token], text: str) -> Node:
    """The tree of the tokens of ``text``; raises QueryRefusedError."""
    root = Node("")
    stack: list[tuple[Part, Node]] = [(Part("rule", start), root)]
    at, skipped = 0, list[Part]()
    while stack:
        part, node = stack.pop()
        kind = found[at].kind if at < len(found) else "the end"
        if part.kind == "token":
            if kind != part.name:
                raise _unexpected(found, at, text, grammar.firsts([*skipped, part]))
            node.children.append(found[at])
            at += 1
            skipped.clear()
        elif part.kind == "rule":
            child = Node(part.name)
            node.children.append(child)
            stack.append((grammar.rules[part.name], child))
        elif part.kind == "sequence":
            stack += [(item, node) for item in reversed(part.parts)]
        else:
            chosen = grammar.choices(part).get(kind)
            if chosen is None:
                skipped.append(part)
                if part.kind == "choice" and not grammar.empty(part):
                    raise _unexpected(found, at, text, grammar.firsts(skipped))
            elif part.kind == "repeat":
                stack += ((part, node), (chosen, node))
            else:
                stack.append((chosen, node))
    if at < len(found):
        raise _unexpected(found, at, text, grammar.firsts(skipped) | {"the end"})
    top = root.children[0]
    assert isinstance(top, Node)
    return top


def _unexpected(
    found: Sequence[Token], at: int, text: str, expected: frozenset[str]
) -> QueryRefusedError:
    names = sorted(expected)
    wanted = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
    if at == len(found):
        return QueryRefusedError(f"the query ends too early: expected {wanted}")
    token = found[at]
    where = position(text, token.start)
    return QueryRefusedError(f"{where}: {token.text.strip()[:40]} is wrong here: expected {wanted}")


def _rules(text: str) -> Iterator[tuple[str, Part]]:
    for rule in re.split(r"\n+(?=\w)", text.strip()):
        name, _, body = rule.partition(":")
        symbols = re.findall(r"'[^']+'|\w+|[()|?*+]", body)
        yield name, _choice(symbols[::-1])


def _choice(symbols: list[str]) -> Part:
    """Takes symbols from the end of the list, up to a closing bracket."""
    branches = [_sequence(symbols)]
    while symbols and symbols[-1] == "|":
        symbols.pop()
        branches.append(_sequence(symbols))
    return branches[0] if len(branches) == 1 else Part("choice", parts=tuple(branches))


def _sequence(symbols: list[str]) -> Part:
    items = []
    while symbols and symbols[-1] not in "|)":
        items.append(_repeated(_single(symbols), symbols))
    return items[0] if len(items) == 1 else Part("sequence", parts=tuple(items))


def _single(symbols: list[str]) -> Part:
    symbol = symbols.pop()
    if symbol == "(":
        part = _choice(symbols)
        symbols.pop()
        return part
    name = symbol.strip("'")
    is_rule = symbol[0].isupper() and not symbol.isupper()
    return Part("rule" if is_rule else "token", name)


def _repeated(part: Part, symbols: list[str]) -> Part:
    suffixes: Mapping[str, Part] = {
        "?": Part("optional", parts=(part,)),
        "*": Part("repeat", parts=(part,)),
        "+": Part("sequence", parts=(part, Part("repeat", parts=(part,)))),
    }
    return suffixes[symbols.pop()] if symbols and symbols[-1] in suffixes else part
