"""Who may do what: bearer tokens, and what a browser may do for a page from elsewhere."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tinylearn.directory.problem import ProblemError, response
from tinylearn.directory.settings import READ_TOKEN, Settings
from tinylearn.errors import BadInputError
from tinylearn.hosts import is_loopback

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: asked with POST as a long query does not fit into an address; changes nothing
_READS = frozenset({"/search/sparql", "/api/query"})
#: how to log in must be known before one has; the page asks for the token, and shows nothing without
_OPEN = frozenset({"/.well-known/wot", "/"})
_PAGE = "/page/"
_MOST_BYTES = 65536


def read_tokens(path: Path) -> tuple[str, ...]:
    """Tokens of a file, one a line; empty lines and those that begin with # do not count.

    Raises BadInputError where there is none, or one that cannot be sent in a header.
    """
    try:
        with path.open("rb") as file:
            lines = file.read(_MOST_BYTES).decode("ascii").splitlines()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path}: tokens are ASCII, one a line") from None
    tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not tokens:
        raise BadInputError(f"{path}: no token in it; write one a line")
    if any(not token.isprintable() or " " in token for token in tokens):
        raise BadInputError(f"{path}: a token has spaces or control characters in it")
    return tuple(tokens)


class Guard:
    """Lets through what a request may do; answers 401 or 403 to the others."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._tokens = [_digest(token.encode()) for token in settings.tokens]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another."""
        if scope["type"] == "http":
            refused = self._refusal(scope)
            if refused is not None:
                await response(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        headers = Headers(scope=scope)
        reads = scope["method"] in _SAFE or scope["path"] in _READS
        if not self._tokens:
            refused = self._foreign_host(headers)
            return refused or (None if reads else self._foreign_page(scope, headers))
        if _is_open(scope["path"]) or (reads and self._settings.read != READ_TOKEN):
            return None
        return self._without_token(headers)

    def _without_token(self, headers: Headers) -> ProblemError | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            challenge = {"WWW-Authenticate": 'Bearer realm="tinylearn"'}
            return ProblemError(401, "this needs a token: Authorization: Bearer ...", (), challenge)
        given = _digest(token.strip().encode("latin-1", "replace"))
        if True in [hmac.compare_digest(given, known) for known in self._tokens]:
            return None
        challenge = {"WWW-Authenticate": 'Bearer realm="tinylearn", error="invalid_token"'}
        return ProblemError(401, "that token is not known here", (), challenge)

    def _foreign_host(self, headers: Headers) -> ProblemError | None:
        """Without tokens only this machine is served, by names that no foreign page can have: a
        name that a stranger lets point here (DNS rebinding) is not one."""
        said = headers.get("host", "")
        host = urlsplit("//" + said).hostname or ""
        if is_loopback(host) or said == urlsplit(self._settings.base or "").netloc != "":
            return None
        what = f"Host {host or 'absent'}: without tokens this serves localhost alone"
        return ProblemError(403, what)

    def _foreign_page(self, scope: Scope, headers: Headers) -> ProblemError | None:
        """A browser sends some requests of any page without asking first; Origin tells whose."""
        origin, known = headers.get("origin"), self._settings.origins
        own = (f"{scope['scheme']}://{headers.get('host', '')}", self._settings.base)
        if origin is None or origin in own or origin in known or "*" in known:
            return None
        return ProblemError(403, f"a page of {origin} may not change anything here; see --cors")


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_PAGE)


def _digest(token: bytes) -> bytes:
    """Of the same length for all, so that comparing tells nothing of it."""
    return hashlib.sha256(token).digest()
