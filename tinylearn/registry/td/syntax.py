"""The syntaxes that a Thing Description borrows: URIs, URI Templates, language tags, times."""

from __future__ import annotations

import re
from datetime import datetime

_LONGEST = 2048  # of what is matched; nothing here is longer for a good reason

# RFC 3986; the authority's host is not looked into beyond its characters
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?://(?:[A-Za-z0-9\-._~!$&'()*+,;=:@\[\]]|%[0-9A-Fa-f]{{2}})*)?"
    rf"(?:{_PCHAR}|/)*(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?\Z"
)
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*:|\{)")
_NEVER_IN_URIS = re.compile(r'[\s\x00-\x20\x7f<>"]')

# RFC 6570, section 2; names are taken with any characters, as hyphens are in use
_EXPRESSION = re.compile(r"[+#./;?&=,!@|]?([^{}]*)\Z")
_VARIABLE = re.compile(r"([^\s,:*{}]+)(?::[1-9][0-9]{0,3}|\*)?\Z")

# RFC 5646, section 2.1
_LANGUAGE = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+)\Z"
)
_GRANDFATHERED = re.compile(
    r"(?:en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)"
    r"|sgn-(?:be-fr|be-nl|ch-de)|art-lojban|cel-gaulish|no-bok|no-nyn"
    r"|zh-(?:guoyu|hakka|min|min-nan|xiang))\Z"
)

# RFC 3339, section 5.6
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-](\d{2}):(\d{2}))\Z"
)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*\Z")


def is_uri(text: str) -> bool:
    """An absolute URI, a fragment allowed (RFC 3986, section 3)."""
    return len(text) <= _LONGEST and _URI.match(text) is not None


def is_absolute(text: str) -> bool:
    """Begins with a scheme, or with a template that may become one."""
    return _SCHEME.match(text) is not None


def is_uri_text(text: str) -> bool:
    """Has no character that is in no URI, IRI or URI Template. The standard's type anyURI asks for no
    more, and addresses with placeholders of their own are in use."""
    return _NEVER_IN_URIS.search(text) is None


def template_variables(text: str) -> list[str] | None:
    """Names in a URI Template (RFC 6570) in order; None where its braces are not a template."""
    names: list[str] = []
    literals, *expressions = text.split("{")
    if "}" in literals:
        return None
    for part in expressions:
        expression, brace, literal = part.partition("}")
        found = _expression(expression)
        if not brace or found is None or "}" in literal:
            return None
        names += found
    return names


def _expression(text: str) -> list[str] | None:
    match = _EXPRESSION.match(text)
    variables = [_VARIABLE.match(name) for name in match.group(1).split(",")] if match else [None]
    names = [variable.group(1) for variable in variables if variable]
    return names if len(names) == len(variables) else None


def is_language_tag(text: str) -> bool:
    """Well-formed by BCP 47."""
    tag = text.lower()
    return len(tag) <= _LONGEST and bool(_GRANDFATHERED.match(tag) or _LANGUAGE.match(tag))


def is_date_time(text: str) -> bool:
    """A date-time of RFC 3339, a leap second allowed."""
    match = _TIME.match(text) if len(text) <= _LONGEST else None
    if match is None or not text.isascii():
        return False
    date, minutes, seconds, *offset = match.groups()
    try:
        datetime.fromisoformat(f"{date}T{minutes}")
    except ValueError:
        return False
    hours, quarter = (int(part or 0) for part in offset)
    return int(seconds) <= 60 and hours < 24 and quarter < 60


def is_json_pointer(text: str) -> bool:
    """RFC 6901."""
    return _POINTER.match(text) is not None
