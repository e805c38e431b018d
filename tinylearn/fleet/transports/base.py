"""What the coordinator and a device need of whatever carries their messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Incoming:
    """A message from a device. ``channel``: "up" or "state"; ``token`` names it to the transport
    when it is acknowledged."""

    device: str
    channel: str
    content: bytes
    token: Any = None


class CoordinatorTransport(Protocol):
    """The coordinator's end. All methods are called by one thread."""

    def start(self, deliver: Callable[[Incoming], None]) -> None:
        """Connect; ``deliver`` is called with every message, in order, and returns at once. Raises
        DeviceError where there is no broker."""

    def wait(self, seconds: float) -> None:
        """Carry messages both ways: deliver what has arrived, or what arrives first within so many
        seconds. May return earlier."""

    def send(self, device: str, content: bytes) -> None:
        """Send a message to a device, at ``flush`` or in ``wait``; delivered if it is connected and
        nothing goes wrong. Never blocks; what cannot be sent is dropped, as the protocol repeats
        what matters."""

    def acknowledge(self, incoming: Incoming) -> None:
        """The message has been dealt with for good: it need not be delivered again. Told to the
        broker like what is sent."""

    def flush(self) -> None:
        """What has been sent leaves now."""

    def is_connected(self) -> bool:
        """Whether messages can pass at present."""

    def close(self) -> None:
        """Disconnect; a second call does nothing."""


class DeviceLink(Protocol):
    """A device's end; its identity is the transport's business."""

    def start(self, state: bytes, will: bytes, deliver: Callable[[bytes], None]) -> None:
        """Connect, publish the retained ``state`` (an ANNOUNCE) at each connection, leave ``will``
        behind for when the connection is lost, and hand over each message down."""

    def send(self, content: bytes) -> None:
        """Send a message up."""

    def announce(self, state: bytes) -> None:
        """Replace the retained state."""

    def close(self) -> None:
        """Disconnect."""
