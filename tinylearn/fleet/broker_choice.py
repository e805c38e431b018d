"""The broker that a coordinator uses: the one it is given, or one that this process runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinylearn.errors import UsageError
from tinylearn.fleet.broker.acl import coordinators
from tinylearn.fleet.broker.config import write_broker_config
from tinylearn.fleet.broker.credentials import credentials_path
from tinylearn.fleet.broker.settings import Settings
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt import open_coordinator_transport
from tinylearn.fleet.transports.mqtt_coordinator import MqttCoordinator

FLEET = "fleet"
_PORT = 8883


@dataclass(frozen=True)
class BrokerChoice:
    """What the user said. ``folder``: of the embedded broker, made where it is not there, to listen
    at ``port`` (None: 8883, or what the folder says)."""

    url: str | None = None
    credentials: Path | None = None
    fleet: str | None = None
    folder: Path = Path("fleet-broker")
    port: int | None = None


@dataclass(frozen=True)
class OpenedBroker:
    """``embedded``: it ends with this process."""

    url: str
    fleet: str
    embedded: bool
    transport: MqttCoordinator


@dataclass(frozen=True)
class Place:
    """Where a client connects, and as whom (None: without a password)."""

    url: str
    fleet: str
    credentials: Credentials | None


def place_of(url: str | None, fleet: str | None, file: Path | None) -> Place:
    """What is not said is in the credentials, of the file or the environment. Raises UsageError."""
    credentials = Credentials.load(file) if file else Credentials.from_environment()
    url = url or (credentials.url if credentials else "")
    if not url:
        raise UsageError("which broker? give --broker, or --credentials with a file that names it")
    named = fleet or (credentials.fleet if credentials else "")
    return Place(url, named or FLEET, credentials)


@contextmanager
def opened_broker(choice: BrokerChoice, shard: int = 0, shards: int = 1) -> Iterator[OpenedBroker]:
    """A transport that is not started yet, and the broker where it is embedded. Raises UsageError,
    MissingToolError, DeviceError where the embedded broker cannot listen."""
    if choice.url or choice.credentials:
        place = place_of(choice.url, choice.fleet, choice.credentials)
        yield _opened(place, embedded=False, shard=shard)
        return
    if shards > 1:
        raise UsageError("several coordinators need a broker of their own; give --broker")
    from tinylearn.fleet.broker.embedded import EmbeddedBroker

    settings = _folder(choice)
    broker = EmbeddedBroker(choice.folder, settings.port)
    file = credentials_path(choice.folder, coordinators(shard + 1)[shard])
    with broker:
        yield _opened(place_of(None, settings.fleet, file), embedded=True)


def _opened(place: Place, embedded: bool, shard: int = 0) -> OpenedBroker:
    transport = open_coordinator_transport(place.url, place.fleet, place.credentials, shard)
    return OpenedBroker(place.url, place.fleet, embedded, transport)


def _folder(choice: BrokerChoice) -> Settings:
    """The broker folder's settings; it is made where it is not there."""
    if not (choice.folder / "settings.json").exists():
        write_broker_config(choice.folder, choice.fleet or FLEET, port=choice.port or _PORT)
    settings = Settings.load(choice.folder)
    if choice.fleet not in (None, settings.fleet):
        raise UsageError(
            f"{choice.folder}: is the broker folder of fleet {settings.fleet}, not {choice.fleet}; "
            "name another --broker-dir"
        )
    if choice.port not in (None, settings.port):
        raise UsageError(
            f"{choice.folder}: its broker listens at port {settings.port}, as its credentials say, "
            f"not {choice.port}; name another --broker-dir"
        )
    return settings
