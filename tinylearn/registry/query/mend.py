"""Namespaces that vocabularies have left behind, in queries: put right, and said so."""

from __future__ import annotations

from collections.abc import Sequence

from tinylearn.registry.query.tokens import Token
from tinylearn.registry.seloc.iris import DEPRECATED


def mended(found: Sequence[Token]) -> tuple[list[Token], tuple[str, ...]]:
    """The tokens with today's namespaces, and a note on each that was not one."""
    notes: dict[str, None] = {}
    tokens = [_mended(token, notes) if token.kind == "iri" else token for token in found]
    return tokens, tuple(notes)


def _mended(token: Token, notes: dict[str, None]) -> Token:
    for old, new in DEPRECATED.items():
        if token.text.startswith("<" + old):
            notes[f"<{old}> is deprecated: read as <{new}>"] = None
            return token._replace(text="<" + new + token.text[len(old) + 1 :])
    return token
