"""Numbers as C text. Floats keep every bit: NumPy prints the shortest text that reads back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinylearn.ir.graph import Array

_PER_LINE = 6


def float_literal(value: float) -> str:
    """A float32 as a C literal of type float."""
    return f"{np.float32(value)!s}f"


def array_lines(values: Array, indent: str = "    ") -> Iterator[str]:
    """The elements of an array as the lines of a C initialiser, without braces."""
    flat = [float_literal(v) for v in values.ravel()]
    for at in range(0, len(flat), _PER_LINE):
        yield indent + ", ".join(flat[at : at + _PER_LINE]) + ","


def dims(shape: tuple[int, ...]) -> str:
    """A shape for comments: 28x28x1."""
    return "x".join(str(n) for n in shape)


def product(shape: tuple[int, ...]) -> str:
    """A shape as an array size that keeps its factors readable: 16 * 3 * 3 * 8."""
    return " * ".join(str(n) for n in shape)
