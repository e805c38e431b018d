"""Which axes of a tensor a sum or mean goes over, for kernels of two loops within two."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.ops.base import Shape, Struct

_LOOPS = 2


def out_shape(shape: Shape, axes: Sequence[int], where: str) -> Shape:
    """Shape without the axes, (1,) where none is left; raises BadInputError for axes that are not
    there."""
    if not axes or not set(axes) <= set(range(len(shape))):
        raise BadInputError(f"{where}: no axes {tuple(axes)} in {shape}")
    return tuple(n for i, n in enumerate(shape) if i not in axes) or (1,)


def count(shape: Shape, axes: Sequence[int]) -> int:
    """How many elements go into one."""
    return math.prod(shape[a] for a in axes)


def _loops(shape: Shape, axes: Sequence[int]) -> dict[bool, list[tuple[int, int]]]:
    """(size, step) of the loops that stay (False) and that go (True); neighbours are one."""
    sized = [(i, n) for i, n in enumerate(shape) if n > 1]
    loops: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    for gone, group in itertools.groupby(sized, key=lambda axis: axis[0] in axes):
        members = list(group)
        step = math.prod(shape[members[-1][0] + 1 :])
        loops[gone].append((math.prod(n for _, n in members), step))
    return loops


def struct(shape: Shape, axes: Sequence[int], where: str) -> Struct:
    """The tl_reduce_t literal; raises UnsupportedError where two loops in two do not do."""
    fields: list[tuple[str, int]] = []
    for gone, loops in _loops(shape, axes).items():
        if len(loops) > _LOOPS:
            raise UnsupportedError(f"{where}: axes {tuple(axes)} of {shape} are too far apart")
        padded = [(1, 0)] * (_LOOPS - len(loops)) + loops
        for i, (size, step) in enumerate(padded):
            name = f"{'m' if gone else 'n'}{i}"
            fields += [(name, size), (f"{name}_step", step)]
    return Struct("tl_reduce_t", tuple(fields))
