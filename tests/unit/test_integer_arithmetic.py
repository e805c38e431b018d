"""Block arithmetic and random rounding of learning in integers."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.emit import firmware
from tinylearn.ir import integer


def _table(name: str, source: str) -> list[int]:
    text = re.search(rf"{name}\[\d+\] = \{{([^}}]*)\}}", source)
    assert text is not None
    return [int(word) for word in re.findall(r"\d+", text.group(1))]


def test_tables_are_what_they_say() -> None:
    source = firmware.read("src/kernels/fixed_i32.h").decode()
    k = np.arange(64)
    assert _table("quarters", source) == np.rint(32768 * np.exp(-k / 4)).tolist()
    assert _table("rests", source) == np.rint(32768 * np.exp(-k / 256)).tolist()
    assert _table("places", source) == np.rint(4096 * np.log1p(np.arange(65) / 64)).tolist()


def test_rounding_at_random_is_right_on_average() -> None:
    words = integer.row_words(1, 100_000)
    assert abs(integer.random_round(np.full(len(words), 37), 7, words).mean() - 37 / 128) < 0.005
    assert not integer.random_round(np.zeros(len(words)), 30, words).any()


def test_every_weight_of_a_row_is_rounded_fairly() -> None:
    """Over many rows, whatever its place in the row."""
    word, rows = 1, []
    for _ in range(4000):
        word = integer.next_word(word)
        rows.append(integer.random_round(np.full(16, 37), 7, integer.row_words(word, 16)))
    assert np.abs(np.mean(rows, axis=0) - 37 / 128).max() < 0.03


@given(st.lists(st.integers(-(2**29), 2**29), min_size=1, max_size=9))
def test_sums_are_kept_in_15_bits(sums: list[int]) -> None:
    """As the kernel puts them one after the other: each shifted as the largest so far needs."""
    kept, right = [], 0
    for total in sums:
        v = total >> right
        while not -(2**15) <= v < 2**15:
            kept, v, right = [k >> 1 for k in kept], v >> 1, right + 1
        kept.append(v)
    values, shift = integer.summed(np.array(sums))
    assert values.tolist() == kept and shift == right


def test_exponential_and_logarithm_are_near() -> None:
    gap = np.arange(4096)
    assert np.abs(integer.exp_q15(gap) - 32768 * np.exp(-gap / 256)).max() <= 2
    values = np.unique(np.geomspace(1, 2**31, 5000).astype(np.int64))
    logs = np.array([integer.ln_q12(int(v)) for v in values])
    assert np.abs(logs - 4096 * np.log(values / 32768)).max() <= 12
