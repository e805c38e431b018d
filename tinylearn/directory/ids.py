"""Identifiers of things in addresses: percent-encoded or not, with any character in them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from pyoxigraph import NamedNode
from starlette.types import Scope

from tinylearn.directory.problem import ProblemError

PREFIX = b"/things/"
#: what no IRI contains (RFC 3987), though some parsers let it pass
_FORBIDDEN = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f-\x9f\ud800-\udfff]")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def of_scope(scope: Scope, longest: int) -> str:
    """What follows ``/things/``, percent-decoded once; slashes and dots mean nothing.

    Raises ProblemError: 400 where it is not UTF-8, 414 where it is longer than ``longest``.
    """
    raw = scope["raw_path"].removeprefix(PREFIX)
    try:
        found = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise ProblemError(400, "the identifier in the address is not UTF-8") from None
    if _BAD_PERCENT.search(raw):
        raise ProblemError(400, "a % in the address must be followed by two hexadecimal digits")
    if len(found) > longest:
        raise ProblemError(414, f"the identifier has more than {longest} characters")
    return found


def is_iri(text: str) -> bool:
    """Whether it can name a thing: an absolute IRI."""
    if _FORBIDDEN.search(text):
        return False
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True


def address(identifier: str) -> str:
    """Where the thing is found, relative to the service."""
    return "/things/" + quote(identifier, safe=":@!$&'()*+,;=~-._")
