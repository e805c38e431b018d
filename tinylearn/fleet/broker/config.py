"""Writes the folder that a Mosquitto broker (2.0 and later) serves a fleet from.

    mosquitto.conf   one TLS listener, no anonymous access
    acl, passwords   who may do what; Mosquitto reads both again on SIGHUP
    ca.*, server.*   the fleet's own authority and the broker's certificate (mode 0600 for keys)
    credentials/     one file for each user: what enroll makes
    data/            Mosquitto's own state

Writing again keeps the authority and all users, and renews what has to be.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from pathlib import Path

from tinylearn.errors import UsageError
from tinylearn.fleet.broker import certificates
from tinylearn.fleet.broker.acl import acl_file, coordinators
from tinylearn.fleet.broker.credentials import enroll_many, enrolled
from tinylearn.fleet.broker.settings import Settings
from tinylearn.fleet.files import locked, write_whole
from tinylearn.fleet.messages import MOST_BYTES

#: a packet is a message, its topic and a few properties
_PACKET_BYTES = MOST_BYTES + 1024
#: what waits for a coordinator that is away: beyond, Mosquitto drops without a word
_QUEUED = 20_000
_QUEUED_BYTES = 512 << 20
#: sent to one client and not acknowledged; a coordinator acknowledges when it has committed
_IN_FLIGHT = 1000
_LOCAL = ("localhost", "127.0.0.1", "::1")

_TEMPLATE = """\
# Written by tinylearn for the fleet {fleet}; changes are lost when it is written again.
# Start: mosquitto -c {folder}/mosquitto.conf
# After enroll or revoke: kill -HUP its process; users and rules are read again, and clients that
# are no longer users are disconnected.

per_listener_settings true
user {user}
set_tcp_nodelay true
message_size_limit {message_bytes}
max_packet_size {packet_bytes}
max_queued_messages {queued}
max_queued_bytes {queued_bytes}
max_inflight_messages {in_flight}
max_keepalive 300
persistent_client_expiration 14d
persistence true
persistence_location {folder}/data/
autosave_interval 60
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true

listener {port} {host}
allow_anonymous false
use_username_as_clientid true
password_file {folder}/passwords
acl_file {folder}/acl
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate {client_certificates}
"""


def _names(host: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names in the certificate: the given ones first, then this machine's where it listens."""
    anywhere = host in ("0.0.0.0", "::")
    if anywhere and not names:
        raise UsageError(
            "broker: listening on all addresses needs --name, the host name that devices use"
        )
    own = () if anywhere else (host,)
    return tuple(dict.fromkeys([*names, *own, *_LOCAL]))


def _user(name: str | None) -> str:
    own = pwd.getpwuid(os.getuid()).pw_name
    if name is None or name == own:
        return own
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"broker: there is no user {name!r} on this machine") from None
    if os.getuid() != 0:
        raise UsageError(f"broker: only root can hand the folder to user {name!r}")
    return name


def _hand_over(folder: Path, user: str) -> None:
    """What Mosquitto reads and writes becomes ``user``'s; the authority's key stays ours."""
    served = ("mosquitto.conf", "acl", "passwords", "ca.pem", "server.pem", "server.key", "data")
    for path in (folder, *(folder / name for name in served)):
        shutil.chown(path, user)


def _make_folders(folder: Path) -> None:
    if not str(folder).isprintable():
        raise UsageError(f"{str(folder)!r}: Mosquitto cannot read paths with control characters")
    for path in (folder, folder / "credentials", folder / "data"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _conf(folder: Path, settings: Settings, user: str) -> str:
    return _TEMPLATE.format(
        fleet=settings.fleet,
        folder=folder,
        user=user,
        message_bytes=MOST_BYTES,
        packet_bytes=_PACKET_BYTES,
        queued=_QUEUED,
        queued_bytes=_QUEUED_BYTES,
        in_flight=_IN_FLIGHT,
        port=settings.port,
        host=settings.host,
        client_certificates=str(settings.client_certificates).lower(),
    )


def write_broker_config(
    folder: Path,
    fleet: str,
    host: str = "127.0.0.1",
    port: int = 8883,
    names: Sequence[str] = (),
    coordinators_count: int = 1,
    client_certificates: bool = False,
    user: str | None = None,
    renew: bool = False,
) -> Path:
    """Writes or updates ``folder``; gives the path of its mosquitto.conf.

    ``names``: how devices reach the broker. ``user``: whom Mosquitto runs as when root starts it
    (default: who calls). ``renew``: a new server certificate even if the old one is good. Raises
    UsageError, and BadInputError where a file of the folder is damaged.
    """
    folder = folder.absolute()
    settings = Settings(
        fleet, host, port, _names(host, names), coordinators_count, client_certificates
    )
    runs_as = _user(user)
    _make_folders(folder)
    with locked(folder):
        issuer = certificates.authority(folder, fleet)
        certificates.server(folder, issuer, settings.names, renew)
        settings.save(folder)
        write_whole(folder / "acl", acl_file(fleet, coordinators_count))
        write_whole(folder / "mosquitto.conf", _conf(folder, settings, runs_as))
    missing = [c for c in coordinators(coordinators_count) if c not in enrolled(folder)]
    enroll_many(folder, missing)
    if user is not None:
        _hand_over(folder, runs_as)
    return folder / "mosquitto.conf"
