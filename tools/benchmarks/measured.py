"""Rows of a benchmark, and functions measured in processes of their own."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Row:
    """``size``: devices; ``seconds``: of one operation, None where it is not about time;
    ``megabytes``: the largest memory of the process, or on disk where the operation says so;
    ``bar``: what it must not be above, seconds or else megabytes."""

    size: int
    operation: str
    seconds: float | None
    engine: str
    megabytes: float | None = None
    bar: float | None = None


def apart(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What ``function`` returns in a new process, and that process's largest memory in MB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        result, peak = here.recv()
    except EOFError:
        raise SystemExit(f"{function.__name__} has failed") from None
    process.join()
    return result, peak


def _run(there: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    result = function(*arguments)
    there.send((result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000))
