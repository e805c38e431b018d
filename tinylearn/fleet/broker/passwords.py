"""Mosquitto's password file: ``user:$7$iterations$salt$hash``, PBKDF2 with SHA-512 (RFC 8018).

The passwords are random 256-bit secrets, so that few iterations are enough: nobody can guess what
to hash, and the broker checks thousands of devices in one thread when all of them reconnect.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping

from tinylearn.errors import BadInputError

_ITERATIONS = 101
_MOST_ITERATIONS = 1_000_000
_SALT_BYTES = 12
_HASH_BYTES = 64


def _pbkdf2(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, _HASH_BYTES)


def encode(password: str) -> str:
    """What stands behind the user name, with a new salt."""
    salt = os.urandom(_SALT_BYTES)
    parts = [base64.b64encode(b).decode() for b in (salt, _pbkdf2(password, salt, _ITERATIONS))]
    return f"$7${_ITERATIONS}${parts[0]}${parts[1]}"


#: compared with where there is no such user, so that this takes as long as a wrong password
NOBODY = encode("")


def matches(password: str, encoded: str) -> bool:
    """Whether it is the password, in constant time; raises BadInputError for another format."""
    try:
        empty, kind, iterations, salt, wanted = encoded.split("$")
        count = int(iterations)
        if empty or kind != "7" or not 0 < count <= _MOST_ITERATIONS:
            raise ValueError
        got = _pbkdf2(password, base64.b64decode(salt, validate=True), count)
        return hmac.compare_digest(got, base64.b64decode(wanted, validate=True))
    except (ValueError, binascii.Error):
        raise BadInputError("password file: an entry is not in Mosquitto's $7$ format") from None


def to_text(users: Mapping[str, str]) -> str:
    """The file: a line a user, sorted."""
    return "".join(f"{user}:{users[user]}\n" for user in sorted(users))


def from_text(text: str) -> dict[str, str]:
    """User names and what stands behind them. Raises BadInputError."""
    users = {}
    for number, line in enumerate(text.splitlines(), 1):
        user, colon, encoded = line.partition(":")
        if line and not colon:
            raise BadInputError(f"password file, line {number}: no colon")
        if line:
            users[user] = encoded
    return users
