"""What a broker folder was made for; settings.json in it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from tinylearn.errors import BadInputError, UsageError
from tinylearn.fleet.files import read_small, write_whole
from tinylearn.fleet.topics import check_name


@dataclass(frozen=True)
class Settings:
    """``host``, ``port``: where the broker listens. ``names``: DNS names and addresses by which
    clients reach it, the first in their address. ``coordinators``: how many of them. Clients need
    a certificate of their own where ``client_certificates``."""

    fleet: str
    host: str
    port: int
    names: tuple[str, ...]
    coordinators: int = 1
    client_certificates: bool = False

    def __post_init__(self) -> None:
        check_name("fleet", self.fleet)
        if not 0 < self.port < 65536 or not 0 < self.coordinators <= 1000 or not self.names:
            raise UsageError(
                "broker: needs a port of 1 to 65535, a name and 1 to 1000 coordinators"
            )
        for name in (self.host, *self.names):
            if not name or any(c.isspace() or not c.isprintable() for c in name):
                raise UsageError(f"broker: {name!r} is no host name or address")

    @property
    def url(self) -> str:
        """The address that clients use."""
        host = f"[{self.names[0]}]" if ":" in self.names[0] else self.names[0]
        return f"mqtts://{host}:{self.port}"

    def save(self, folder: Path) -> None:
        """To the folder."""
        write_whole(folder / "settings.json", json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @staticmethod
    def load(folder: Path) -> Settings:
        """From the folder. Raises UsageError where it is not a broker's, BadInputError if damaged."""
        path = folder / "settings.json"
        if not path.exists():
            raise UsageError(
                f"{folder}: not a broker folder; tinylearn fleet broker-config makes one"
            )
        try:
            values = json.loads(read_small(path))
            return Settings(**{**values, "names": tuple(values["names"])})
        except (ValueError, TypeError, KeyError, RecursionError):
            raise BadInputError(f"{path}: damaged; write the broker folder again") from None
