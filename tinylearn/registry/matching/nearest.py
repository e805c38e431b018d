"""Names that are nearly what somebody has typed, among a hundred thousand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest
from typing import NamedTuple

from tinylearn.registry.names import short

#: how many are compared letter by letter, and how many letters; how alike they must be
_COMPARED, _LETTERS, _LIKE = 50, 200, 0.6


class Named(NamedTuple):
    """Something with one of its titles."""

    iri: str
    title: str


def nearest(name: str, among: Iterable[Named]) -> list[Named]:
    """Those whose title or last part is much like it, the most alike first. Only those are compared that
    have the most of its letters in threes."""
    plain = name[:_LETTERS].casefold()
    threes = sorted({re.escape(plain[at : at + 3]) for at in range(max(1, len(plain) - 2))})
    common = re.compile("|".join(f"(?={three})" for three in threes)).findall
    likely = nlargest(_COMPARED, among, key=lambda one: len(common(" ".join(_texts(one)))))
    found = {one: like for one in likely if (like := _likeness(plain, one)) >= _LIKE}
    return sorted(found, key=lambda one: (-found[one], one))


def _texts(one: Named) -> tuple[str, str]:
    return one.title[:_LETTERS].casefold(), short(one.iri)[:_LETTERS].casefold()


def _likeness(plain: str, one: Named) -> float:
    return max(SequenceMatcher(None, plain, text).ratio() for text in _texts(one))
