"""How much one query may ask for, and take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of the text: ``text_bytes``, ``tokens``, ``depth`` of brackets, ``literal_characters``. Of what
    it says: ``patterns`` (triple patterns, each step of a path and each item of a collection being
    one), ``closures`` (``*`` and ``+`` in paths), ``groups`` (of braces), ``columns``,
    ``regex_characters``. Of what it takes: ``seconds``, ``memory_bytes`` (beside what an idle worker
    has), ``rows`` (or triples) and ``answer_bytes``.

    ``workers``: how many run at once; ``spare``: processes that stand ready for those that are killed;
    ``waiting``: how many may wait. ``patience``: where a query has waited so many seconds, the one
    that runs longest is ended, if it has run for as long.
    """

    text_bytes: int = 64 << 10
    tokens: int = 6000
    depth: int = 32
    literal_characters: int = 10_000
    patterns: int = 100
    closures: int = 8
    groups: int = 64
    columns: int = 200
    regex_characters: int = 200
    seconds: float = 10.0
    memory_bytes: int = 512 << 20
    rows: int = 100_000
    answer_bytes: int = 32 << 20
    workers: int = 3
    spare: int = 2
    waiting: int = 32
    patience: float = 0.3
