"""Credentials and broker addresses as users give them; secrets stay where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinylearn.errors import BadInputError, UsageError
from tinylearn.fleet.transports.broker_url import BrokerUrl, parse_url
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt import open_coordinator_transport


def test_a_file(tmp_path: Path) -> None:
    who = Credentials("d", "secret", url="mqtts://x:1", fleet="f")
    who.save(tmp_path / "c.json")
    assert Credentials.load(tmp_path / "c.json") == who
    assert "secret" not in repr(who)
    (tmp_path / "c.json").chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        Credentials.load(tmp_path / "c.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"user": "d"}', '{"user": 1, "password": "x"}',
                                     '{"user": "d", "password": "hush", "other": ""}', "[" * 9000, "\xff"])  # fmt: skip
def test_a_damaged_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(BadInputError, match=r"c\.json") as caught:
        Credentials.load(path)
    assert "hush" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        Credentials.load(tmp_path / "c.json")


def test_a_file_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"user": "x" * (2 << 20)}))
    (tmp_path / "c.json").chmod(0o600)
    with pytest.raises(BadInputError, match="longer than"):
        Credentials.load(tmp_path / "c.json")


def test_the_environment(tmp_path: Path) -> None:
    assert Credentials.from_environment({}) is None
    (tmp_path / "ca.pem").write_text("CA")
    values = {"TINYLEARN_MQTT_USER": "d", "TINYLEARN_MQTT_PASSWORD": "p"}
    assert Credentials.from_environment(values) == Credentials("d", "p")
    values["TINYLEARN_MQTT_CA"] = str(tmp_path / "ca.pem")
    assert Credentials.from_environment(values) == Credentials("d", "p", "CA")
    with pytest.raises(UsageError, match="PASSWORD"):
        Credentials.from_environment({"TINYLEARN_MQTT_USER": "d"})


def test_what_is_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="CA"):
        Credentials("d", "p", "not a certificate").tls()
    (tmp_path / "c.pem").write_text("nonsense")
    with pytest.raises(BadInputError, match=r"c\.pem"):
        Credentials("d", "p", certificate=str(tmp_path / "c.pem")).tls()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("mqtts://broker.example", BrokerUrl("broker.example", 8883, True)),
        ("mqtt://127.0.0.1:1234/", BrokerUrl("127.0.0.1", 1234, False)),
        ("mqtts://[::1]:99", BrokerUrl("::1", 99, True)),
    ],
)
def test_addresses(text: str, url: BrokerUrl) -> None:
    assert parse_url(text) == url
    assert parse_url(str(url)) == url


@pytest.mark.parametrize("text", ["", "broker", "http://x", "mqtt://", "mqtt://x:0", "mqtt://x:99999",
                                  "mqtt://x/topic", "mqtt://x?a=b", "mqtts://[::1"])  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="broker address"):
        parse_url(text)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="--credentials") as caught:
        parse_url("mqtts://user:hush@broker.example")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_password_crosses_no_network_in_clear(host: str) -> None:
    who = Credentials("d", "p")
    open_coordinator_transport(f"mqtt://{host}:1", "f", who)
    with pytest.raises(UsageError, match="in clear"):
        open_coordinator_transport("mqtt://10.0.0.1", "f", who)
