"""An emulator that does not end when it is told to."""

from __future__ import annotations

import socket
import subprocess
import tempfile

import pytest

from tinylearn.device import qemu


def test_emulator_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "_END_SECONDS", 0.2)
    ours, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryFile() as errors:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", "sleep 100 & sleep 100"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        qemu._end(keeper, ours, errors)
        assert keeper.returncode == -9 and errors.closed
