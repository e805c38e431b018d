"""A real SPARQL server on loopback: Oxigraph's, of the package oxigraph."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from support.ports import free_port


class SparqlServer:
    """A running ``oxigraph serve``; skips the test where it is not installed."""

    def __init__(self, *options: str, folder: Path | None = None) -> None:
        beside = Path(sys.executable).parent
        program = shutil.which("oxigraph", path=str(beside)) or shutil.which("oxigraph")
        if program is None:
            pytest.skip("needs oxigraph (package oxigraph from PyPI)")
        self.port = free_port()
        place = ("--location", str(folder)) if folder else ()
        self._process = subprocess.Popen(
            [program, "serve", "--bind", f"127.0.0.1:{self.port}", *place, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self._wait()

    def update(self, text: str) -> None:
        """Changes it behind tinylearn's back."""
        request = Request(
            f"{self.url}/update", text.encode(), {"Content-Type": "application/sparql-update"}
        )
        with urlopen(request, timeout=10):
            pass

    def stop(self) -> None:
        """Kills it."""
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        for _ in range(400):
            assert self._process.poll() is None, "oxigraph serve ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.025)
        self.stop()
        raise AssertionError("oxigraph serve does not listen")
