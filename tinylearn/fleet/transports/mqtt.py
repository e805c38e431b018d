"""Opens connections to MQTT brokers from what a user gives: address, fleet, credentials."""

from __future__ import annotations

from tinylearn.errors import UsageError
from tinylearn.fleet.topics import check_name
from tinylearn.fleet.transports.broker_url import BrokerUrl, parse_url
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_coordinator import MqttCoordinator
from tinylearn.fleet.transports.mqtt_device import MqttDevice


def checked_url(text: str, credentials: Credentials | None) -> BrokerUrl:
    """Raises UsageError for an address that is none, or that a password would cross in clear."""
    url = parse_url(text)
    if credentials is not None and not url.tls and not url.is_loopback:
        raise UsageError(f"broker {url}: a password would cross the network in clear; use mqtts://")
    return url


def open_coordinator_transport(
    url: str, fleet: str, credentials: Credentials | None = None, shard: int = 0
) -> MqttCoordinator:
    """The coordinator's end, not started yet. Raises UsageError."""
    broker = checked_url(url, credentials)
    return MqttCoordinator(broker, check_name("fleet", fleet), credentials, shard=shard)


def open_device_link(
    url: str, fleet: str, device: str, credentials: Credentials | None = None
) -> MqttDevice:
    """A device's end, not started yet. Raises UsageError."""
    broker = checked_url(url, credentials)
    return MqttDevice(broker, check_name("fleet", fleet), device, credentials)
