"""The coordinator's end over MQTT."""

from __future__ import annotations

from collections.abc import Callable

from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.topics import parse, topic
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.base import Incoming
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.counts import Counts
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_connection import Connection, Token
from tinylearn.fleet.transports.mqtt_login import Session


class MqttCoordinator:
    """A CoordinatorTransport. Messages are acknowledged to the broker only by ``acknowledge``, so
    that those which a killed coordinator had not dealt with come again. ``counts``: received,
    sent, dropped (could not be sent), unknown_topic, oversized, empty, failed (``deliver`` raised),
    connections, connections_lost (also attempts that failed)."""

    def __init__(
        self,
        url: BrokerUrl,
        fleet: str,
        credentials: Credentials | None,
        backoff: Backoff | None = None,
        shard: int = 0,
    ) -> None:
        self._fleet = fleet
        self._deliver: Callable[[Incoming], None] | None = None
        user = credentials.user if credentials else _nameless(fleet, shard)
        subscriptions = (topic(fleet, "+", "up"), topic(fleet, "+", "state"))
        session = Session(user, subscriptions, clean=False)
        self._connection = Connection(url, session, credentials, self._received, backoff=backoff)

    @property
    def counts(self) -> Counts:
        """What has passed, and what has been refused."""
        return self._connection.counts

    def start(self, deliver: Callable[[Incoming], None]) -> None:
        """See CoordinatorTransport."""
        self._deliver = deliver
        self._connection.open()

    def _received(self, name: str, content: bytes, token: Token) -> None:
        address = parse(self._fleet, name)
        if address is None or address.channel == "down":
            self._discard("unknown_topic", token)
        elif not content:
            self._discard("empty", token)
        elif len(content) > MOST_BYTES:
            self._discard("oversized", token)
        else:
            assert self._deliver is not None
            self.counts.add("received")
            self._deliver(Incoming(address.device, address.channel, content, token))

    def _discard(self, why: str, token: Token) -> None:
        self.counts.add(why)
        self._connection.acknowledge(token)

    def send(self, device: str, content: bytes) -> None:
        """See CoordinatorTransport. QoS 0: reminders repeat what is lost, and the broker's
        acknowledgements would double the packets of a round."""
        self._connection.publish(topic(self._fleet, device, "down"), content, qos=0)

    def acknowledge(self, incoming: Incoming) -> None:
        """See CoordinatorTransport."""
        self._connection.acknowledge(incoming.token)

    def flush(self) -> None:
        """See CoordinatorTransport."""
        self._connection.flush()

    def wait(self, seconds: float) -> None:
        """See CoordinatorTransport."""
        self._connection.wait(seconds)

    def is_connected(self) -> bool:
        """See CoordinatorTransport."""
        return self._connection.is_ready()

    def close(self) -> None:
        """See CoordinatorTransport."""
        self._connection.close()


def _nameless(fleet: str, shard: int) -> str:
    """A client id where there are no credentials; each coordinator's own, or a broker would take one for
    the other and hang up on the first."""
    return f"tinylearn-coordinator-{fleet}" + (f"-{shard + 1}" if shard else "")
