"""Who may connect: enrolls and revokes the users of a broker folder.

A device's user name is its name, its password a random 256-bit secret that stands once, in the file
which the device (or its gateway) gets; the broker keeps a salted hash. A running Mosquitto knows of
a change after SIGHUP and then cuts off who is no longer a user (one signal after many changes: it
forgets one that comes while it works on another); the embedded broker sees it at the next login.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from tinylearn.errors import UsageError
from tinylearn.fleet.broker import certificates, passwords
from tinylearn.fleet.broker.acl import check_device, is_coordinator
from tinylearn.fleet.broker.settings import Settings
from tinylearn.fleet.files import locked, read_small, write_whole
from tinylearn.fleet.transports.credentials import Credentials

_SECRET_BYTES = 32
#: a user is about 150 bytes in the file
_MOST_BYTES = 64 << 20


def _read(folder: Path) -> dict[str, str]:
    path = folder / "passwords"
    return passwords.from_text(read_small(path, _MOST_BYTES)) if path.exists() else {}


def _write(folder: Path, users: dict[str, str]) -> None:
    """Keeps the file's owner, who may be Mosquitto's user."""
    path = folder / "passwords"
    owner = path.stat() if path.exists() else None
    write_whole(path, passwords.to_text(users))
    if owner is not None and owner.st_uid != os.getuid():
        shutil.chown(path, owner.st_uid, owner.st_gid)


def enrolled(folder: Path) -> list[str]:
    """All users, sorted; coordinators are among them."""
    return sorted(_read(folder))


def credentials_path(folder: Path, user: str) -> Path:
    """Where a user's credentials are put."""
    return folder / "credentials" / f"{user}.json"


def _issue(folder: Path, settings: Settings, user: str, ca: str) -> str:
    """Writes the user's file; gives what the broker keeps."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    certificate, path = "", credentials_path(folder, user)
    if settings.client_certificates:
        certificate = f"{user}.pem"
        pem = certificates.client(certificates.authority(folder, settings.fleet), user)
        write_whole(path.parent / certificate, pem, durable=False)
    Credentials(user, secret, ca, certificate, settings.url, settings.fleet).save(path, False)
    return passwords.encode(secret)


def enroll_many(folder: Path, users: Sequence[str]) -> list[Path]:
    """Enrolls all of them or none; gives the paths of their credentials."""
    settings = Settings.load(folder)
    ca = read_small(folder / "ca.pem")
    with locked(folder):
        known = _read(folder)
        there = sorted(set(users) & set(known))
        if there:
            raise UsageError(f"device {there[0]!r}: is enrolled already; revoke it first")
        for user in users:
            known[user] = _issue(folder, settings, user, ca)
        os.sync()
        _write(folder, known)
    return [credentials_path(folder, user) for user in users]


def enroll(folder: Path, device: str) -> Path:
    """Makes a device a user; gives the path of its credentials (mode 0600), to be moved to where
    the device is. Raises UsageError where its name is taken or cannot be one."""
    return enroll_many(folder, [check_device(device)])[0]


def revoke(folder: Path, device: str) -> None:
    """The device is no longer a user, and its credentials here are deleted. Raises UsageError."""
    if is_coordinator(device):
        raise UsageError(f"{device}: is a coordinator, not a device")
    with locked(folder):
        known = _read(folder)
        if known.pop(device, None) is None:
            raise UsageError(f"device {device[:80]!r}: is not enrolled in {folder}")
        _write(folder, known)
        for suffix in (".json", ".pem"):
            credentials_path(folder, device).with_suffix(suffix).unlink(missing_ok=True)
