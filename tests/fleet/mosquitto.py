"""Runs the real Mosquitto from a folder that write_broker_config has written."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.ports import free_port
from support.waiting import until

from tinylearn.fleet.broker import refusals
from tinylearn.fleet.broker.config import write_broker_config
from tinylearn.fleet.broker.credentials import credentials_path, enroll
from tinylearn.fleet.transports.credentials import Credentials

FLEET = "test"
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_SECONDS = 60.0
_RELOADED = "Reloading config"
_RUNNING = " running\n"


def program(name: str = "mosquitto") -> str:
    """Its path; skips the test where it is absent."""
    path = shutil.which(name, path=_PATH)
    if path is None:
        pytest.skip(f"needs {name} (Debian package mosquitto)")
    return path


class MosquittoServer:
    """A broker on a free loopback port, with TLS, users and rules as they are shipped. It logs
    everything, so that refusals can be seen. Tests give up after ``_SECONDS``."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.program = program()
        self.folder = folder
        self.conf = write_broker_config(folder, FLEET, port=free_port(), **settings)  # type: ignore[arg-type]
        self.conf.write_text(self.conf.read_text() + "log_type all\n")
        self.url = self.credentials().url
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Comes back when it lets clients in and minds signals, which it does a little later: a
        SIGHUP in between would end it."""
        times = self.log().count(_RUNNING) if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self.program, "-c", str(self.conf)], stderr=log)
        _wait_for(lambda: self.log().count(_RUNNING) > times, self._process)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_SECONDS)
            self._process = None

    def kill(self) -> None:
        """SIGKILL: it saves nothing."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def reload(self) -> None:
        """SIGHUP: reads users and rules again. Nothing happens while it does not run.

        Mosquitto 2.0.11 forgets a signal that comes while it is still busy with an earlier one.
        """
        times = self.log().count(_RELOADED)

        def is_done() -> bool:
            assert self._process is not None and self.is_alive(), "mosquitto has ended"
            self._process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
            return self.log().count(_RELOADED) > times

        if self._process is not None:
            until(is_done)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def refused(self, what: str) -> int:
        return refusals.count(self.log().splitlines())[what]

    def credentials(self, user: str = "coordinator") -> Credentials:
        """A user's, enrolled where it is not yet."""
        path = credentials_path(self.folder, user)
        return Credentials.load(path if path.exists() else enroll(self.folder, user))


@contextlib.contextmanager
def plain_mosquitto(folder: Path) -> Iterator[str]:
    """A broker without users, rules and TLS; gives its address."""
    port = free_port()
    conf = folder / "plain.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
    with (folder / "plain.log").open("ab") as log:
        process = subprocess.Popen([program(), "-c", str(conf)], stderr=log)
    try:
        _wait_for(lambda: _is_open(port), process)
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    def is_done() -> bool:
        assert process.poll() is None, "mosquitto ends as it starts"
        return condition()

    until(is_done)
