"""A coordinator's and a device's end with a list of what has arrived."""

from __future__ import annotations

import threading

from brokers import Broker
from mosquitto import FLEET

from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.base import Incoming
from tinylearn.fleet.transports.mqtt import checked_url
from tinylearn.fleet.transports.mqtt_coordinator import MqttCoordinator
from tinylearn.fleet.transports.mqtt_device import MqttDevice


def quick() -> Backoff:
    """Tests do not wait for long."""
    return Backoff(first=0.05, most=0.2)


class Coordinator(MqttCoordinator):
    """Acknowledges what it gets, unless it is told not to."""

    def __init__(self, broker: Broker, acknowledges: bool = True) -> None:
        who = broker.credentials()
        super().__init__(checked_url(broker.url, who), FLEET, who, quick())
        self.got: list[Incoming] = []
        self.acknowledges = acknowledges
        self.start(self._take)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        while not self._over.is_set():
            self.wait(0.5)

    def send(self, device: str, content: bytes) -> None:
        super().send(device, content)
        self.flush()

    def close(self) -> None:
        self._over.set()
        self._connection.wake()
        if self._thread is not threading.current_thread():
            self._thread.join()
        super().close()

    def _take(self, incoming: Incoming) -> None:
        self.got.append(incoming)
        if self.acknowledges:
            self.acknowledge(incoming)

    def contents(self, channel: str = "up") -> list[bytes]:
        return [m.content for m in self.got if m.channel == channel]


class Device(MqttDevice):
    """Its state is ``state``, its will ``gone``."""

    def __init__(self, broker: Broker, name: str) -> None:
        who = broker.credentials(name)
        broker.reload()
        super().__init__(checked_url(broker.url, who), FLEET, name, who, quick())
        self.got: list[bytes] = []
        self.start(b"state", b"gone", self.got.append)
