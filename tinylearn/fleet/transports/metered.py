"""Counts the bytes of a coordinator's messages, whichever transport carries them."""

from __future__ import annotations

from collections.abc import Callable

from tinylearn.fleet.transports.base import CoordinatorTransport, Incoming


class MeteredTransport:
    """A CoordinatorTransport around another one. ``bytes_up`` and ``bytes_down``: contents of
    messages, without what MQTT, TLS and TCP add; repetitions count."""

    def __init__(self, inner: CoordinatorTransport) -> None:
        self._inner = inner
        self.bytes_up = self.bytes_down = 0

    def start(self, deliver: Callable[[Incoming], None]) -> None:
        """See CoordinatorTransport."""

        def counted(incoming: Incoming) -> None:
            self.bytes_up += len(incoming.content)
            deliver(incoming)

        self._inner.start(counted)

    def send(self, device: str, content: bytes) -> None:
        """See CoordinatorTransport."""
        self.bytes_down += len(content)
        self._inner.send(device, content)

    def acknowledge(self, incoming: Incoming) -> None:
        """See CoordinatorTransport."""
        self._inner.acknowledge(incoming)

    def flush(self) -> None:
        """See CoordinatorTransport."""
        self._inner.flush()

    def wait(self, seconds: float) -> None:
        """See CoordinatorTransport."""
        self._inner.wait(seconds)

    def is_connected(self) -> bool:
        """See CoordinatorTransport."""
        return self._inner.is_connected()

    def close(self) -> None:
        """See CoordinatorTransport."""
        self._inner.close()
