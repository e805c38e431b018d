"""Mosquitto's password format: ours against its own program, and what is damaged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mosquitto import program

from tinylearn.errors import BadInputError
from tinylearn.fleet.broker import passwords, refusals


def test_what_mosquitto_passwd_writes(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.touch()
    for user, password in (("a", "secret"), ("b", "ünïcode")):
        subprocess.run([program("mosquitto_passwd"), "-b", str(path), user, password], check=True)
    users = passwords.from_text(path.read_text())
    assert users.keys() == {"a", "b"}
    assert passwords.matches("secret", users["a"]) and passwords.matches("ünïcode", users["b"])
    assert not passwords.matches("secret", users["b"])


@settings(max_examples=25)
@given(st.text(max_size=50), st.text(max_size=50))
def test_only_the_password_matches(password: str, other: str) -> None:
    encoded = passwords.encode(password)
    assert passwords.matches(password, encoded)
    assert passwords.matches(other, encoded) == (other == password)
    assert passwords.encode(password) != encoded


@pytest.mark.parametrize("encoded", ["", "x", "$7$", "$6$101$YQ==$YQ==", "$7$0$YQ==$YQ==", "$7$x$YQ==$YQ==",
                                     "$7$99999999999$YQ==$YQ==", "$7$101$!$YQ==", "$7$101$YQ==$!"])  # fmt: skip
def test_damaged_entries(encoded: str) -> None:
    with pytest.raises(BadInputError, match="password file"):
        passwords.matches("x", encoded)


def test_the_file() -> None:
    users = {"b": "$7$1$x$y", "a": "$7$2$x$y"}
    assert passwords.to_text(users) == "a:$7$2$x$y\nb:$7$1$x$y\n"
    assert passwords.from_text(passwords.to_text(users)) == users
    with pytest.raises(BadInputError, match="line 2"):
        passwords.from_text("a:x\nb\n")


def test_refusals_in_the_log() -> None:
    log = """1: Client <unknown> disconnected, not authorised.
2: Client d disconnected.
3: Denied PUBLISH from d (d0, q1, r0, m2, 'x', ... (2 bytes))
4: Client d disconnected due to oversize packet.
5: Dropped too large PUBLISH from d (d0, q1, r0, m2, 'x', ... (65545 bytes))
6: Client <unknown> disconnected due to protocol error."""
    assert refusals.count(log.splitlines()) == {
        "login": 1,
        "publish": 1,
        "oversized": 2,
        "nonsense": 1,
    }
