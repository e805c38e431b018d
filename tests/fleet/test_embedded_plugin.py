"""What the embedded broker does otherwise than amqtt."""

from __future__ import annotations

import pytest

pytest.importorskip("amqtt", reason="needs tinylearn[fleet]")

from tinylearn.fleet.broker.embedded_plugin import Subscriptions


def test_somebody_may_subscribe_while_a_message_is_dealt_out() -> None:
    subscriptions = Subscriptions({"a": [], "b": []})
    for name, listeners in subscriptions.items():
        subscriptions[name + "/later"] = listeners
    assert sorted(subscriptions) == ["a", "a/later", "b", "b/later"]
