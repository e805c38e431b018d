"""Runs a parser on mutated inputs, each under a limit of time and memory.

Inputs that end in an error not seen before are mutated further: coverage without instrumented
code, for where atheris is not installed (see guided.py).
"""

from __future__ import annotations

import atexit
import random
import re
import resource
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from tinylearn.errors import TinylearnError

SECONDS_EACH = 10
MEMORY_BYTES = 2 << 30
_MOST_SEEDS = 400
_MINIMISING_SECONDS = 10
_NUMBERS = (0, 1, 2, 3, 4, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 24,
            0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x7F800000, 0x7FC00000)  # fmt: skip


class Parser(Protocol):
    """Something that reads bytes which nobody has vouched for."""

    def seeds(self) -> list[bytes]:
        """Good inputs."""

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """A changed input; ``other`` is one to splice with."""

    def run(self, data: bytes) -> None:
        """Reads the input and goes as far as it leads."""


class TooSlowError(BaseException):
    """An input took longer than its time; not an Exception, so that no handler takes it."""


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError(f"longer than {SECONDS_EACH} s of computing")


def scratch(name: str) -> Path:
    """A path for one file in a folder that goes with this process."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / name


@contextmanager
def limits() -> Iterator[None]:
    """Bounds the memory of this process, and makes warnings errors."""
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    old = signal.signal(signal.SIGPROF, _too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
        signal.signal(signal.SIGPROF, old)


def _place(error: BaseException) -> str:
    """Type and innermost two lines of our own code: equal for what has one cause."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tinylearn/" in f.filename]
    lines = [f"{Path(f.filename).name}:{f.lineno}" for f in frames[-2:]]
    return " ".join([type(error).__name__, *lines])


def outcome(parser: Parser, data: bytes) -> tuple[str, str]:
    """("ok" | "refused" | "crash", which one). Call inside ``limits``."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
    try:
        parser.run(data)
    except TinylearnError as error:
        return "refused", re.sub(r"[\d.]+", "#", f"{type(error).__name__} {error}")[:80]
    except (Exception, TooSlowError) as error:
        return "crash", f"{_place(error)}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "ok", ""


@dataclass
class Report:
    """What a run came to. ``errors`` and ``crashes``: the smallest input of each kind."""

    executions: int = 0
    seconds: float = 0.0
    accepted: int = 0
    errors: dict[str, bytes] = field(default_factory=dict)
    crashes: dict[str, bytes] = field(default_factory=dict)
    kilobytes: int = 0

    def __str__(self) -> str:
        return (f"{self.executions} executions in {self.seconds:.0f} s, {self.accepted} accepted, "
                f"{len(self.errors)} unique errors, {len(self.crashes)} crashes, "
                f"max RSS grew by {self.kilobytes} kB")  # fmt: skip


def _kind(crash: str) -> str:
    return crash.split(":", 1)[0] if crash.startswith("TooSlow") else crash.split(": ", 1)[0]


def peak_kilobytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fuzz(parser: Parser, seconds: float, seed: int, most: int = 1 << 60) -> Report:
    """Runs for some seconds or ``most`` inputs."""
    rng, seeds, report, refused = random.Random(seed), parser.seeds(), Report(), list[bytes]()
    with limits():
        for data in seeds:
            assert outcome(parser, data)[0] == "ok", outcome(parser, data)
        start, rss = time.monotonic(), peak_kilobytes()
        while time.monotonic() - start < seconds and report.executions < most:
            # what was refused in a new way is worth a look now and then; good files lead deeper
            pool = refused if refused and rng.random() < 0.15 else seeds
            data = parser.mutate(rng, rng.choice(pool), rng.choice(seeds))
            if record(report, *outcome(parser, data), data) and len(refused) < _MOST_SEEDS:
                refused.append(data)
    report.seconds = time.monotonic() - start
    report.kilobytes = peak_kilobytes() - rss
    return report


def record(report: Report, kind: str, which: str, data: bytes) -> bool:
    """Counts an outcome; whether it is a refusal not seen before."""
    report.executions += 1
    report.accepted += kind == "ok"
    if kind == "ok":
        return False
    found = report.errors if kind == "refused" else report.crashes
    name = which if kind == "refused" else _kind(which)
    is_new = name not in found
    if is_new or len(data) < len(found[name]):
        found[name] = data
    return is_new and kind == "refused"


def minimise(parser: Parser, data: bytes) -> bytes:
    """A shorter or plainer input with the same crash: tails cut off, runs set to zero."""
    end = time.monotonic() + _MINIMISING_SECONDS
    with limits():
        wanted, size = _kind(outcome(parser, data)[1]), len(data) // 2
        while size and time.monotonic() < end:
            for at in range(0, len(data), size):
                if at >= len(data):
                    break
                zeros = bytes(min(size, len(data) - at))
                for tried in (data[:at], data[:at] + zeros + data[at + size :]):
                    if tried != data and _kind(outcome(parser, tried)[1]) == wanted:
                        data = tried
                        break
            size //= 2
    return data


def changed_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Numbers replaced, moved or nudged at 1, 2 or 4 bytes; now and then a splice or a cut."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        size = rng.choice((1, 2, 4, 4))
        at = rng.randrange(max(len(out) - size, 1)) & -size
        old, choice = int.from_bytes(out[at : at + size], "little"), rng.random()
        new = rng.choice(_NUMBERS) if choice < 0.5 else old + rng.choice((-4, -1, 1, 4, 16))
        if choice > 0.8:
            source = rng.randrange(max(len(out) - size, 1)) & -size
            new = int.from_bytes(out[source : source + size], "little")
        out[at : at + size] = (new % (1 << 8 * size)).to_bytes(size, "little")
    if rng.random() < 0.03:
        out = out[: rng.randrange(len(out) + 1)]
    if rng.random() < 0.03:
        cut = rng.randrange(len(out) + 1)
        out = out[:cut] + other[cut:]
    return bytes(out)
