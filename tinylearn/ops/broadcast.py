"""Two tensors that repeat along each other's axes, as NumPy aligns them, for kernels of three
loops."""

from __future__ import annotations

import itertools
import math

import numpy as np

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.ir.graph import Array
from tinylearn.ops.base import Shape, Struct

_LOOPS = 3
#: whether each operand has an axis, and its size in the result
_Axis = tuple[tuple[bool, bool], int]


def out_shape(a: Shape, b: Shape, where: str) -> Shape:
    """Shape of the result; raises BadInputError where the two do not go together."""
    try:
        return tuple(np.broadcast_shapes(a, b))
    except ValueError:
        raise BadInputError(f"{where}: shapes {a} and {b} do not go together") from None


def _axes(a: Shape, b: Shape) -> list[_Axis]:
    """The axes of the result; neighbours along which the same operands repeat are one."""
    rank = max(len(a), len(b))
    a, b = ((1,) * (rank - len(s)) + s for s in (a, b))
    kinds = [((n > 1, m > 1), max(n, m)) for n, m in zip(a, b, strict=True) if max(n, m) > 1]
    return [(has, math.prod(n for _, n in group))
            for has, group in itertools.groupby(kinds, key=lambda axis: axis[0])]  # fmt: skip


def _steps(axes: list[_Axis], which: int) -> list[int]:
    """Elements between neighbours along each axis, 0 where the operand repeats."""
    own = [n if has[which] else 1 for has, n in axes]
    return [math.prod(own[i + 1 :]) if axes[i][0][which] else 0 for i in range(len(axes))]


def struct(a: Shape, b: Shape, where: str) -> Struct:
    """The tl_broadcast_t literal; raises UnsupportedError where three loops do not do."""
    axes = _axes(a, b)
    if len(axes) > _LOOPS:
        raise UnsupportedError(f"{where}: {a} and {b} repeat along each other too often")
    missing = _LOOPS - len(axes)
    columns = ([1] * missing + [n for _, n in axes],
               [0] * missing + _steps(axes, 0), [0] * missing + _steps(axes, 1))  # fmt: skip
    names = (f"{letter}{i}" for letter in "nab" for i in range(_LOOPS))
    return Struct("tl_broadcast_t", tuple(zip(names, itertools.chain(*columns), strict=True)))


def summed(values: Array, shape: Shape) -> Array:
    """Values of the result's shape summed over all axes along which ``shape`` repeats."""
    values = values.sum(axis=tuple(range(values.ndim - len(shape))))
    once = tuple(i for i, n in enumerate(shape) if n == 1)
    return np.asarray(values.sum(axis=once, keepdims=True))
