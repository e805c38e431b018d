"""Numbers as C text. Floats keep every bit: NumPy prints the shortest text that reads back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinylearn.ir.graph import Array


def float_literal(value: float) -> str:
    """A float32 as a C literal of type float."""
    return f"{np.float32(value)!s}f"


_C_TYPES = {
    "float32": "float",
    "int32": "int32_t",
    "int16": "int16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
}
_PER_LINE_OF = {"float32": 6, "int32": 8, "int16": 12, "int8": 18, "uint8": 18}


def c_type(dtype: str) -> str:
    """The C type of a dtype's elements."""
    return _C_TYPES[dtype]


def _literal(value: object) -> str:
    if isinstance(value, np.floating):
        return float_literal(float(value))
    # the least int32 is no literal in C: its digits are one too large for an int
    return "INT32_MIN" if value == -(2**31) else str(value)


def array_lines(values: Array, indent: str = "    ") -> Iterator[str]:
    """The elements of an array as the lines of a C initialiser, without braces."""
    flat, per_line = values.ravel(), _PER_LINE_OF[str(values.dtype)]
    for at in range(0, len(flat), per_line):
        yield indent + ", ".join(map(_literal, flat[at : at + per_line])) + ","


def dims(shape: tuple[int, ...]) -> str:
    """A shape for comments: 28x28x1."""
    return "x".join(str(n) for n in shape)


def product(shape: tuple[int, ...]) -> str:
    """A shape as an array size that keeps its factors readable: 16 * 3 * 3 * 8."""
    return " * ".join(str(n) for n in shape)
