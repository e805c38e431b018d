"""How deep text is nested, before a parser sees it: parsers of RDF keep a stack for it, copy what is
within by its depth, and end the process where their own stack ends.

Streams, in memory of the longest token. What it says holds up to the first mistake of syntax, at which
the parser stops.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from tinylearn.errors import BadInputError

MOST_DEPTH = 64
#: a text, name or comment; pyoxigraph does not read longer ones from a file either
MOST_TOKEN_BYTES = 1 << 24
_PIECE = 1 << 20
# The last choice of what is repeated possessively is (?!): where all others have failed, Python before 3.11.5
# goes on from where the last one stood, not from where it began (python/cpython issue 106052).


@dataclass(frozen=True)
class Syntax:
    """``passed``: all that does not count, whole tokens each with a byte behind it; ``bracket``: its
    group ``opens`` is what opens."""

    passed: re.Pattern[bytes]
    bracket: re.Pattern[bytes]


#: Turtle, TriG, N-Triples and N-Quads, also 1.2. Escapes in names may be of quotes and brackets; a text
#: or IRI that its line or a space ends is a mistake
RDF = Syntax(
    re.compile(
        rb"""(?: [^#<>"'\[\](){}\\]++ | \\. | \#[^\n\r]*+[\n\r] | >(?=[^>])
             | <[^<>\s]++[<>\s] | <(?=[>\s])
             | \"""(?:[^"\\]++|\\.|""?(?=[^"])|(?!))*+\""" | '''(?:[^'\\]++|\\.|''?(?=[^'])|(?!))*+'''
             | ""(?=[^"]) | "(?!")(?:[^"\\\n\r]++|\\.|(?!))*+["\n\r]
             | ''(?=[^']) | '(?!')(?:[^'\\\n\r]++|\\.|(?!))*+['\n\r] | (?!) )*+""",
        re.DOTALL | re.VERBOSE,
    ),
    re.compile(rb"(?P<opens><<|[\[({])|>>|[\])}]"),
)
_TEXTS = rb"""(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.|(?!))*+"|(?!))"""
#: SPARQL results, whose triples nest; an object of texts alone is passed as one and does not count
JSON = Syntax(
    re.compile(rb"(?:%s|\{%s*+\}|(?!))*+" % (_TEXTS, _TEXTS), re.DOTALL),
    re.compile(rb"(?P<opens>\[|\{(?=%s*+[\[\]{]))|[\]}]" % _TEXTS, re.DOTALL),
)


def may_nest_lines(file: BinaryIO) -> bool:
    """Whether there can be a triple within a triple, which is all that nests in N-Quads: a look that costs
    a tenth of a scan."""
    last = b""
    while piece := file.read(_PIECE):
        if b"<<" in last + piece:
            return True
        last = piece[-1:]
    return False


def check_nesting(text: BinaryIO | bytes, syntax: Syntax = RDF) -> None:
    """Raises BadInputError with the line where it is deeper than MOST_DEPTH, or a token is longer than
    MOST_TOKEN_BYTES."""
    file = BytesIO(text) if isinstance(text, bytes) else text
    line, depth, rest = 1, 0, b""
    while piece := file.read(max(_PIECE, len(rest))):
        rest += piece
        at, depth = _counted(rest, depth, line, syntax)
        line += rest.count(b"\n", 0, at)
        rest = rest[at:]
        if len(rest) > MOST_TOKEN_BYTES:
            raise BadInputError(f"line {line}: a text or name is too long to be read; shorten it")
    _counted(rest + b"\n", depth, line, syntax)


def _counted(text: bytes, depth: int, line: int, syntax: Syntax) -> tuple[int, int]:
    """How far all tokens are whole, and the depth there; ``line``: that of the text's begin."""
    at = 0
    while True:
        passed = syntax.passed.match(text, at)
        at = passed.end() if passed else at
        bracket = syntax.bracket.match(text, at)
        if bracket is None:
            return at, depth
        depth += 1 if bracket["opens"] else -1
        if depth > MOST_DEPTH:
            line += text.count(b"\n", 0, at)
            raise BadInputError(
                f"line {line}: is nested more than {MOST_DEPTH} levels deep; flatten it"
            )
        at = bracket.end()
