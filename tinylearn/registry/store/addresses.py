"""Where an endpoint is asked and where it is changed, from one URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from tinylearn.errors import UsageError

#: last parts of a path that name the query endpoint itself; updates go beside it
_QUERY_NAMES = ("query", "sparql")
#: what a path may hold without being encoded (RFC 3986, 3.3)
_PATH = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@/-]*")


@dataclass(frozen=True)
class Addresses:
    """``query`` and ``update``: paths; ``shown``: the URL without its password."""

    shown: str
    secure: bool
    host: str
    port: int
    query: str
    update: str
    user: str | None = None
    password: str | None = None


def addresses(url: str) -> Addresses:
    """Of a server's base as Oxigraph and Fuseki lay it out (``BASE/query``, ``BASE/update``), of such a
    query endpoint, or of a repository of RDF4J and GraphDB (``../repositories/NAME``, updates below
    ``statements``). ``user:password@`` is sent as Basic authentication. Raises UsageError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"the URL of the endpoint makes no sense ({error})") from None
    bad = parts.query or parts.fragment or not _PATH.fullmatch(parts.path)
    if bad or parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            f"{_shown(url)}: is not the URL of an endpoint; give http(s)://HOST[:PORT][/PATH]"
        )
    secure = parts.scheme == "https"
    query, update = _paths(parts.path.rstrip("/"))
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Addresses(
        _shown(url), secure, host, port or (443 if secure else 80), query, update, user, password
    )


def _paths(path: str) -> tuple[str, str]:
    base, _, last = path.rpartition("/")
    if base.endswith("/repositories"):
        return path, f"{path}/statements"
    if last in _QUERY_NAMES:
        return path, f"{base}/update"
    return f"{path}/query", f"{path}/update"


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
