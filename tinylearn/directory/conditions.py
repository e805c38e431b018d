"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers

from tinylearn.directory.problem import ProblemError

_CHANGED = "the thing is not, or no longer, what you saw"


def check_unchanged(headers: Headers, etag: str | None, modified: datetime | None = None) -> None:
    """For writing; ``etag``: of what is there now, None: nothing is; ``modified``: since when it is so.

    Raises ProblemError 412 where If-Match, without it If-Unmodified-Since, or If-None-Match does not hold.
    """
    match, since = _tags(headers, "if-match"), headers.get("if-unmodified-since")
    if match is not None and (etag is None or not _among(match, etag, weakly=False)):
        raise ProblemError(412, f"If-Match: {_CHANGED}")
    if match is None and since is not None and modified is not None and _is_after(modified, since):
        raise ProblemError(412, f"If-Unmodified-Since: {_CHANGED}")
    none_match = _tags(headers, "if-none-match")
    if none_match is not None and etag is not None and _among(none_match, etag, weakly=True):
        raise ProblemError(412, "If-None-Match: there is such a thing already")


def is_fresh(headers: Headers, etag: str) -> bool:
    """For reading: the client has what there is, so that 304 is enough."""
    none_match = _tags(headers, "if-none-match")
    return none_match is not None and _among(none_match, etag, weakly=True)


def _tags(headers: Headers, name: str) -> list[str] | None:
    """A list may come in several lines (RFC 9110, 5.3); None where none came."""
    lines = headers.getlist(name)
    return [tag.strip() for tag in ",".join(lines).split(",")] if lines else None


def _among(tags: list[str], etag: str, weakly: bool) -> bool:
    """``weakly``: W/ is ignored; else a weak one matches nothing."""
    if "*" in tags:
        return True
    return etag in ([tag.removeprefix("W/") for tag in tags] if weakly else tags)


def _is_after(moment: datetime, text: str) -> bool:
    """By the second, as Last-Modified tells it; what is no date does not count."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError):
        return False
    known = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    return moment.replace(microsecond=0) > known
