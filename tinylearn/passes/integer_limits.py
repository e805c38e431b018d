"""How large a layer that learns in integers may be, so that all of its sums fit 32 bits."""

from __future__ import annotations

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Graph, Op

#: products of int8 in one sum, of int8 and deltas in one sum backward, and positions of a filter
MOST_INPUTS = 8192
MOST_DELTAS = 4096
MOST_POSITIONS = 4096


def _sizes(op: Op, graph: Graph) -> tuple[int, int, int]:
    """(inputs of a sum, deltas of a sum backward, positions)."""
    w = graph.shape(op.inputs[1])
    if op.kind == "dense":
        return w[1], w[0], 1
    height, width, out_c = graph.shape(op.outputs[0])
    taps = int(op.attrs["kernel"][0] * op.attrs["kernel"][1])
    if op.kind == "conv2d":
        return taps * w[3], taps * out_c, height * width
    return taps, taps * out_c // graph.shape(op.inputs[0])[2], height * width


def check_layer(op: Op, graph: Graph, zero: int) -> None:
    """Raises UnsupportedError where a sum could leave 32 bits. ``zero``: the zero point of the
    layer's input, which doubles its range where it is not 0."""
    inputs, deltas, positions = _sizes(op, graph)
    most = MOST_POSITIONS // 2 if zero else MOST_POSITIONS
    if inputs > MOST_INPUTS or deltas > MOST_DELTAS or positions > most:
        raise UnsupportedError(
            f"layer {op.layer}: {inputs} inputs and {deltas} deltas of a sum at {positions} "
            f"positions; --arithmetic int8 takes at most {MOST_INPUTS}, {MOST_DELTAS} and {most}, "
            "so that sums fit 32 bits"
        )


def check_pool(op: Op, taps: int) -> None:
    """Raises UnsupportedError where a window's share of a gradient would vanish."""
    if taps > MOST_POSITIONS:
        raise UnsupportedError(
            f"layer {op.layer}: a window of {taps} inputs; --arithmetic int8 takes at most "
            f"{MOST_POSITIONS}"
        )
