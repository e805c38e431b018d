"""Gives buffers with lifetimes addresses in one arena (dynamic storage allocation).

The problem is NP-hard; greedy best fit over several orders, then a seeded local search,
ends at the lower bound (the largest sum of live bytes) on almost every network.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

_SEARCH_STEPS = 300
#: items placed one after another, squared, in all steps: large programs get fewer steps
_SEARCH_WORK = 6_000_000


@dataclass(frozen=True)
class Item:
    """``bytes`` of memory needed from step ``first`` to step ``last``, both included, at an
    offset that ``align`` divides."""

    bytes: int
    first: int
    last: int
    align: int = 1

    def meets(self, other: Item) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


def lower_bound(items: Sequence[Item]) -> int:
    """Largest sum of bytes alive at one step: no packing can need less."""
    steps = {item.first for item in items}
    return max((sum(i.bytes for i in items if i.first <= s <= i.last) for s in steps), default=0)


def _best_fit(item: Item, placed: Sequence[tuple[int, Item]]) -> int:
    """Lowest offset of the tightest gap that holds the item."""
    taken = sorted((at, at + other.bytes) for at, other in placed if other.meets(item))
    best, best_gap, end = -1, 0, 0
    for start, stop in taken:
        gap = start - end
        if gap >= item.bytes and (best < 0 or gap < best_gap):
            best, best_gap = end, gap
        end = max(end, _up(stop, item.align))
    return best if best >= 0 else end


def _up(at: int, align: int) -> int:
    return -(-at // align) * align


def _place(items: Sequence[Item], order: Sequence[int]) -> list[int]:
    offsets, placed = [0] * len(items), list[tuple[int, Item]]()
    for i in order:
        offsets[i] = _best_fit(items[i], placed)
        placed.append((offsets[i], items[i]))
    return offsets


def total(items: Sequence[Item], offsets: Sequence[int]) -> int:
    """Size of the arena that the offsets need."""
    return max((at + item.bytes for at, item in zip(offsets, items, strict=True)), default=0)


def _orders(items: Sequence[Item]) -> list[list[int]]:
    index = range(len(items))
    return [
        sorted(index, key=lambda i: (-items[i].bytes, items[i].first, i)),
        sorted(index, key=lambda i: (items[i].first - items[i].last, -items[i].bytes, i)),
        sorted(index, key=lambda i: (items[i].first, -items[i].bytes, i)),
        sorted(index, key=lambda i: (-items[i].bytes * (items[i].last - items[i].first + 1), i)),
    ]


def pack(items: Sequence[Item]) -> list[int]:
    """An offset for each item such that items alive together do not overlap."""
    bound = lower_bound(items)
    best_order = min(_orders(items), key=lambda order: total(items, _place(items, order)))
    best = _place(items, best_order)
    chance, order = random.Random(0), list(best_order)
    for _ in range(min(_SEARCH_STEPS, _SEARCH_WORK // max(len(items), 1) ** 2)):
        if total(items, best) <= bound or len(items) < 3:
            break
        i, j = chance.sample(range(len(order)), 2)
        order[i], order[j] = order[j], order[i]
        tried = _place(items, order)
        if total(items, tried) <= total(items, best):
            best = tried
        else:
            order[i], order[j] = order[j], order[i]
    return best
