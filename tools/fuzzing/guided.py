"""Coverage-guided runs: libFuzzer, by way of atheris, keeps what reaches new lines of tinylearn;
the parsers' own mutations change it.

libFuzzer never gives control back, so this is a process of its own that ends itself and leaves
its report in a file: ``guided.py PARSER SECONDS SEED FOLDER``.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine import Parser, Report, limits, outcome, peak_kilobytes, record

_REPORT = "report"
_LARGEST = 1 << 16
#: its own limits of time and memory would end the run at the first slow input; ours are engine's
_OPTIONS = ("-timeout=0", "-rss_limit_mb=0", "-handle_segv=1", "-print_final_stats=0")


def available() -> bool:
    """Whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(name: str, seconds: float, seed: int, folder: Path) -> Report:
    """Runs for some seconds; ``folder`` keeps the inputs that reach something new, and is where
    the next run goes on. Raises RuntimeError where the process died, with its last words."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / _REPORT
    report.unlink(missing_ok=True)
    command = [sys.executable, __file__, name, str(seconds), str(seed), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if not report.is_file():
        raise RuntimeError(
            f"{name}: the fuzzing process died:\n{done.stdout.decode(errors='replace')[-2000:]}"
        )
    found: Report = pickle.loads(report.read_bytes())  # written by ourselves a moment ago
    report.unlink()
    return found


def _one_input(parser: Parser, report: Report, end: Callable[[], None]) -> Callable[[bytes], None]:
    start, rss = time.monotonic(), peak_kilobytes()

    def run(data: bytes) -> None:
        record(report, *outcome(parser, data), data)
        report.seconds = time.monotonic() - start
        report.kilobytes = peak_kilobytes() - rss
        end()

    return run


def _mutation(parser: Parser, seeds: list[bytes]) -> Callable[[bytes, int, int], bytes]:
    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        return parser.mutate(rng, data, rng.choice(seeds))[:most]

    return mutate


def _run(name: str, seconds: float, seed: int, folder: Path) -> None:
    """Does not return."""
    import atheris

    with atheris.instrument_imports(include=["tinylearn"]):
        import run as runner

        parser = runner.parsers()[name]()
    seeds, report, inputs = parser.seeds(), Report(), folder / "inputs"
    inputs.mkdir(exist_ok=True)
    for i, data in enumerate(seeds):
        (inputs / f"seed{i}").write_bytes(data)

    def end() -> None:
        if report.seconds >= seconds:
            (folder / _REPORT).write_bytes(pickle.dumps(report))
            os._exit(0)

    arguments = [name, *_OPTIONS, f"-seed={seed + 1}", f"-max_len={_LARGEST}", str(inputs)]
    with limits():
        atheris.Setup(
            arguments, _one_input(parser, report, end), custom_mutator=_mutation(parser, seeds)
        )
        atheris.Fuzz()


if __name__ == "__main__":
    _run(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
