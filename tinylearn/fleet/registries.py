"""Registries that a coordinator can tell of its devices: a folder, or a directory service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tinylearn.errors import BadInputError, DeviceError, MissingToolError, UsageError
from tinylearn.fleet.registering import Registry
from tinylearn.hosts import is_loopback

#: what a query binds to the names of devices
VARIABLE = "name"
_RESULTS = "application/sparql-results+json"
_SECONDS = 30.0
_MOST_BYTES = 64 << 20
_MOST_QUERY = 1 << 16


def open_registry(where: str, token_file: Path | None = None) -> Registry:
    """A folder, which nobody else may write to meanwhile, or the URL of a ``tinylearn serve``, with
    the token that lets one write. Raises TinylearnError."""
    if "://" in where:
        return DirectoryRegistry(where, _token(token_file))
    return FolderRegistry(where)


def names_in(results: bytes) -> frozenset[str]:
    """What SPARQL 1.1 JSON results bind to ``name``. Raises UsageError, BadInputError."""
    try:
        answer = json.loads(results)
        variables, rows = answer["head"]["vars"], answer["results"]["bindings"]
        found = frozenset(row[VARIABLE]["value"] for row in rows if VARIABLE in row)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInputError("the registry's answer is no table of SPARQL results") from None
    if VARIABLE not in variables:
        raise UsageError(
            f"the query that selects devices must be a SELECT of ?{VARIABLE}, their names in the "
            "fleet (tl:fleetName)"
        )
    return found


class FolderRegistry:
    """The registry's own folder."""

    def __init__(self, where: str) -> None:
        from tinylearn.registry.catalog import Catalog
        from tinylearn.registry.query.service import QueryService
        from tinylearn.registry.store.open import open_store
        from tinylearn.registry.td.document import check_td

        self._check = check_td  # now: what it needs may not be installed
        self._store = open_store(where)
        self._catalog, self._queries = Catalog(self._store), QueryService(self._store)

    def put(self, things: Sequence[dict[str, Any]]) -> None:
        """See Registry; one transaction."""
        self._catalog.put_things([self._check(thing) for thing in things])

    def names(self, query: str) -> frozenset[str]:
        """See Registry."""
        return names_in(self._queries.ask(query, accept=_RESULTS).body)

    def close(self) -> None:
        """See Registry."""
        self._queries.close()
        self._store.close()


class DirectoryRegistry:
    """A directory by HTTP, as ``tinylearn serve`` offers it."""

    def __init__(self, url: str, token: str | None = None) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingToolError(
                "a registry behind HTTP needs httpx: pip install 'tinylearn[registry]'"
            ) from None
        self._url = _checked_url(url, token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._failures: type[Exception] = httpx.HTTPError
        self._client = httpx.Client(headers=headers, timeout=_SECONDS, follow_redirects=False)

    def put(self, things: Sequence[dict[str, Any]]) -> None:
        """See Registry; one after the other."""
        for thing in things:
            self._ask("PUT", f"/things/{quote(thing['id'], safe='')}", content=json.dumps(thing),
                      headers={"Content-Type": "application/td+json"})  # fmt: skip

    def names(self, query: str) -> frozenset[str]:
        """See Registry."""
        headers = {"Content-Type": "application/sparql-query", "Accept": _RESULTS}
        return names_in(self._ask("POST", "/search/sparql", content=query, headers=headers))

    def close(self) -> None:
        """See Registry."""
        self._client.close()

    def _ask(self, method: str, path: str, **request: Any) -> bytes:
        """The answer's body. Raises DeviceError where nobody answers, or with a no."""
        try:
            with self._client.stream(method, self._url + path, **request) as answer:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise BadInputError(f"registry {self._url}: answers without end")
        except self._failures as error:
            raise DeviceError(f"registry {self._url}: {error or type(error).__name__}") from None
        if answer.is_success:
            return bytes(body)
        raise DeviceError(
            f"registry {self._url}: {method} {path}: {_reason(answer.status_code, body)}"
        )


def _checked_url(url: str, token: str | None) -> str:
    """Without a slash at its end. Raises UsageError, which never repeats a password that stands in
    it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"registry: the URL makes no sense ({error})") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("registry: no user or password in the URL, as others can read the command "
                         "line; directories take a token, --registry-token-file FILE")  # fmt: skip
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise UsageError(f"registry {url}: neither a folder nor http(s)://HOST[:PORT][/PATH]")
    if token and parts.scheme == "http" and not is_loopback(host):
        raise UsageError(f"registry {url}: a token would cross the network in clear; use https://")
    return url.rstrip("/")


def _reason(status: int, body: bytes | bytearray) -> str:
    """What a problem (RFC 9457) says, or its status."""
    try:
        problem = json.loads(body)
        return f"{status} {problem.get('detail') or problem['title']}"[:300]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"status {status}"


def read_query(path: Path) -> str:
    """The text of a query. Raises UsageError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_QUERY + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no query can be read from it ({error})") from None
    if len(text) > _MOST_QUERY:
        raise UsageError(f"{path}: is larger than any query, {_MOST_QUERY:,} bytes at most")
    return text


def _token(path: Path | None) -> str | None:
    """The first line of a file, so that no argument of a process tells it."""
    if path is None:
        return None
    try:
        lines = path.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no token can be read from it ({error})") from None
    if not lines:
        raise UsageError(f"{path}: is empty; a token belongs there")
    return lines[0]
