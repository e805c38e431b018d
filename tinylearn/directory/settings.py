"""What an operator decides: where to listen, who may read and write, how much of anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tinylearn.errors import UsageError
from tinylearn.hosts import is_loopback
from tinylearn.registry.td.json_text import MOST_BYTES

READ_OPEN, READ_TOKEN = "open", "token"


@dataclass(frozen=True)
class Limits:
    """Bounds of what one client can cost. Sizes in bytes, times in seconds."""

    body: int = MOST_BYTES
    id_characters: int = 2048
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    linger_seconds: float = 5.0
    connections: int = 512
    requests: int = 256
    subscribers: int = 128
    history_events: int = 1000
    history_bytes: int = 16 * 2**20
    search_seconds: float = 10.0
    search_workers: int = 2
    search_patience: float = 0.3
    search_waiting: int = 16
    search_results: int = 10_000
    search_bytes: int = 8 * 2**20
    query_characters: int = 4096
    projects: int = 2
    projects_waiting: int = 8
    project_seconds: float = 60.0
    project_memory: int = 4 * 2**30
    project_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Settings:
    """``tokens``: each may write; none: whoever reaches the service may. ``read``: ``open``, or
    ``token`` for those with a token alone. ``origins``: web pages of which origins may use the
    service from a browser. ``base``: the URL at which others see the service; None: as asked for.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tokens: tuple[str, ...] = ()
    read: str = READ_OPEN
    origins: tuple[str, ...] = ()
    base: str | None = None
    limits: Limits = field(default_factory=Limits)

    def check(self) -> None:
        """Raises UsageError for what would be open to strangers, or makes no sense."""
        if self.read not in (READ_OPEN, READ_TOKEN):
            raise UsageError(f"read: {self.read!r} is neither {READ_OPEN} nor {READ_TOKEN}")
        if not self.tokens and not is_loopback(self.host):
            raise UsageError(
                f"--host {self.host}: others could change the registry there; give --token-file"
            )
        if self.read == READ_TOKEN and not self.tokens:
            raise UsageError("--read token: which token? give --token-file")
        for origin in self.origins:
            if origin != "*" and not _is_origin(origin):
                raise UsageError(
                    f"--cors {origin!r}: not an origin such as https://example.org, nor *"
                )
        if self.base is not None and not _is_origin(self.base):
            raise UsageError(f"--base {self.base!r}: not a URL such as https://hub.example.org")


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    beyond = parts.path or parts.query or parts.fragment
    return bool(parts.scheme in ("http", "https") and parts.netloc and not beyond)
