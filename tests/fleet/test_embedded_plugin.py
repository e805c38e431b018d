"""What the embedded broker does otherwise than amqtt."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

pytest.importorskip("amqtt", reason="needs tinylearn[fleet]")

from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from brokers import EmbeddedServer
from raw_client import RawClient

from tinylearn.fleet.broker.embedded_plugin import Subscriptions


def test_somebody_may_subscribe_while_a_message_is_dealt_out() -> None:
    subscriptions = Subscriptions({"a": [], "b": []})
    for name, listeners in subscriptions.items():
        subscriptions[name + "/later"] = listeners
    assert sorted(subscriptions) == ["a", "a/later", "b", "b/later"]


def test_it_ends_though_a_client_goes_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """amqtt waits for the task that reads from a client to say that it has stopped; ended while it
    takes its leave of a client that has gone, that task says nothing any more."""
    leaving = threading.Event()

    async def take_leave(_: BrokerProtocolHandler) -> None:
        leaving.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(BrokerProtocolHandler, "handle_connection_closed", take_leave)
    server = EmbeddedServer(tmp_path / "broker")
    server.start()
    user = server.credentials()
    with RawClient(server.url, user.ca) as client:
        assert client.login(user.user, user.password) == 0
    assert leaving.wait(60)
    server.kill()
    assert not server.is_alive()
