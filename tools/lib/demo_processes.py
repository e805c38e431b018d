"""What runs beside the demo while it goes on: commands, and the broker."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tinylearn.fleet.broker.settings import Settings


class Background:
    """A command that runs beside the demo."""

    def __init__(self, log: Path, *words: str) -> None:
        print(f"\n$ {' '.join(['tinylearn', *words])} &", flush=True)
        self._log, self._name = log, " ".join(words[:2])
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tinylearn", *words], stdout=subprocess.PIPE, stderr=file,
                text=True,
            )  # fmt: skip

    def is_over(self) -> bool:
        """Whether it has ended well; ends the demo where it has failed."""
        code = self._process.poll()
        if code:
            sys.exit(f"tinylearn {self._name} failed: {self._log.read_text().strip()[-2000:]}")
        return code == 0

    def ended(self) -> str:
        """Asks it to end; what it prints."""
        if self._process.poll() is None:
            self._process.terminate()
        out, _ = self._process.communicate(timeout=60)
        self.is_over()
        return str(out)

    def kill(self) -> None:
        """Where it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[bool]:
    """Mosquitto on the broker's folder, or False: the coordinator is to run its own."""
    path = ":".join(("/usr/sbin", "/usr/local/sbin"))
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=path)
    if program is None:
        print("\nNo Mosquitto here: the coordinator's process runs the embedded broker.")
        yield False
        return
    print(f"\n$ mosquitto -c {folder / 'mosquitto.conf'} &", flush=True)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=log)
    try:
        alive = _listens(process, folder)
        if not alive:
            print("Mosquitto does not start here: the coordinator runs the embedded broker.")
        yield alive
    finally:
        process.terminate()
        process.wait()


def _listens(process: subprocess.Popen[bytes], folder: Path) -> bool:
    port, end = Settings.load(folder).port, time.monotonic() + 10
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
