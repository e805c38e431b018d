"""Media types of requests and responses."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from tinylearn.directory.problem import ProblemError

TD = "application/td+json"
LD = "application/ld+json"
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
SPARQL_JSON = "application/sparql-results+json"
EVENTS = "text/event-stream"


def accepted(request: Request, offers: Sequence[str]) -> str:
    """The offer that the client likes best, the earlier where it likes several as much.

    Raises ProblemError 406 where it accepts none.
    """
    wanted = _ranges(request)
    if not wanted:
        return offers[0]
    quality = {offer: _quality(offer, wanted) for offer in offers}
    best = max(offers, key=lambda offer: quality[offer])
    if quality[best] <= 0:
        raise ProblemError(406, f"this is there as {', '.join(offers)}; Accept takes none of them")
    return best


def check_content(request: Request, types: Sequence[str], header: str, default: bool) -> None:
    """The body is one of ``types``, in UTF-8 and not compressed; ``default``: so is one that does
    not say. ``header``: the response header that says what would be right.

    Raises ProblemError 415.
    """
    name, parameters = _split(request.headers.get("content-type", ""))
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    right = {header: ", ".join(types)}
    if encoding not in ("identity", ""):
        raise ProblemError(415, f"Content-Encoding {encoding}: send the body as it is", (), right)
    if name not in types and (name or not default):
        said = f"Content-Type {name}" if name else "no Content-Type"
        raise ProblemError(415, f"{said}: this takes {', '.join(types)}", (), right)
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise ProblemError(415, f"charset {charset}: send the body in UTF-8", (), right)


def _ranges(request: Request) -> list[tuple[str, float]]:
    found = []
    for part in ",".join(request.headers.getlist("accept")).split(","):
        name, parameters = _split(part)
        if name:
            found.append((name, _weight(parameters.get("q", "1"))))
    return found


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _quality(offer: str, wanted: Sequence[tuple[str, float]]) -> float:
    """Of the range that fits it most exactly (RFC 9110, 12.5.1)."""
    for name in (offer, offer.split("/")[0] + "/*", "*/*"):
        fitting = [weight for wanted_name, weight in wanted if wanted_name == name]
        if fitting:
            return max(fitting)
    return 0.0


def _split(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = text.split(";")
    parameters = (part.partition("=") for part in rest)
    return name.strip().lower(), {k.strip().lower(): v.strip(' "') for k, _, v in parameters}
