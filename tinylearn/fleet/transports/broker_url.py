"""Broker addresses: ``mqtts://host[:port]`` (TLS) and ``mqtt://host[:port]``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from tinylearn.errors import UsageError
from tinylearn.hosts import is_loopback

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerUrl:
    """Where a broker is, and whether it speaks TLS."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the connection does not leave this machine."""
        return is_loopback(self.host)


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text)
        return parts, parts.port
    except ValueError as error:
        raise UsageError(f"broker address: {error}") from None


def parse_url(text: str) -> BrokerUrl:
    """Raises UsageError, which never repeats a password that stands in the address."""
    parts, port = _split(text)
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "broker address: no user or password in it, as others can read the command line; "
            "use --credentials FILE"
        )
    known = parts.scheme in _PORTS and parts.hostname and port != 0
    if not known or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise UsageError(f"broker address {text[:200]!r}: expected mqtts://HOST[:PORT]")
    assert parts.hostname is not None
    return BrokerUrl(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts")
