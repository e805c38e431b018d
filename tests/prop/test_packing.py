"""Arena packing: no overlap, never below the bound, always the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinylearn.planner.packing import Item, lower_bound, pack, total

ITEMS = st.lists(
    st.builds(
        lambda size, first, length, align: Item(4 * size - align + 1, first, first + length, align),
        st.integers(1, 50), st.integers(0, 20), st.integers(0, 10), st.sampled_from((1, 2, 4)),
    ),
    max_size=14,
)  # fmt: skip


@given(ITEMS)
@settings(max_examples=150)
def test_items_alive_together_do_not_overlap(items: list[Item]) -> None:
    offsets = pack(items)
    assert len(offsets) == len(items) and all(at >= 0 for at in offsets)
    assert all(at % item.align == 0 for at, item in zip(offsets, items, strict=True))
    for i, a in enumerate(items):
        for j in range(i):
            b = items[j]
            if a.first <= b.last and b.first <= a.last:
                assert offsets[i] + a.bytes <= offsets[j] or offsets[j] + b.bytes <= offsets[i]


@given(ITEMS)
@settings(max_examples=100)
def test_arena_lies_between_the_bound_and_the_sum(items: list[Item]) -> None:
    size = total(items, pack(items))
    assert lower_bound(items) <= size <= sum(-(-i.bytes // 4) * 4 for i in items)


@given(ITEMS)
@settings(max_examples=50)
def test_lower_bound_is_the_fullest_step(items: list[Item]) -> None:
    steps = range(32)
    fullest = max(sum(i.bytes for i in items if i.first <= s <= i.last) for s in steps)
    assert lower_bound(items) == fullest


@given(ITEMS)
@settings(max_examples=50)
def test_same_items_same_offsets(items: list[Item]) -> None:
    assert pack(items) == pack(list(items))


@given(st.lists(st.integers(1, 99), min_size=1, max_size=40))
def test_chain_of_layers_is_packed_at_the_bound(sizes: list[int]) -> None:
    """Each buffer meets only its neighbours: the bound can always be reached."""
    items = [Item(4 * size, i, i + 1) for i, size in enumerate(sizes)]
    assert total(items, pack(items)) == lower_bound(items)


def test_nothing_needs_nothing() -> None:
    assert pack([]) == [] and lower_bound([]) == 0 and total([], []) == 0
