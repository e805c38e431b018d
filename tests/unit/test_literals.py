"""Floats in generated C read back with every bit."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from support.harness import WARNINGS, compile_c

from tinylearn.emit.literals import array_lines, dims, float_literal, product

EDGES = [0.0, -0.0, 1.0, -1.0, 0.1, 1e-45, -1e-45, 1.1754944e-38, 1.1754942e-38, 3.4028235e38,
         16777216.0, 16777217.0, 1e16, 1e-5, 123456789.0]  # fmt: skip


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(-0.0)
@example(1e-45)
@example(3.4028234663852886e38)
def test_literal_reads_back_with_every_bit(value: float) -> None:
    text = float_literal(value)
    assert re.fullmatch(r"-?\d+\.?\d*(e[+-]\d+)?f", text)
    assert "." in text or "e" in text
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


def test_compiler_reads_what_was_written(tmp_path: Path) -> None:
    """All exponents, both signs, random mantissas: the bits that gcc sees are ours."""
    rng = np.random.default_rng(0)
    exponents = np.repeat(np.arange(255, dtype=np.uint32), 16)
    bits = exponents << 23 | rng.integers(0, 1 << 23, exponents.size, dtype=np.uint32)
    bits |= rng.integers(0, 2, exponents.size, dtype=np.uint32) << 31
    values = np.concatenate([np.array(EDGES, np.float32), bits.view(np.float32)])
    text = "\n".join(array_lines(values))
    (tmp_path / "v.c").write_text(f"extern const float v[];\nconst float v[] = {{\n{text}\n}};\n")
    compile_c(tmp_path / "v.c", tmp_path / "v.so", "gcc", *WARNINGS, "-shared", "-fPIC")
    library = ctypes.CDLL(str(tmp_path / "v.so"))
    got = bytes((ctypes.c_float * values.size).in_dll(library, "v"))
    assert got == values.tobytes()


@given(st.integers(1, 60))
def test_lines_hold_every_element_once(count: int) -> None:
    lines = list(array_lines(np.arange(count, dtype=np.float32)))
    assert [float(x[:-1]) for x in "".join(lines).replace(" ", "").split(",")[:-1]] == list(
        range(count)
    )
    assert len(lines) == -(-count // 6)


def test_shapes_as_text() -> None:
    assert dims((28, 28, 1)) == "28x28x1"
    assert product((16, 3, 3, 8)) == "16 * 3 * 3 * 8"
