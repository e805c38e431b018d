"""When a thing was registered and until when (WoT Discovery, 7.3.1.1 and 7.3.1.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tinylearn.directory.problem import FieldError, invalid

#: a hundred years: beyond, dates end
_LONGEST = 3.2e9


@dataclass(frozen=True)
class Registration:
    """Times are in UTC. ``ttl`` in seconds, from ``modified`` on; where it is given, ``expires``
    follows from it."""

    created: datetime
    modified: datetime
    expires: datetime | None = None
    ttl: float | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether the thing is no longer there."""
        return self.expires is not None and self.expires <= now

    def members(self) -> dict[str, Any]:
        """As a Thing Description says it."""
        found: dict[str, Any] = {"created": rfc3339(self.created)}
        found["modified"] = rfc3339(self.modified)
        if self.expires is not None:
            found["expires"] = rfc3339(self.expires)
        if self.ttl is not None:
            found["ttl"] = int(self.ttl) if self.ttl.is_integer() else self.ttl
        return found


@dataclass(frozen=True)
class Wish:
    """What a client asks for; of what it says else about the registration nothing counts."""

    expires: datetime | None = None
    ttl: float | None = None

    def granted(self, created: datetime, now: datetime) -> Registration:
        """Registered or changed at this moment. Raises ProblemError for what is over already."""
        if self.ttl is not None:
            expires = now + timedelta(seconds=self.ttl)
            return Registration(created, now, expires, self.ttl)
        if self.expires is not None and self.expires <= now:
            raise _wrong("expires", "is in the past")
        return Registration(created, now, self.expires)


def split(content: Mapping[str, Any]) -> tuple[dict[str, Any], Wish]:
    """A Thing Description without its registration, and what that asks for.

    Raises ProblemError with the field that is wrong.
    """
    rest = {name: value for name, value in content.items() if name != "registration"}
    said = content.get("registration", {})
    if not isinstance(said, Mapping):
        raise invalid([FieldError("$.registration", "is not an object")])
    return rest, Wish(_expires(said.get("expires")), _ttl(said.get("ttl")))


def rfc3339(moment: datetime) -> str:
    """With microseconds, so that two changes are never at the same time by their text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _expires(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if "T" not in value.upper() or moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise _wrong("expires", "is not a date-time such as 2030-01-31T12:00:00Z") from None


def _ttl(value: Any) -> float | None:
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 < value <= _LONGEST:
        raise _wrong("ttl", "is not a number of seconds above 0")
    return float(value)


def _wrong(name: str, what: str) -> Exception:
    return invalid([FieldError(f"$.registration.{name}", what)])
