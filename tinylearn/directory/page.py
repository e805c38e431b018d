"""The web page: its files as they are, from memory. Nothing in them is secret; what the page shows it
asks of the API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn.directory.resource import resource

PREFIX = "/page/"
_FOLDER = Path(__file__).with_name("page")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: scripts and styles from here alone, nothing inline, in nobody's frame; nowhere to send a form to
POLICY = ("default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class _File:
    content: bytes
    etag: str


def routes() -> list[Route]:
    """``/`` and what the page loads."""
    found = {path.relative_to(_FOLDER).as_posix(): path for path in sorted(_FOLDER.rglob("*"))}
    wanted = {name: path for name, path in found.items() if path.suffix in _TYPES}
    return [_route(name, path) for name, path in wanted.items()]


def _route(name: str, path: Path) -> Route:
    content = path.read_bytes()
    file = _File(content, f'"{hashlib.sha256(content).hexdigest()[:24]}"')
    kind = _TYPES[path.suffix]

    async def get(request: Request) -> Response:
        headers = {**_HEADERS, "ETag": file.etag}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(file.content, 200, {**headers, "Content-Type": kind})

    return resource("/" if name == "index.html" else PREFIX + name, {"GET": get})
