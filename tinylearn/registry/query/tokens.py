"""The tokens of a SPARQL query (https://www.w3.org/TR/sparql11-query/#grammar, terminals), before any
parser sees it: bounds its size and how deep its brackets go.

What a query is built of is decided here alone. Escapes of code points are expanded first, strings
are written anew with double quotes and comments are left out, so that an engine that reads the
tokens again has no choice but to find the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tinylearn.registry.query.errors import QueryRefusedError
from tinylearn.registry.query.limits import Limits

_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_MORE = "0-9\u00b7\u0300-\u036f\u203f-\u2040"
_CHARS = f"{_BASE}_{_MORE}\\-"
_ESCAPED = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]"
_PREFIX = rf"(?:[{_BASE}](?:\.*[{_CHARS}])*)?:"
_LOCAL = rf"(?:[{_BASE}_0-9:]|{_ESCAPED})(?:\.*(?:[{_CHARS}:]|{_ESCAPED}))*"
_ECHAR = r"\\[tbnrf\\\"']"
_TERMINALS = {
    "gap": r"(?:[ \t\r\n]+|\#[^\r\n]*)+",
    "long": rf"\"\"\"(?:[^\"\\]|{_ECHAR}|\"(?!\"\"))*\"\"\"|'''(?:[^'\\]|{_ECHAR}|'(?!''))*'''",
    "short": rf"\"(?:[^\"\\\n\r]|{_ECHAR})*\"|'(?:[^'\\\n\r]|{_ECHAR})*'",
    "iri": r"<[^<>\"{}|^`\\\x00-\x20]*>",
    "blank": rf"_:[{_BASE}_0-9](?:\.*[{_CHARS}])*",
    "name": _PREFIX + _LOCAL,
    "prefix_name": _PREFIX,
    "word": r"[A-Za-z_][A-Za-z0-9_]*",
    "var": rf"[?$][{_BASE}_0-9][{_BASE}_{_MORE}]*",
    "lang": r"@[A-Za-z]+(?:-[A-Za-z0-9]+)*",
    "double": r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][+\-]?[0-9]+",
    "decimal": r"[0-9]*\.[0-9]+",
    "integer": r"[0-9]+",
    "mark": r"\^\^|&&|\|\||!=|<=|>=|[{}()\[\],;.*+\-/|^!=<>?]",
}
_TOKEN = re.compile("|".join(f"(?P<{kind}>{what})" for kind, what in _TERMINALS.items()))
_CODE_POINT = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_UNESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_CLOSES = {"}": "{", ")": "(", "]": "["}
#: brackets around nothing are one token of the grammar
_EMPTY = {")": "nil", "]": "anon"}
#: kinds of token that belong together where nothing is between them
_TOUCHING = {
    *((sign, number) for sign in "+-" for number in ("integer", "decimal", "double")),
    ("string", "lang"),
    ("string", "^^"),
    ("^^", "iri"),
    ("^^", "name"),
    ("^^", "prefix_name"),
}


class Token(NamedTuple):
    """``kind``: a terminal's name in small letters, a keyword in capitals or a mark as it is. ``text``: as an
    engine is given it. ``start``: where it was; ``gap``: white space or a comment before it."""

    kind: str
    text: str
    start: int
    gap: bool


def tokens(text: str, limits: Limits) -> list[Token]:
    """The tokens of a query; raises QueryRefusedError."""
    if len(text) > limits.text_bytes or len(text.encode("utf-8", "replace")) > limits.text_bytes:
        raise QueryRefusedError(f"the query has more than {limits.text_bytes:,} bytes", True)
    found: list[Token] = []
    opened: list[str] = []
    for token in _scan(_expanded(text), limits):
        _nest(token, opened, limits)
        if token.kind in _EMPTY and found and found[-1].kind == _CLOSES[token.kind]:
            before = found.pop()
            token = Token(_EMPTY[token.kind], before.text + token.text, before.start, before.gap)
        found.append(token)
        if len(found) > limits.tokens:
            raise QueryRefusedError(f"the query has more than {limits.tokens:,} tokens", True)
    if opened:
        raise QueryRefusedError(f"the query ends before its last {opened[-1]!r} is closed")
    return found


def text_of(found: Sequence[Token]) -> str:
    """The query as an engine is given it: a space between any two tokens that must not touch."""
    parts, before = list[str](), ""
    for token in found:
        touches = not token.gap and (before, token.kind) in _TOUCHING
        # Oxigraph takes no space between some functions and their arguments
        touches = touches or not parts or (before.isupper() and token.kind in ("(", "nil"))
        parts.append(token.text if touches else " " + token.text)
        before = token.kind
    return "".join(parts)


def position(text: str, at: int) -> str:
    """For messages."""
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def string_value(token: Token) -> str:
    """What a string stands for."""
    return _unescaped(token.text[1:-1])


def has_code_point(value: str) -> bool:
    """Whether a literal looks like something that only some engines expand."""
    return _CODE_POINT.search(value) is not None


def _expanded(text: str) -> str:
    text = _CODE_POINT.sub(lambda match: _code_point(match[1] or match[2]), text)
    bad = next((c for c in text if c == "\0" or "\ud800" <= c <= "\udfff"), None)
    if bad is not None:
        raise QueryRefusedError(f"the query contains the code point {ord(bad):04X}")
    return text


def _code_point(digits: str) -> str:
    number = int(digits, 16)
    if number > 0x10FFFF:
        raise QueryRefusedError(f"there is no code point {digits}")
    return chr(number)


def _scan(text: str, limits: Limits) -> Iterator[Token]:
    at, gap = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryRefusedError(f"{position(text, at)}: {text[at : at + 20]!r} is not SPARQL")
        start, at = at, match.end()
        if match.lastgroup == "gap":
            gap = True
            continue
        yield _token(str(match.lastgroup), match[0], start, gap, limits)
        gap = False


def _token(kind: str, text: str, start: int, gap: bool, limits: Limits) -> Token:
    if kind in ("short", "long"):
        quotes = 1 if kind == "short" else 3
        return Token("string", _string(text[quotes:-quotes], limits), start, gap)
    if kind == "word":
        return Token("a" if text == "a" else text.upper(), text, start, gap)
    if kind == "mark":
        return Token(text, text, start, gap)
    return Token(kind, text, start, gap)


def _string(content: str, limits: Limits) -> str:
    value = _unescaped(content)
    if len(value) > limits.literal_characters:
        raise QueryRefusedError(f"a literal has more than {limits.literal_characters:,} characters")
    if has_code_point(value):
        raise QueryRefusedError("a literal has a code point's escape in it that is itself escaped")
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, escaped)
    return f'"{value}"'


def _unescaped(content: str) -> str:
    return re.sub(r"\\(.)", lambda match: _UNESCAPED.get(match[1], match[1]), content)


def _nest(token: Token, opened: list[str], limits: Limits) -> None:
    if token.kind in ("{", "(", "["):
        opened.append(token.kind)
        if len(opened) > limits.depth:
            raise QueryRefusedError(f"brackets are nested more than {limits.depth} deep")
    elif token.kind in _CLOSES and (not opened or opened.pop() != _CLOSES[token.kind]):
        raise QueryRefusedError(f"a {token.kind!r} closes what is not open")
