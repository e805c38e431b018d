"""Who a client is to the broker: user, password, and whom it trusts; from a file or environment."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tinylearn.errors import BadInputError, UsageError
from tinylearn.fleet.files import read_secret, read_small, write_whole

_PREFIX = "TINYLEARN_MQTT_"


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; otherwise nobody has it to close."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


@dataclass(frozen=True)
class Credentials:
    """``user`` is client id and device name alike. ``ca`` is PEM text ("": the system's
    authorities). ``certificate`` names a PEM file with a client certificate and its key. ``url`` and
    ``fleet`` say where they are for ("": left open)."""

    user: str
    password: str = field(repr=False)
    ca: str = field(default="", repr=False)
    certificate: str = ""
    url: str = ""
    fleet: str = ""

    @staticmethod
    def load(path: str | Path) -> Credentials:
        """From a file that ``enroll`` wrote. Raises UsageError where others may read it, and
        BadInputError where it is damaged."""
        path = Path(path)
        try:
            values = json.loads(read_secret(path))
        except (ValueError, RecursionError):
            raise BadInputError(f"{path}: not a credentials file (JSON)") from None
        credentials = _checked(path, values)
        if not credentials.certificate:
            return credentials
        beside = path.parent / credentials.certificate
        read_secret(beside)
        return Credentials(**{**values, "certificate": str(beside)})

    @staticmethod
    def from_environment(environment: Mapping[str, str] | None = None) -> Credentials | None:
        """From TINYLEARN_MQTT_USER, _PASSWORD, _CA (a file) and _CERTIFICATE (a file); None
        without a user."""
        values = os.environ if environment is None else environment
        user = values.get(_PREFIX + "USER")
        if user is None:
            return None
        if _PREFIX + "PASSWORD" not in values:
            raise UsageError(f"{_PREFIX}USER is set, but not {_PREFIX}PASSWORD")
        ca = values.get(_PREFIX + "CA")
        return Credentials(
            user,
            values[_PREFIX + "PASSWORD"],
            read_small(Path(ca)) if ca else "",
            values.get(_PREFIX + "CERTIFICATE", ""),
        )

    def save(self, path: Path, durable: bool = True) -> None:
        """To a file that only its owner may read."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        write_whole(path, json.dumps(values, indent=1) + "\n", durable=durable)

    def tls(self) -> ssl.SSLContext:
        """A context that checks the broker's certificate and name. Raises BadInputError."""
        try:
            context = ssl.create_default_context(cadata=self.ca or None)
        except ssl.SSLError:
            raise BadInputError(f"credentials of {self.user}: its CA is no certificate") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _ClosingSocket
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate)
            except (OSError, ssl.SSLError):
                raise BadInputError(
                    f"{self.certificate}: not a PEM file with a certificate and its key"
                ) from None
        return context


def _checked(path: Path, values: Any) -> Credentials:
    known = {f.name for f in fields(Credentials)}
    if (
        not isinstance(values, dict)
        or not {"user", "password"} <= values.keys() <= known
        or not all(isinstance(v, str) for v in values.values())
    ):
        raise BadInputError(f"{path}: not a credentials file; tinylearn fleet enroll writes one")
    return Credentials(**values)
