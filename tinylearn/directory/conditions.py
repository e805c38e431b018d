"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations

from starlette.datastructures import Headers

from tinylearn.directory.problem import ProblemError


def check_unchanged(headers: Headers, etag: str | None) -> None:
    """For writing; ``etag``: of what is there now, None: nothing is.

    Raises ProblemError 412 where If-Match or If-None-Match does not hold.
    """
    match = headers.get("if-match")
    if match is not None and (etag is None or not _among(match, etag, weakly=False)):
        raise ProblemError(412, "If-Match: the thing is not, or no longer, what you saw")
    none_match = headers.get("if-none-match")
    if none_match is not None and etag is not None and _among(none_match, etag, weakly=True):
        raise ProblemError(412, "If-None-Match: there is such a thing already")


def is_fresh(headers: Headers, etag: str) -> bool:
    """For reading: the client has what there is, so that 304 is enough."""
    none_match = headers.get("if-none-match")
    return none_match is not None and _among(none_match, etag, weakly=True)


def _among(header: str, etag: str, weakly: bool) -> bool:
    """``weakly``: W/ is ignored; else a weak one matches nothing."""
    tags = [tag.strip() for tag in header.split(",")]
    if "*" in tags:
        return True
    return etag in ([tag.removeprefix("W/") for tag in tags] if weakly else tags)
