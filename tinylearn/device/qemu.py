"""Emulated boards: QEMU runs the ELF file, its serial line is a socket pair.

QEMU is started by a shell that waits on a pipe from this process and kills QEMU when the pipe
closes. So QEMU ends with this process however that ends, and nothing is left behind.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from pathlib import Path
from typing import IO

from tinylearn.device.build import require_program
from tinylearn.errors import DeviceError, UnsupportedError
from tinylearn.targets.target import Emulator, Target

_SEND_SECONDS = 30.0
_END_SECONDS = 10.0
_CHUNK = 65536
_TOLD = 7

#: stdin: the pipe; stdout: the board's serial line, which only QEMU may keep open.
_KEEPER = """
ulimit -c 0
"$@" </dev/null & child=$!
exec >&-
read -r line
kill -9 $child
wait $child
"""


class QemuTransport:
    """A board emulated by QEMU."""

    def __init__(self, elf: Path, target: Target) -> None:
        """Starts the emulator. Raises UnsupportedError for a target that has none,
        MissingToolError without QEMU, DeviceError where it does not start."""
        self.name = f"emulated {target.name} ({elf.stem})"
        command = self.command(elf, target)
        if not elf.is_file():
            raise DeviceError(f"{self.name}: there is no {elf}; build the project first")
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by _end)
        self._line, theirs = socket.socketpair()
        with theirs:
            self._keeper = self._start(command, theirs)
        self._line.setblocking(False)
        self._end = weakref.finalize(self, _end, self._keeper, self._line, self._errors)

    def command(self, elf: Path, target: Target) -> list[str]:
        """What runs the program with its serial line on file descriptor 1."""
        emulator = target.emulator
        if not isinstance(emulator, Emulator):
            raise UnsupportedError(
                f"target {target.name}: no emulator runs it; use the twin or the board itself"
            )
        require_program(emulator.program, [emulator.package], "the emulator")
        serial = ("-chardev", "socket,id=line,fd=1", "-serial", "chardev:line")
        return [*emulator.arguments, "-kernel", str(elf), *serial]

    def _start(self, command: list[str], line: socket.socket) -> subprocess.Popen[bytes]:
        """A session of its own: an interrupt from the keyboard reaches this process alone."""
        return subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "sh", *command],
            stdin=subprocess.PIPE, stdout=line.fileno(), stderr=self._errors, start_new_session=True,
        )  # fmt: skip

    def send(self, data: bytes) -> None:
        """Sends all bytes; raises DeviceError where the board stops reading for 30 s."""
        rest, deadline = memoryview(data), time.monotonic() + _SEND_SECONDS
        while rest:
            _, ready, _ = select.select(
                [], [self._open_line()], [], max(deadline - time.monotonic(), 0.0)
            )
            if not ready or time.monotonic() > deadline:
                raise DeviceError(f"{self.name}: does not read its line; has the program stopped?")
            try:
                rest = rest[self._line.send(rest) :]
            except BlockingIOError:
                continue
            except OSError:
                raise self._ended() from None

    def receive(self, timeout: float) -> bytes:
        """What has arrived, after at most ``timeout`` s."""
        ready, _, _ = select.select([self._open_line()], [], [], max(timeout, 0.0))
        if not ready:
            return b""
        try:
            data = self._line.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            raise self._ended()
        return data

    def _open_line(self) -> socket.socket:
        if not self._end.alive:
            raise DeviceError(f"{self.name}: is closed")
        return self._line

    def _ended(self) -> DeviceError:
        """QEMU is gone: what it said last, which for a crashed program are its registers."""
        self._errors.seek(0)
        lines = self._errors.read(_CHUNK).decode(errors="replace").splitlines()
        said = "\n".join([line for line in lines if "has no peer" not in line][:_TOLD])
        self.close()
        return DeviceError(
            f"{self.name}: the emulator ended; where it was the program that failed, its stack "
            f"may be too small (TL_STACK_BYTES)\n{said}".rstrip()
        )

    def close(self) -> None:
        """Ends the emulator and waits until it is gone."""
        self._end()


def _end(keeper: subprocess.Popen[bytes], line: socket.socket, errors: IO[bytes]) -> None:
    """Closing the pipe is the shell's signal to kill QEMU; a shell that does not is killed as well,
    with all that it has started."""
    line.close()
    assert keeper.stdin is not None
    with contextlib.suppress(OSError):
        keeper.stdin.close()
    try:
        keeper.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(keeper.pid, signal.SIGKILL)
        keeper.wait()
    finally:
        errors.close()
