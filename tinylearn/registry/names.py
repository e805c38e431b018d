"""Short names of IRIs for people."""

from __future__ import annotations

import re


def short(iri: str) -> str:
    """The end of an IRI."""
    return re.split(r"[/#:]", iri.rstrip("/#:"))[-1] or iri
