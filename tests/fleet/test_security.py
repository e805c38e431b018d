"""Each attack on the broker, with Mosquitto as it is configured for users and with the embedded
one, both over TLS: refused and counted, and the service unharmed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from brokers import Broker
from ends import Coordinator
from mosquitto import FLEET
from raw_client import RawClient
from support.waiting import until

from tinylearn.errors import DeviceError
from tinylearn.fleet.broker.credentials import revoke
from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.topics import topic
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt import open_coordinator_transport


class Scene:
    """A broker with a coordinator, a victim that is connected, and an attacker's credentials."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.attacker = broker.credentials("attacker")
        self.victim = broker.credentials("victim")
        broker.reload()
        self.coordinator = Coordinator(broker)
        self.at_victim = RawClient(broker.url, self.victim.ca)
        assert self.at_victim.login("victim", self.victim.password) == 0
        self.at_victim.subscribe(topic(FLEET, "victim", "down"))

    def client(self) -> RawClient:
        return RawClient(self.broker.url, self.attacker.ca)

    @contextlib.contextmanager
    def intruder(self) -> Iterator[RawClient]:
        """The attacker, logged in as itself."""
        with self.client() as client:
            assert client.login("attacker", self.attacker.password) == 0
            yield client

    def refused(self, what: str) -> None:
        until(lambda: self.broker.refused(what) >= 1)

    def is_unharmed(self) -> None:
        """The victim still sends and receives, and got nothing but what is sent now."""
        before = len(self.coordinator.got)
        assert self.at_victim.publish(topic(FLEET, "victim", "up"), b"well")
        until(lambda: len(self.coordinator.got) > before)
        assert [m.content for m in self.coordinator.got[before:]] == [b"well"]
        self.coordinator.send("victim", b"good")
        heard: list[bytes] = []
        until(lambda: heard.extend(m.content for m in self.at_victim.heard()) or heard)
        assert heard == [b"good"]
        assert self.broker.is_alive() and self.coordinator.is_connected()


@pytest.fixture
def scene(broker: Broker) -> Iterator[Scene]:
    scene = Scene(broker)
    yield scene
    with scene.at_victim:
        scene.coordinator.close()


def test_without_credentials(scene: Scene) -> None:
    with scene.client() as client:
        assert client.login(None, client="victim") in (4, 5, None)
    scene.refused("login")
    scene.is_unharmed()


@pytest.mark.parametrize("password", ["", "wrong", "x" * 3000])
def test_wrong_password(scene: Scene, password: str) -> None:
    with scene.client() as client:
        assert client.login("victim", password) in (4, 5)
    scene.refused("login")
    scene.is_unharmed()


def test_password_of_another_device(scene: Scene) -> None:
    with scene.client() as client:
        assert client.login("victim", scene.attacker.password) in (4, 5)
    scene.refused("login")
    scene.is_unharmed()


def test_client_id_of_another_device(scene: Scene) -> None:
    """Mosquitto puts the user name in its place, the embedded broker refuses; neither lets it take
    over the session."""
    with scene.client() as client:
        client.login("attacker", scene.attacker.password, client="victim")
        client.publish(topic(FLEET, "victim", "up"), b"forged")
    assert scene.broker.refused("publish") + scene.broker.refused("login") >= 1
    scene.is_unharmed()


@pytest.mark.parametrize("channel", ["up", "state", "down"])
def test_publishing_on_topics_of_another_device(scene: Scene, channel: str) -> None:
    """With "down", this is a forged receipt."""
    with scene.intruder() as client:
        client.publish(topic(FLEET, "victim", channel), b"forged", retain=channel == "state")
    scene.refused("publish")
    assert b"forged" not in scene.coordinator.contents(channel)
    scene.is_unharmed()


def test_publishing_to_oneself_what_only_the_coordinator_may(scene: Scene) -> None:
    with scene.intruder() as client:
        client.subscribe(topic(FLEET, "attacker", "down"))
        client.publish(topic(FLEET, "attacker", "down"), b"forged")
        assert client.heard() == []
    scene.refused("publish")
    scene.is_unharmed()


@pytest.mark.parametrize("name", ["#", "+/+/+/+/+", topic(FLEET, "+", "down"), topic(FLEET, "+", "up"),
                                  topic(FLEET, "victim", "down"), topic(FLEET, "victim", "up"),
                                  topic(FLEET, "victim", "state"), "$SYS/#"])  # fmt: skip
def test_reading_topics_of_another_device(scene: Scene, name: str) -> None:
    """Refused where it subscribes, or (Mosquitto) never sent what it has subscribed to."""
    assert scene.at_victim.publish(topic(FLEET, "victim", "state"), b"secret", retain=True)
    until(lambda: scene.coordinator.contents("state") == [b"secret"])
    with scene.intruder() as client:
        client.subscribe(name)
        scene.is_unharmed()
        assert client.heard() == []


def test_a_will_on_a_topic_of_another_device(scene: Scene) -> None:
    with scene.client() as client:
        client.login(
            "attacker", scene.attacker.password, will=(topic(FLEET, "victim", "state"), b"x")
        )
    with scene.intruder():
        pass
    scene.is_unharmed()
    assert scene.coordinator.contents("state") == []


@pytest.mark.parametrize("size", [MOST_BYTES + 1, 200_000])
def test_oversized_message(scene: Scene, size: int) -> None:
    with scene.intruder() as client:
        client.publish(topic(FLEET, "attacker", "up"), bytes(size))
    until(lambda: scene.broker.refused("oversized") + scene.coordinator.counts["oversized"] >= 1)
    scene.is_unharmed()


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\xff",
                                      b"\x10\x02\x00\x00", b"\x30\x05\x00\x01a\x00\x01", b"\x00" * 64])  # fmt: skip
def test_nonsense_instead_of_a_login(scene: Scene, nonsense: bytes) -> None:
    with scene.client() as client:
        client.send(nonsense)
        assert client.next() is None
    scene.refused("nonsense")
    scene.is_unharmed()


def test_a_revoked_device(scene: Scene) -> None:
    revoke(scene.broker.folder, "attacker")
    scene.broker.reload()
    with scene.client() as client:
        assert client.login("attacker", scene.attacker.password) in (4, 5)
    scene.refused("login")
    scene.is_unharmed()


def test_a_broker_that_is_not_ours(scene: Scene) -> None:
    """Its certificate is of another authority: nothing is sent to it."""
    who = scene.broker.credentials()
    stranger = Credentials("coordinator", who.password)
    with pytest.raises(DeviceError, match=r"mqtts://.*certificate"):
        open_coordinator_transport(scene.broker.url, FLEET, stranger).start(lambda _m: None)


def test_credentials_that_the_broker_does_not_know(scene: Scene) -> None:
    wrong = Credentials("coordinator", "wrong", scene.attacker.ca)
    with pytest.raises(DeviceError, match=r"mqtts://.*: refuses") as caught:
        open_coordinator_transport(scene.broker.url, FLEET, wrong).start(lambda _m: None)
    assert "wrong" not in str(caught.value)
    scene.is_unharmed()
