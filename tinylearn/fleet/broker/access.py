"""Decides for the embedded broker what Mosquitto decides from the same files."""

from __future__ import annotations

import logging
from pathlib import Path

from tinylearn.errors import BadInputError
from tinylearn.fleet.broker import acl, passwords
from tinylearn.fleet.broker.settings import Settings
from tinylearn.fleet.files import read_small
from tinylearn.fleet.transports.counts import Counts

_log = logging.getLogger(__name__)
_MOST_BYTES = 64 << 20


class Access:
    """Users and rules of a broker folder; ``counts`` what was refused: login, will, publish,
    subscribe, oversized, nonsense. A changed password file is seen at the next login."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Settings.load(folder).fleet
        self.counts = Counts()
        self._path = folder / "passwords"
        self._stamp: tuple[int, int] | None = None
        self._users: dict[str, str] = {}

    def _known(self) -> dict[str, str]:
        status = self._path.stat()
        stamp = (status.st_ino, status.st_mtime_ns)
        if stamp != self._stamp:
            self._users = passwords.from_text(read_small(self._path, _MOST_BYTES))
            self._stamp = stamp
        return self._users

    def may_log_in(self, client: str, user: str | None, password: str | None) -> bool:
        """Whether they belong together; takes as long for a user who is not known."""
        try:
            encoded = self._known().get(user or "")
            good = passwords.matches(password or "", encoded or passwords.NOBODY)
        except (OSError, BadInputError):
            _log.exception("embedded broker: the password file is of no use; nobody gets in")
            return self._counted("login", False)
        return self._counted("login", good and encoded is not None and client == user)

    def may_leave_will(self, user: str, name: str | None) -> bool:
        """Whether the topic of a will is one that the user may publish to."""
        return self._counted("will", name is None or acl.may_publish(self.fleet, user, name))

    def may_publish(self, user: str, name: str) -> bool:
        """See ``acl``."""
        return self._counted("publish", acl.may_publish(self.fleet, user, name))

    def may_subscribe(self, user: str, name: str) -> bool:
        """See ``acl``."""
        return self._counted("subscribe", acl.may_read(self.fleet, user, name))

    def may_receive(self, user: str, name: str) -> bool:
        """See ``acl``; not counted, as it is not the receiver's doing."""
        return acl.may_read(self.fleet, user, name)

    def _counted(self, what: str, granted: bool) -> bool:
        if not granted:
            self.counts.add(what)
        return granted
