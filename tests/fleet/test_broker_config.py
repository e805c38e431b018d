"""The folder that a broker serves from: what is in it, who may read it, and what stays."""

from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from mosquitto import FLEET, MosquittoServer
from raw_client import RawClient

from tinylearn.errors import BadInputError, UsageError
from tinylearn.fleet.broker import acl, certificates
from tinylearn.fleet.broker.config import write_broker_config
from tinylearn.fleet.broker.credentials import enroll, enroll_many, enrolled, revoke
from tinylearn.fleet.broker.settings import Settings
from tinylearn.fleet.topics import topic
from tinylearn.fleet.transports.credentials import Credentials


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_broker_config(tmp_path / "broker", FLEET, names=["broker.example"])
    return tmp_path / "broker"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_secrets_are_their_owners_alone(folder: Path) -> None:
    enroll(folder, "d")
    public = {"ca.pem", "server.pem"}
    for path in [folder, *folder.rglob("*")]:
        if path.name not in public:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_writing_again_changes_nothing(folder: Path) -> None:
    enroll(folder, "d")
    before = contents(folder)
    write_broker_config(folder, FLEET, names=["broker.example"])
    assert contents(folder) == before


def test_the_broker_is_closed_by_default(folder: Path) -> None:
    lines = (folder / "mosquitto.conf").read_text().splitlines()
    for line in ("listener 8883 127.0.0.1", "allow_anonymous false", "set_tcp_nodelay true",
                 "per_listener_settings true", "persistence true"):  # fmt: skip
        assert line in lines
    assert Settings.load(folder).url == "mqtts://broker.example:8883"


def test_certificates_name_the_broker(folder: Path) -> None:
    server, ca = certificate(folder / "server.pem"), certificate(folder / "ca.pem")
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example", "localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    server.verify_directly_issued_by(ca)
    ca.verify_directly_issued_by(ca)
    assert (
        ssl.create_default_context(cadata=(folder / "ca.pem").read_text()).cert_store_stats()[
            "x509_ca"
        ]
        == 1
    )


def test_another_name_gets_another_certificate_from_the_same_authority(folder: Path) -> None:
    before = contents(folder)
    write_broker_config(folder, FLEET, names=["other.example"])
    changed = {Path(p).name for p, data in contents(folder).items() if before[p] != data}
    assert changed == {"server.pem", "server.key", "settings.json"}


def test_a_certificate_that_ends_soon_is_renewed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = certificate(folder / "server.pem")
    later = first.not_valid_after_utc - datetime.timedelta(days=59)
    monkeypatch.setattr(certificates, "_now", lambda: later)
    write_broker_config(folder, FLEET, names=["broker.example"])
    second = certificate(folder / "server.pem")
    assert second.not_valid_after_utc > first.not_valid_after_utc
    write_broker_config(folder, FLEET, names=["broker.example"], renew=True)
    assert certificate(folder / "server.pem").serial_number != second.serial_number


def test_enrolling_and_revoking(folder: Path) -> None:
    path = enroll(folder, "d")
    who = Credentials.load(path)
    assert (who.user, who.url, who.fleet) == ("d", "mqtts://broker.example:8883", FLEET)
    assert len(who.password) >= 43 and who.password not in (folder / "passwords").read_text()
    assert who.password not in repr(who)
    assert enrolled(folder) == ["coordinator", "d"]
    with pytest.raises(UsageError, match="enrolled already"):
        enroll(folder, "d")
    revoke(folder, "d")
    assert enrolled(folder) == ["coordinator"] and not path.exists()
    with pytest.raises(UsageError, match="not enrolled"):
        revoke(folder, "d")
    assert Credentials.load(enroll(folder, "d")).password != who.password


def test_all_or_none_are_enrolled(folder: Path) -> None:
    enroll(folder, "b")
    with pytest.raises(UsageError, match="'b'"):
        enroll_many(folder, ["a", "b", "c"])
    assert enrolled(folder) == ["b", "coordinator"]


@pytest.mark.parametrize(
    "name", ["+", "a/b", "a:b", "", "a\nb", "coordinator", "coordinator-2", "../x"]
)
def test_names_that_no_device_can_have(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="device"):
        enroll(folder, name)
    assert enrolled(folder) == ["coordinator"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fleet": "a/b"},
        {"port": 0},
        {"port": 65536},
        {"host": "127.0.0.1\nallow_anonymous true"},
        {"names": ["x y"]},
        {"host": "0.0.0.0"},
        {"coordinators_count": 0},
        {"user": "no-such-user"},
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        write_broker_config(**{"folder": tmp_path / "broker", "fleet": FLEET, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "broker" / "mosquitto.conf").exists()


@pytest.mark.parametrize("name", ["settings.json", "ca.key", "ca.pem", "passwords"])
def test_a_damaged_folder(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\x00damaged")
    with pytest.raises(BadInputError, match=r"passwords|not a text file|damaged"):
        enroll(folder, "d") if name != "ca.key" else write_broker_config(folder, FLEET)


def test_no_broker_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a broker folder"):
        enroll(tmp_path, "d")


def test_rules_of_a_coordinator() -> None:
    assert acl.coordinators(3) == ("coordinator", "coordinator-2", "coordinator-3")
    for channel, published, read in (("up", 0, 1), ("state", 0, 1), ("down", 1, 0)):
        assert acl.may_publish(FLEET, "coordinator-2", topic(FLEET, "d", channel)) == published
        assert acl.may_read(FLEET, "coordinator-2", topic(FLEET, "+", channel)) == read
        assert acl.may_read(FLEET, "coordinator-2", topic(FLEET, "d", channel)) == read
        assert not acl.may_read(FLEET, "coordinator-2", topic("other", "d", channel))
        assert not acl.may_publish(FLEET, "coordinator-2", topic("other", "d", channel))
    assert not acl.may_read(FLEET, "coordinator", "#")


def test_client_certificates(tmp_path: Path) -> None:
    """With them asked for, a password alone is not enough."""
    server = MosquittoServer(tmp_path / "broker", client_certificates=True)
    who = server.credentials("d")
    server.start()
    try:
        with RawClient(server.url, who.ca) as client:
            assert client.login("d", who.password) is None
        context = who.tls()
        with RawClient(server.url, who.ca, context) as client:
            assert client.login("d", who.password) == 0
    finally:
        server.kill()
