"""What the tests need of a broker, and the embedded one as such."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mosquitto import FLEET

from tinylearn.fleet.broker.config import write_broker_config
from tinylearn.fleet.broker.credentials import credentials_path, enroll
from tinylearn.fleet.broker.embedded import EmbeddedBroker
from tinylearn.fleet.transports.credentials import Credentials


class Broker(Protocol):
    """Mosquitto or the embedded one."""

    folder: Path
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def reload(self) -> None: ...

    def is_alive(self) -> bool: ...

    def refused(self, what: str) -> int: ...

    def credentials(self, user: str = "coordinator") -> Credentials: ...


class EmbeddedServer:
    """The embedded broker with TLS, on any free port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        write_broker_config(folder, FLEET)
        self._broker = EmbeddedBroker(folder)

    def start(self) -> None:
        self._broker.start()
        self.url = self._broker.url

    def kill(self) -> None:
        self._broker.close()

    def reload(self) -> None:
        """It sees by itself what has changed."""

    def is_alive(self) -> bool:
        return self._broker.is_alive()

    def refused(self, what: str) -> int:
        count: int = self._broker.counts[what]
        return count

    def credentials(self, user: str = "coordinator") -> Credentials:
        path = credentials_path(self.folder, user)
        return Credentials.load(path if path.exists() else enroll(self.folder, user))
