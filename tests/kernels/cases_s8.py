"""Single-operator int8 models at the edges of their kernels: every remainder of the inner loops,
zero points and multipliers at their limits, padding, strides. A case puts one operator into a net."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from support.tflite_models import NONE, RELU, RELU6, SAME, VALID, Net

Case = Callable[[Net], None]
REMAINDERS = range(1, 36)
"""Twice sixteen and some: whole vectors of every extension, and each of their remainders."""

_ZEROS = ((-128, 127), (127, -128), (0, 0), (-19, 11), (5, -128))
_ACTS = (NONE, RELU, RELU6)
#: outputs that spread over the range, that saturate, that vanish, and a multiplier above one
_GAINS = (1.0, 1.0, 300.0, 0.05, 40000.0)
_WHOLE = {"dilationHFactor": 1, "dilationWFactor": 1}


def _zero(net: Net, zero: int) -> int:
    """A zero point, given as of int8."""
    return zero + 128 if net.dtype == "UINT8" else zero


def _layer(code: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], seed: int,
           **options: int) -> Case:  # fmt: skip
    """A layer with weights; ``seed`` also chooses zero points, gain, activation and scales."""

    def case(net: Net) -> None:
        rng, axis = np.random.default_rng([11, seed]), 3 if code == "DEPTHWISE_CONV_2D" else 0
        count, unsigned = w_shape[axis], net.dtype == "UINT8"
        (zero_in, zero_out), gain = _ZEROS[seed % 5], _GAINS[seed // 5 % 5]
        per_channel = seed % 2 == 1 and not unsigned
        scales = np.exp(rng.normal(-4.2, 0.7, count if per_channel else 1)).astype(np.float32)
        low, high, kind = (0, 256, np.uint8) if unsigned else (-127, 128, np.int8)
        w = rng.integers(low, high, w_shape).astype(kind)
        bias = rng.integers(-3000, 3000, count).astype(np.int32)
        x = net.input(x_shape, 0.0373, _zero(net, zero_in))
        ends = [x, net.constant(w, scales, 117 if unsigned else 0, axis)]
        ends.append(net.tensor((count,), "INT32", np.float32(0.0373) * scales, 0, bias))
        taps, mean = w.size // count, float(np.exp(np.log(scales).mean()))
        out_scale = 0.0373 * mean * np.sqrt(taps) * 70 / gain
        net.op(code, ends, (), out_scale, _zero(net, zero_out),
               fusedActivationFunction=_ACTS[seed % 3], **options)  # fmt: skip

    return case


def _halfway(code: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...],
             **options: int) -> Case:  # fmt: skip
    """A layer whose scales are powers of two and weights small: many sums lie halfway between two
    outputs, where the rounding rules differ."""

    def case(net: Net) -> None:
        rng, axis = np.random.default_rng([13, *w_shape]), 3 if "DEPTHWISE" in code else 0
        w = (rng.integers(-3, 4, w_shape) + _zero(net, 0)).astype(net.dtype.lower())
        bias = rng.integers(-99, 99, w_shape[axis]).astype(np.int32)
        x = net.input(x_shape, 2.0**-5, _zero(net, 0))
        ends = [x, net.constant(w, 2.0**-6, _zero(net, 0), axis)]
        ends.append(net.tensor(bias.shape, "INT32", 2.0**-11, 0, bias))
        net.op(
            code,
            ends,
            (),
            2.0**-9 if w.size // bias.size < 8 else 2.0**-8,
            _zero(net, 3),
            **options,
        )

    return case


def _near_limits(code: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...],
                 **options: int) -> Case:  # fmt: skip
    """Nearly all weights at one end and biases up to 2**30: sums close to what int32 holds."""

    def case(net: Net) -> None:
        rng, axis = np.random.default_rng(5), 3 if code == "DEPTHWISE_CONV_2D" else 0
        count = w_shape[axis]
        w = np.where(rng.random(w_shape) < 0.9, 127, -127) + _zero(net, 0)
        bias = rng.integers(-(2**30), 2**30, count).astype(np.int32)
        x = net.input(x_shape, 0.5, _zero(net, -128))
        weights = net.constant(w.astype(net.dtype.lower()), 0.01, _zero(net, 0), axis)
        ends = [x, weights, net.tensor((count,), "INT32", 0.005, 0, bias)]
        net.op(code, ends, (), 0.005 * 2**23, _zero(net, 3), **options)

    return case


def _dense() -> Iterator[tuple[str, Case]]:
    for n in REMAINDERS:
        yield f"dense_{n}", _layer("FULLY_CONNECTED", (1, n), (n % 9 + 1, n), n)
    yield "dense_near_limits", _near_limits("FULLY_CONNECTED", (1, 400), (5, 400))


def _conv(name: str, x: tuple[int, int, int], w: tuple[int, int, int], stride: tuple[int, int],
          padding: int, seed: int) -> tuple[str, Case]:  # fmt: skip
    options = {"strideH": stride[0], "strideW": stride[1], "padding": padding, **_WHOLE}
    shape = (w[2], w[0], w[1], x[2])
    return f"conv_{name}", _layer("CONV_2D", (1, *x), shape, seed, **options)


def _convolutions() -> Iterator[tuple[str, Case]]:
    for n in REMAINDERS:
        yield _conv(f"point_{n}", (1, 2, n), (1, 1, n % 6 + 1), (1, 1), VALID, n)
        yield _conv(f"taps_{n}", (1, n + 2, 1), (1, n, n % 7 + 1), (1, 1), VALID, n + 1)
        padding, width = (SAME, VALID)[n % 2], n % 5 + 3
        yield _conv(f"row_{n}", (3, width, n), (2, 2, n % 3 + 3), (1, n % 2 + 1), padding, n + 2)
    for c in (4, 8, 12):  # whole words of a row
        yield _conv(f"words_{c}", (5, 4, c), (3, 3, 5), (1, 1), SAME, c)
        yield _conv(f"words_stride_{c}", (5, 6, c), (3, 3, 8), (2, 2), SAME, c + 1)
    yield _conv("large_window", (2, 3, 2), (5, 7, 3), (1, 1), SAME, 3)
    yield _conv("skips", (8, 7, 3), (1, 1, 4), (2, 3), VALID, 8)
    yield _conv("odd", (9, 7, 1), (5, 4, 6), (3, 2), SAME, 12)
    options = {"strideH": 1, "strideW": 1, "padding": SAME, **_WHOLE}
    yield "conv_near_limits", _near_limits("CONV_2D", (1, 3, 3, 64), (5, 3, 3, 64), **options)


def _depthwise() -> Iterator[tuple[str, Case]]:
    def one(name: str, x: tuple[int, int, int], k: tuple[int, int], times: int, stride: int,
            padding: int, seed: int) -> tuple[str, Case]:  # fmt: skip
        options = {"strideH": stride, "strideW": stride, "padding": padding,
                   "depthMultiplier": times, **_WHOLE}  # fmt: skip
        shape = (1, *k, x[2] * times)
        return f"depthwise_{name}", _layer("DEPTHWISE_CONV_2D", (1, *x), shape, seed, **options)

    for c in REMAINDERS:
        yield one(f"{c}", (3, 4, c), (3, 3), 1, c % 2 + 1, (SAME, VALID)[c % 3 == 0], c)
    for times in (2, 3, 4):
        yield one(f"times_{times}", (5, 4, 3), (3, 3), times, 1, SAME, times)
        yield one(f"times_{times}_valid", (5, 6, 2), (2, 3), times, 2, VALID, times + 7)
    yield one("large_window", (2, 3, 5), (5, 7), 1, 1, SAME, 2)
    yield one("one_channel", (5, 5, 1), (3, 3), 7, 1, SAME, 9)
    options = {"strideH": 1, "strideW": 1, "padding": SAME, "depthMultiplier": 1, **_WHOLE}
    shapes = (1, 4, 4, 5), (1, 3, 3, 5)
    yield "depthwise_near_limits", _near_limits("DEPTHWISE_CONV_2D", *shapes, **options)


def _op(code: str, shape: tuple[int, ...], scales: tuple[float, float], zeros: tuple[int, int],
        *tables: list[int] | list[list[int]], dtype: str = "", **options: object) -> Case:  # fmt: skip
    """An operator of one input and constant tables; scales and zero points of input, output."""

    def case(net: Net) -> None:
        x = net.input(shape, scales[0], _zero(net, zeros[0]))
        ends = [x, *(net.constant(np.array(table, np.int32)) for table in tables)]
        out = () if dtype == "FLOAT32" else scales[1]
        net.op(code, ends, (), out, _zero(net, zeros[1]), dtype, **options)

    return case


def _pools() -> Iterator[tuple[str, Case]]:
    keep, zeros = (0.0373, 0.0373), (-19, -19)
    shapes = (((6, 6, 3), (2, 2), (2, 2), VALID), ((7, 9, 5), (3, 2), (2, 1), SAME),
              ((5, 5, 17), (4, 4), (1, 1), SAME), ((5, 7, 8), (5, 7), (1, 1), VALID),
              ((9, 9, 1), (2, 2), (3, 4), SAME))  # fmt: skip
    for code in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        for i, (shape, k, stride, padding) in enumerate(shapes):
            yield f"{code[:3].lower()}_{i}", _op(
                code, (1, *shape), keep, zeros, filterHeight=k[0], filterWidth=k[1],
                strideH=stride[0], strideW=stride[1], padding=padding,
                fusedActivationFunction=_ACTS[i % 3])  # fmt: skip
    for i, (rows, zero) in enumerate(((1, 127), (9, -128), (35, 7), (62, 0))):
        shape = (1, rows, 1, 2 * i + 1)
        yield f"mean_{rows}", _op("MEAN", shape, (0.03, 0.011), (zero, -1 - zero), [1, 2])


def _two(code: str, n: int, scales: tuple[float, float, float],
         zeros: tuple[int, int, int]) -> Case:  # fmt: skip
    """x and x in another scale."""

    def case(net: Net) -> None:
        x = net.input((1, 1, n, 1), scales[0], _zero(net, zeros[0]))
        other = net.op("QUANTIZE", [x], (), scales[1], _zero(net, zeros[1]))
        net.op(code, [x, other], (), scales[2], _zero(net, zeros[2]), fusedActivationFunction=NONE)

    return case


def _repeated(code: str, shape: tuple[int, ...], c_shape: tuple[int, ...]) -> Case:
    """x and a constant, repeated along x."""

    def case(net: Net) -> None:
        low = 0 if net.dtype == "UINT8" else -128
        values = np.arange(int(np.prod(c_shape))) * 37 % 256 + low
        x = net.input(shape, 0.0373, _zero(net, 5))
        c = net.constant(values.reshape(c_shape).astype(net.dtype.lower()), 0.02, _zero(net, -100))
        net.op(code, [x, c], (), 0.05, _zero(net, -30), fusedActivationFunction=RELU)

    return case


def _arithmetic() -> Iterator[tuple[str, Case]]:
    quantities = (((0.0373, 0.0519, 0.0711), (-19, 11, -30)), ((0.0373, 1.3, 0.0021), (-128, 127, 0)),
                  ((0.9, 0.07, 3.3), (127, 127, 127)), ((0.5, 0.5, 0.5), (0, 0, 0)))  # fmt: skip
    for code in ("ADD", "SUB", "MUL"):
        for i, (scales, zeros) in enumerate(quantities):
            yield f"{code.lower()}_{i}", _two(code, (1, 7, 33, 35)[i], scales, zeros)
        yield f"{code.lower()}_channels", _repeated(code, (1, 3, 2, 5), (5,))
        yield f"{code.lower()}_one", _repeated(code, (1, 3, 2, 5), (1,))


def _functions() -> Iterator[tuple[str, Case]]:
    ends = ((0.0373, -19), (0.0021, 127), (1.7, -128))
    for i, (scale, zero) in enumerate(ends):
        shape = (1, (257, 1, 35)[i])
        yield f"logistic_{i}", _op("LOGISTIC", shape, (scale, 1 / 256), (zero, -128))
        yield f"tanh_{i}", _op("TANH", shape, (scale, 1 / 128), (zero, 0))
        yield f"leaky_{i}", _op("LEAKY_RELU", shape, (scale, 0.05), (zero, -7), alpha=0.3)
        yield f"requantize_{i}", _op("QUANTIZE", shape, (scale, 0.05), (zero, 11))
        yield f"dequantize_{i}", _op("DEQUANTIZE", shape, (scale, 0), (zero, 0), dtype="FLOAT32")
    for i, scale in enumerate((0.0021, 0.11, 1.7, 12.5)):
        for shape in ((1, 2 * i + 1), (1, 3, 5 * i + 2)):
            name = f"softmax_{i}_{len(shape)}"
            yield name, _op("SOFTMAX", shape, (scale, 1 / 256), (7, -128), beta=1.0)


def _quantize(n: int, scale: float, zero: int) -> Case:
    def case(net: Net) -> None:
        net.op("QUANTIZE", [net.input((1, n), dtype="FLOAT32")], (), scale, _zero(net, zero))

    return case


def _movement() -> Iterator[tuple[str, Case]]:
    keep = (0.0373, 0.0373), (-19, -19)
    for i, pads in enumerate(([[0, 0], [1, 2], [0, 3], [0, 0]], [[0, 0], [0, 0], [1, 1], [0, 0]])):
        yield f"pad_{i}", _op("PAD", (1, 3, 4, 5), *keep, pads)
    for i, size in enumerate(([6, 8], [7, 2], [1, 1])):
        yield f"resize_{i}", _op("RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 5), *keep, size)
    for i, order in enumerate(([0, 2, 1, 3], [0, 3, 1, 2], [0, 3, 2, 1])):
        yield f"transpose_{i}", _op("TRANSPOSE", (1, 3, 4, 5), *keep, order)
    for i, (scale, zero) in enumerate(((0.05, 11), (0.003, -128), (2.0, 127))):
        yield f"quantize_{i}", _quantize((1, 8, 35)[i], scale, zero)

    def joined(net: Net) -> None:
        x = net.input((1, 2, 2, 3), 0.0373, _zero(net, -19))
        window = {"filterHeight": 1, "filterWidth": 1, "strideH": 1, "strideW": 1, "padding": VALID}
        part = net.op("MAX_POOL_2D", [x], (), 0.0373, _zero(net, -19), **window)
        net.op("CONCATENATION", [part, x, part], (), 0.0373, _zero(net, -19), axis=3)

    yield "concat", joined


def _layers_halfway() -> Iterator[tuple[str, Case]]:
    options = {"strideH": 1, "strideW": 1, "padding": SAME, **_WHOLE}
    for n in REMAINDERS:
        count, shape = n % 5 + 3, (1, 1, 2, n)
        yield f"dense_ties_{n}", _halfway("FULLY_CONNECTED", (1, n), (count, n))
        yield f"conv_ties_point_{n}", _halfway("CONV_2D", shape, (count, 1, 1, n), **options)
        yield f"conv_ties_taps_{n}", _halfway("CONV_2D", (1, 1, 4, 1), (count, 1, n, 1), **options)
        if n % 4 == 1:
            yield f"depthwise_ties_{n}", _halfway("DEPTHWISE_CONV_2D", shape, (1, 2, 2, n),
                                                  depthMultiplier=1, **options)  # fmt: skip


def _others_halfway() -> Iterator[tuple[str, Case]]:
    """Scales that differ by powers of two; sums of a few values, divided by 2, 4 and 16."""
    powers, zeros = (2.0**-5, 2.0**-4, 2.0**-3), (0, 0, 0)
    for code in ("ADD", "SUB", "MUL"):
        yield f"{code.lower()}_ties", _two(code, 35, powers, zeros)
    yield "requantize_ties", _op("QUANTIZE", (1, 257), powers[:2], (0, 0))
    yield "leaky_ties", _op("LEAKY_RELU", (1, 257), powers[:2], (0, 0), alpha=0.25)
    for rows in (2, 4, 16):
        yield f"mean_ties_{rows}", _op("MEAN", (1, rows, 1, 9), (0.5, 0.5), (0, 0), [1, 2])


def every() -> dict[str, Case]:
    """All cases by name."""
    found: dict[str, Case] = {}
    for cases in (
        _dense,
        _convolutions,
        _depthwise,
        _pools,
        _arithmetic,
        _functions,
        _movement,
        _layers_halfway,
        _others_halfway,
    ):
        for name, case in cases():
            assert name not in found, name
            found[name] = case
    return found


def of_layers(*kinds: str) -> dict[str, Case]:
    """Those with weights: their kernels have variants for extensions, and three roundings."""
    return {name: case for name, case in every().items() if name.split("_")[0] in kinds}


def of_odd_sizes(cases: dict[str, Case]) -> dict[str, Case]:
    """Without every second of the remainders."""
    even = {str(n) for n in REMAINDERS if n % 2 == 0}
    return {name: case for name, case in cases.items() if name.split("_")[-1] not in even}


def of_ties(*kinds: str) -> dict[str, Case]:
    """Layers in which the rounding rules differ."""
    return {name: case for name, case in of_layers(*kinds).items() if "_ties_" in name}
