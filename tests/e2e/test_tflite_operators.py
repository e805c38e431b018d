"""Every TFLite operator by itself: generated C (under UBSan) against LiteRT, byte by byte.

A case is a function that puts one operator into a net; its name is the model's. Cases of a group
are compiled into one library.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the oracle")
from support.tflite_cases import TYPES, Case, entry, net_of, outcome, result, rng_of, zero_of
from support.tflite_models import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, Net

from tinylearn.importers.tflite.network import operators

CASES: dict[str, dict[str, Case]] = {}
#: what is refused with an error that names it, by the ends of cases' names
_INTEGERS = r"sum_\w+"  # LiteRT's reference kernel takes int8 for uint8
REFUSED = {"i8": _INTEGERS, "u8": _INTEGERS, "f32": "$^"}

#: Where LiteRT's vector code for this kind of computer leaves its own portable code by a step, by
#: chance at ties; what "double" computes is the portable code.
_VECTORS = r"depthwise_\w+|i8_mean_image_kept_wide(r)?|(add|sub)_constant_(first_)?equal"


def is_allowed(name: str, rounding: str, steps: float) -> bool:
    """Whether differences are those of LiteRT's vector code, or of float32 sums of several hundred
    whose clamp to -1 .. 1 hides how large they were."""
    if re.fullmatch(r"f32_\w+_n1", name):
        return steps <= 1e-4
    return bool(re.search(f"(?:{_VECTORS})$", name)) and rounding == "double" and steps <= 1


def is_refused(name: str) -> bool:
    """Whether a case shows what the importer does not take."""
    return re.search(f"(?:{REFUSED[name.split('_')[0]]})$", name) is not None


def add(group: str, name: str, case: Case) -> None:
    assert name not in CASES.setdefault(group, {}), name
    CASES[group][name] = case


# ---- layers with weights ----


def weighted(net: Net, code: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], seed: int,
             per_channel: bool = False, gain: float = 1.0, in_scale: float = 0.0373,
             in_zero: int = -19, zero: int = 11, extreme: bool = False, bias: bool = True,
             **options: int | float | bool) -> None:  # fmt: skip
    """A layer whose outputs spread over the range at gain 1."""
    rng, axis = rng_of(seed), 3 if code == "DEPTHWISE_CONV_2D" else 0
    count, x = w_shape[axis], entry(net, x_shape, in_scale, in_zero)
    taps = int(np.prod(w_shape)) // count
    if net.dtype == "FLOAT32":
        w = net.constant(rng.normal(0, 0.4, w_shape).astype(np.float32))
        b = net.constant(rng.normal(0, 0.5, count).astype(np.float32))
        net.op(code, [x, w, b] if bias else [x, w], **options)
        return
    scales = np.exp(rng.normal(-4.2, 0.7 if per_channel else 0.1, count if per_channel else 1))
    scales = scales.astype(np.float32)
    low, high, kind = (0, 256, np.uint8) if net.dtype == "UINT8" else (-127, 128, np.int8)
    values = rng.integers(low, high, w_shape)
    if extreme:
        values = np.where(rng.random(w_shape) < 0.9, high - 1, low)
    w = net.constant(values.astype(kind), scales, 117 if net.dtype == "UINT8" else 0, axis)
    mean = float(np.exp(np.log(scales).mean()))
    limit = 2**29 if extreme else 3000
    b = net.tensor((count,), "INT32", np.float32(in_scale) * scales, 0,
                   rng.integers(-limit, limit, count).astype(np.int32))  # fmt: skip
    out_scale = in_scale * mean * np.sqrt(taps) * (70 if not extreme else 8000) / gain
    net.op(code, [x, w, b] if bias else [x, w], (), out_scale, zero_of(net, zero), **options)


def layer(group: str, name: str, code: str, x: tuple[int, ...], w: tuple[int, ...],
          **options: object) -> None:  # fmt: skip
    seed = sum(map(ord, name))
    add(group, name, lambda net: weighted(net, code, x, w, seed, **options))


def dense_cases(t: str) -> None:
    group = f"{t}_dense"

    def dense(name: str, n_in: int, n_out: int, **options: object) -> None:
        layer(group, f"{t}_{name}", "FULLY_CONNECTED", (1, n_in), (n_out, n_in), **options)

    for n_in, n_out in ((1, 1), (3, 5), (16, 4), (37, 10), (64, 7), (130, 3)):
        dense(f"dense_{n_in}_{n_out}", n_in, n_out)
    for i, act in enumerate(("relu", "n1", "relu6")):
        dense(f"dense_{act}", 21, 6, fusedActivationFunction=i + 1, zero=-128 + i)
    dense("dense_no_bias", 9, 4, bias=False)
    if t == "f32":
        return
    dense("dense_loud", 12, 5, gain=90.0)
    dense("dense_left_shift", 5, 5, gain=40000.0)
    dense("dense_quiet", 40, 8, gain=0.02)
    dense("dense_zeros", 40, 8, in_zero=127, zero=-128, in_scale=0.9)
    dense("dense_near_limits", 600, 6, extreme=True)
    if t == "i8":
        dense("dense_per_channel", 33, 9, per_channel=True)
        dense("dense_per_channel_loud", 33, 9, per_channel=True, gain=500.0)
        dense("dense_per_channel_relu", 17, 18, per_channel=True, fusedActivationFunction=RELU)


def conv_cases(t: str) -> None:
    group = f"{t}_conv"

    def conv(name: str, x: tuple[int, int, int], w: tuple[int, ...], stride: tuple[int, int] = (1, 1),
             pad: int = SAME, **options: object) -> None:  # fmt: skip
        layer(group, f"{t}_{name}", "CONV_2D", (1, *x), w, strideH=stride[0], strideW=stride[1],
              padding=pad, **{"dilationHFactor": 1, "dilationWFactor": 1, **options})  # fmt: skip

    conv("conv_plain", (5, 6, 3), (4, 3, 3, 3))
    conv("conv_valid", (7, 5, 2), (5, 3, 2, 2), pad=VALID)
    conv("conv_stride", (9, 8, 4), (3, 3, 3, 4), (2, 2))
    conv("conv_strides", (9, 10, 1), (6, 5, 4, 1), (3, 2))
    conv("conv_skips", (8, 8, 3), (4, 1, 1, 3), (2, 3), VALID)
    conv("conv_point", (3, 4, 17), (9, 1, 1, 17))
    conv("conv_wide", (3, 3, 37), (7, 3, 3, 37))
    conv("conv_large_window", (2, 3, 2), (3, 5, 7, 2))
    conv("conv_line", (1, 16, 3), (4, 1, 5, 3), (1, 2))
    for i, act in enumerate(("relu", "n1", "relu6")):
        conv(f"conv_{act}", (4, 4, 4), (4, 3, 3, 4), fusedActivationFunction=i + 1, zero=3 * i - 20)
    conv("conv_dilated", (9, 9, 2), (3, 3, 3, 2), dilationHFactor=2, dilationWFactor=3)
    conv("conv_dilated_valid", (9, 9, 2), (3, 3, 3, 2), pad=VALID, dilationHFactor=2,
         dilationWFactor=2)  # fmt: skip
    if t == "f32":
        return
    conv("conv_loud", (4, 4, 3), (5, 3, 3, 3), gain=300.0)
    conv("conv_left_shift", (4, 4, 1), (5, 2, 2, 1), gain=30000.0)
    conv("conv_quiet", (4, 4, 3), (5, 3, 3, 3), gain=0.01)
    conv("conv_near_limits", (3, 3, 64), (5, 3, 3, 64), extreme=True, in_zero=-128)
    if t == "i8":
        conv("conv_per_channel", (5, 6, 3), (13, 3, 3, 3), per_channel=True)
        conv("conv_per_channel_point", (5, 3, 8), (6, 1, 1, 8), per_channel=True, gain=20.0)
        conv("conv_per_channel_loud", (5, 6, 3), (5, 3, 3, 3), per_channel=True, gain=1000.0)


def depthwise_cases(t: str) -> None:
    group = f"{t}_depthwise"

    def depthwise(name: str, x: tuple[int, int, int], w: tuple[int, int], multiplier: int = 1,
                  stride: int = 1, pad: int = SAME, **options: object) -> None:  # fmt: skip
        layer(group, f"{t}_{name}", "DEPTHWISE_CONV_2D", (1, *x), (1, *w, x[2] * multiplier),
              strideH=stride, strideW=stride, padding=pad, depthMultiplier=multiplier,
              **{"dilationHFactor": 1, "dilationWFactor": 1, **options})  # fmt: skip

    for c in (2, 3, 4, 8, 21):
        depthwise(f"depthwise_{c}", (5, 6, c), (3, 3))
    depthwise("depthwise_valid", (7, 5, 6), (3, 2), pad=VALID)
    depthwise("depthwise_stride", (9, 8, 5), (3, 3), stride=2)
    depthwise("depthwise_large_window", (2, 3, 4), (5, 7))
    depthwise("depthwise_point", (3, 3, 7), (1, 1))
    depthwise("depthwise_one_channel", (6, 6, 1), (3, 3), 5)
    depthwise("depthwise_one_to_one", (6, 6, 1), (3, 3))
    depthwise("depthwise_times_2", (6, 5, 3), (3, 3), 2)
    depthwise("depthwise_times_4", (6, 5, 5), (2, 3), 4, stride=2)
    depthwise("depthwise_times_3_valid", (6, 5, 4), (3, 3), 3, pad=VALID)
    for i, act in enumerate(("relu", "n1", "relu6")):
        depthwise(f"depthwise_{act}", (4, 4, 4), (3, 3), fusedActivationFunction=i + 1)
    depthwise("depthwise_dilated", (9, 9, 4), (3, 3), dilationHFactor=2, dilationWFactor=3)
    depthwise("depthwise_dilated_one", (9, 9, 1), (3, 3), 2, dilationHFactor=2, dilationWFactor=2,
              pad=VALID)  # fmt: skip
    if t == "f32":
        return
    depthwise("depthwise_loud", (4, 4, 5), (3, 3), gain=300.0)
    depthwise("depthwise_left_shift", (4, 4, 5), (3, 3), gain=30000.0)
    depthwise("depthwise_quiet", (4, 4, 5), (3, 3), gain=0.02)
    depthwise("depthwise_zeros", (4, 4, 5), (3, 3), in_zero=127, zero=-128)
    depthwise("depthwise_near_limits", (4, 4, 5), (3, 3), extreme=True)
    if t == "i8":
        depthwise("depthwise_per_channel", (5, 6, 13), (3, 3), per_channel=True)
        depthwise("depthwise_per_channel_times_2", (5, 6, 3), (3, 3), 2, per_channel=True)
        depthwise("depthwise_per_channel_one", (5, 6, 1), (3, 3), 8, per_channel=True)
        depthwise("depthwise_per_channel_loud", (5, 6, 6), (3, 3), per_channel=True, gain=900.0)


# ---- pooling ----


def pool(net: Net, code: str, shape: tuple[int, ...], k: tuple[int, int], stride: tuple[int, int],
         pad: int, act: int) -> None:  # fmt: skip
    x = entry(net, (1, *shape))
    result(net, code, [x], 0.0373, -19, filterHeight=k[0], filterWidth=k[1], strideH=stride[0],
           strideW=stride[1], padding=pad, fusedActivationFunction=act)  # fmt: skip


def pool_cases(t: str) -> None:
    shapes = {
        "plain": ((6, 6, 3), (2, 2), (2, 2), VALID, NONE),
        "odd": ((7, 9, 5), (3, 2), (2, 1), SAME, NONE),
        "padded": ((5, 5, 4), (4, 4), (1, 1), SAME, NONE),
        "global": ((5, 7, 8), (5, 7), (1, 1), VALID, NONE),
        "skips": ((9, 9, 2), (2, 2), (3, 4), SAME, NONE),
        "relu": ((6, 6, 3), (3, 3), (1, 2), SAME, RELU),
        "relu6": ((6, 6, 3), (3, 3), (2, 2), VALID, RELU6),
        "n1": ((6, 6, 3), (3, 3), (2, 2), VALID, RELU_N1_TO_1),
    }
    for kind in ("MAX", "AVERAGE"):
        for name, arguments in shapes.items():
            add(f"{t}_pool", f"{t}_{kind.lower()}_{name}",
                lambda net, a=arguments, c=f"{kind}_POOL_2D": pool(net, c, *a))  # fmt: skip


# ---- results half way between two codes: the last bit of the ratio of scales decides ----

#: their product, and the quotient of the first and HALF, round differently in float32 and double
HALVES = (0.05, 0.01)
HALF = np.float32(6 / 255)


def halves(net: Net, code: str) -> None:
    """Products of which every 32nd lies half way."""
    a, b = (np.float32(scale) for scale in HALVES)
    scale, rng = float(a * b) * 32, rng_of(7)
    u8 = net.dtype == "UINT8"
    w_shape, x_shape = {
        "FULLY_CONNECTED": ((24, 40), (1, 40)), "CONV_2D": ((24, 1, 1, 5), (1, 3, 3, 5)),
        "DEPTHWISE_CONV_2D": ((1, 1, 1, 24), (1, 3, 3, 24)), "MUL": ((40,), (1, 9, 40)),
    }[code]  # fmt: skip
    values = rng.integers(-9, 10, w_shape) + (128 if u8 else 0)
    w = net.constant(values.astype(np.uint8 if u8 else np.int8), b, 128 if u8 else 0)
    x, options = entry(net, x_shape, float(a)), {}
    if "CONV" in code:
        options = {"strideH": 1, "strideW": 1, "padding": VALID}
    if code.startswith("D"):
        options["depthMultiplier"] = 1
    bias = [net.constant(np.zeros(24, np.int32), float(a * b))] if code != "MUL" else []
    result(net, code, [x, w, *bias], scale, 3, **options)


def halves_cases(t: str) -> None:
    for code in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "MUL"):
        add(f"{t}_halves", f"{t}_halves_{code.lower()}", lambda net, c=code: halves(net, c))
    for code in ("RELU", "RELU6", "LEAKY_RELU", "QUANTIZE"):
        options = {"alpha": 0.25} if code == "LEAKY_RELU" else {}
        add(f"{t}_halves", f"{t}_halves_{code.lower()}",
            lambda net, c=code, o=options: unary(net, c, HALVES[0], 3, (HALF, -128), **o))  # fmt: skip


def mean(net: Net, shape: tuple[int, ...], axes: tuple[int, ...], keep: bool, scale: float,
         zero: int, code: str = "MEAN") -> None:  # fmt: skip
    x = entry(net, shape)
    result(net, code, [x, net.constant(np.array(axes, np.int32))], scale, zero, keepDims=keep)


def mean_cases(t: str) -> None:
    shapes = {
        "image": ((1, 5, 7, 6), (1, 2), False, 0.0212, 4),
        "image_kept": ((1, 4, 4, 3), (1, 2), True, 0.0373, -19),
        "image_kept_scaled": ((1, 4, 4, 3), (2, 1), True, 0.0373 * 1.7, -128),
        "image_loud": ((1, 3, 3, 5), (1, 2), False, 0.0011, -90),
        "image_one": ((1, 1, 1, 5), (1, 2), False, 0.0301, -90),
        "image_large": ((1, 31, 29, 2), (-3, -2), False, 0.0091, 7),
        "height_of_one_column": ((1, 9, 1, 5), (1,), False, 0.03, 5),
        "height_of_one_column_kept": ((1, 9, 1, 5), (1,), True, 0.0373, -19),
        "width_of_one_row": ((1, 1, 9, 5), (2,), False, 0.03, 5),
        "sequence": ((1, 11, 5), (1,), False, 0.03, 5),
        "sequence_kept": ((1, 11, 5), (1,), True, 0.0373, -19),
        "last": ((1, 13), (-1,), False, 0.03, 5),
        "last_kept": ((1, 13), (-1,), True, 0.03, 5),
        "last_of_image": ((1, 3, 4, 6), (3,), False, 0.03, 5),
        "last_of_sequence": ((1, 5, 6), (-1,), True, 0.03, 5),
        "all": ((1, 3, 4, 6), (1, 2, 3), False, 0.01, 5),
        "width": ((1, 3, 4, 6), (2,), False, 0.03, 5),
        "height": ((1, 3, 4, 6), (1,), False, 0.03, 5),
        "width_and_channels": ((1, 3, 4, 6), (2, 3), True, 0.03, 5),
        "height_and_channels": ((1, 3, 4, 6), (3, 1), False, 0.03, 5),
        "batch_too": ((1, 3, 4, 6), (0, 1, 2), False, 0.03, 5),
        "image_kept_by_negatives": ((1, 4, 4, 3), (-3, -2), True, 0.029, -12),
        "image_kept_wide": ((1, 4, 5, 16), (1, 2), True, 0.0373 * 0.83, 12),
        "image_kept_wider": ((1, 2, 3, 37), (1, 2), True, 0.0373 * 1.1, 31),
    }  # fmt: skip
    for name, arguments in shapes.items():
        add(f"{t}_mean", f"{t}_mean_{name}", lambda net, a=arguments: mean(net, *a))
    for name in ("image", "all", "width", "last_of_sequence", "height_and_channels"):
        add(f"{t}_mean", f"{t}_sum_{name}", lambda net, a=shapes[name]: mean(net, *a, "SUM"))
    for name in (
        "image",
        "image_kept",
        "sequence",
        "last_of_sequence",
        "all",
        "width",
        "batch_too",
    ):
        shape, axes, keep = shapes[name][:3]
        same = (0.0373, -19)  # a greatest value is not rescaled
        add(f"{t}_mean", f"{t}_max_{name}",
            lambda net, a=(shape, axes, keep, *same): mean(net, *a, "REDUCE_MAX"))  # fmt: skip


# ---- arithmetic ----


def two_tensors(net: Net, code: str, shape: tuple[int, ...], scales: tuple[float, float, float],
                zeros: tuple[int, int, int], act: int) -> None:  # fmt: skip
    """x and max-pooled x, in a scale of its own where that can be had."""
    x = entry(net, shape, scales[0], zeros[0])
    floats = net.dtype == "FLOAT32"
    other = net.op("TANH", [x]) if floats else result(net, "QUANTIZE", [x], scales[1], zeros[1])
    ends = [other, x] if zeros[0] % 2 else [x, other]
    result(net, code, ends, scales[2], zeros[2], fusedActivationFunction=act)


def with_constant(net: Net, code: str, shape: tuple[int, ...], c_shape: tuple[int, ...], first: bool,
                  act: int, scales: tuple[float, float] = (0.0213, 0.061)) -> None:  # fmt: skip
    x, rng = entry(net, shape), rng_of(*shape, len(c_shape))
    if net.dtype == "FLOAT32":
        c = net.constant(rng.normal(0, 1.5, c_shape).astype(np.float32))
    else:
        kind = np.dtype(net.dtype.lower())
        limits = np.iinfo(kind)
        values = rng.integers(limits.min, limits.max + 1, c_shape).astype(kind)
        c = net.constant(values, scales[0], zero_of(net, -7))
    result(net, code, [c, x] if first else [x, c], scales[1], -30, fusedActivationFunction=act)


def broadcast(net: Net, code: str, shape: tuple[int, ...], k: tuple[int, int], first: bool) -> None:
    """An image and its pooled self, repeated along height and width."""
    x = entry(net, shape)
    small = result(net, "AVERAGE_POOL_2D", [x], 0.0373, -19, filterHeight=k[0], filterWidth=k[1],
                   strideH=1, strideW=1, padding=VALID)  # fmt: skip
    result(net, code, [small, x] if first else [x, small], 0.09, -30)


def arithmetic_cases(t: str) -> None:
    for code in ("ADD", "SUB", "MUL"):
        group, name = f"{t}_{code.lower()}", f"{t}_{code.lower()}"
        for i, (scales, zeros) in enumerate((
            ((0.0373, 0.0519, 0.0711), (-19, 11, -30)), ((0.0373, 0.0011, 0.04), (5, -128, 3)),
            ((0.5, 0.5, 0.5), (0, 0, 0)), ((0.0373, 1.3, 0.0021), (-128, 127, 0)),
            ((0.9, 0.07, 3.3), (127, 127, 127)),
        )):  # fmt: skip
            add(group, f"{name}_two_{i}", lambda net, c=code, s=scales, z=zeros, a=i % 4:
                two_tensors(net, c, (1, 3, 5, 7), s, z, a))  # fmt: skip
        shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
            "scalar": ((1, 3, 4, 5), ()), "one": ((1, 3, 4, 5), (1,)),
            "last": ((1, 3, 4, 5), (5,)), "last_1x": ((1, 3, 4, 5), (1, 1, 1, 5)),
            "last_two": ((1, 3, 4, 5), (4, 5)), "equal": ((1, 3, 4, 5), (1, 3, 4, 5)),
            "row": ((1, 6), (1, 6)), "row_one": ((1, 6), (1, 1)),
            "places": ((1, 3, 4, 5), (1, 3, 4, 1)), "rows": ((1, 3, 4, 5), (1, 3, 1, 1)),
            "leading": ((1, 3, 4, 5), (3, 1, 5)), "columns": ((1, 3, 4, 5), (1, 1, 4, 1)),
        }  # fmt: skip
        for i, (kind, (shape, c_shape)) in enumerate(shapes.items()):
            add(group, f"{name}_constant_{kind}", lambda net, c=code, s=shape, k=c_shape, a=i % 4:
                with_constant(net, c, s, k, False, a))  # fmt: skip
            add(group, f"{name}_constant_first_{kind}", lambda net, c=code, s=shape, k=c_shape:
                with_constant(net, c, s, k, True, NONE))  # fmt: skip
        add(
            group,
            f"{name}_pooled",
            lambda net, c=code: broadcast(net, c, (1, 4, 5, 3), (4, 5), False),
        )
        add(group, f"{name}_pooled_first",
            lambda net, c=code: broadcast(net, c, (1, 4, 5, 3), (4, 5), True))  # fmt: skip
        add(group, f"{name}_pooled_rows",
            lambda net, c=code: broadcast(net, c, (1, 4, 5, 3), (4, 1), False))  # fmt: skip


# ---- activations and conversions ----


def unary(net: Net, code: str, scale: float, zero: int, out: tuple[float, int],
          shape: tuple[int, ...] = (1, 257), **options: int | float) -> None:  # fmt: skip
    result(net, code, [entry(net, shape, scale, zero)], *out, **options)


def activation_cases(t: str) -> None:
    group = f"{t}_activation"
    ends = ((0.0373, -19), (0.11, 3), (0.0021, 127), (1.7, -128))
    for i, (scale, zero) in enumerate(ends):
        for code in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
            for j, out in enumerate(((scale, zero), (0.0519, -7))):
                add(group, f"{t}_{code.lower()}_{i}_{j}", lambda net, c=code, s=scale, z=zero, o=out:
                    unary(net, c, s, z, o))  # fmt: skip
        for j, alpha in enumerate((0.01, 0.3, 1.5)):
            add(group, f"{t}_leaky_{i}_{j}", lambda net, s=scale, z=zero, a=alpha:
                unary(net, "LEAKY_RELU", s, z, (0.0519, -7), alpha=a))  # fmt: skip
        add(group, f"{t}_logistic_{i}", lambda net, s=scale, z=zero:
            unary(net, "LOGISTIC", s, z, (1 / 256, -128)))  # fmt: skip
        for j, (factor, out) in enumerate(((0.6, -100), (1.0, 3), (2.3, 17))):
            add(group, f"{t}_hard_swish_{i}_{j}", lambda net, s=scale, z=zero, f=factor, o=out:
                unary(net, "HARD_SWISH", s, z, (f * s, o)))  # fmt: skip
        add(group, f"{t}_tanh_{i}", lambda net, s=scale, z=zero:
            unary(net, "TANH", s, z, (1 / 128, 0)))  # fmt: skip


def softmax_cases(t: str) -> None:
    for i, scale in enumerate((0.0373, 0.11, 0.0021, 1.7, 12.5)):
        for shape in ((1, 1), (1, 2), (1, 10), (1, 37), (1, 3, 5), (1, 2, 3, 4)):
            name = f"{t}_softmax_{i}_{'_'.join(map(str, shape))}"
            add(f"{t}_softmax", name, lambda net, s=scale, n=shape:
                unary(net, "SOFTMAX", s, 7, (1 / 256, -128), n, beta=1.0))  # fmt: skip
    for i, beta in enumerate((0.3, 2.5)):
        add(f"{t}_softmax", f"{t}_softmax_beta_{i}", lambda net, b=beta:
            unary(net, "SOFTMAX", 0.08, 7, (1 / 256, -128), (1, 10), beta=b))  # fmt: skip


def quantize_cases(t: str) -> None:
    group = f"{t}_quantize"
    for i, (a, b) in enumerate((
        ((0.0373, -19), (0.0519, 11)), ((0.5, 0), (0.5, 5)), ((0.9, 127), (0.0031, -128)),
        ((0.001, 3), (0.9, 3)), ((0.0373, -19), (0.0373, -19)),
    )):  # fmt: skip
        add(group, f"{t}_requantize_{i}", lambda net, a=a, b=b: unary(net, "QUANTIZE", *a, b))
        add(group, f"{t}_dequantize_{i}", lambda net, a=a: net.op(
            "DEQUANTIZE", [entry(net, (1, 257), *a)], dtype="FLOAT32") and None)  # fmt: skip
        add(group, f"{t}_quantize_{i}", lambda net, b=b: net.op(
            "QUANTIZE", [net.input((1, 41), dtype="FLOAT32")], (), b[0], zero_of(net, b[1])) and None)  # fmt: skip


# ---- what moves ----


def pad(net: Net, shape: tuple[int, ...], pads: list[list[int]], code: str = "PAD",
        value: int = -19) -> None:  # fmt: skip
    x = entry(net, shape)
    ends = [x, net.constant(np.array(pads, np.int32))]
    if code == "PADV2":
        if net.dtype == "FLOAT32":
            ends.append(net.constant(np.array(0.0373 * (value + 19), np.float32)))
        else:
            stored = np.array(zero_of(net, value), net.dtype.lower())
            ends.append(net.constant(stored, 0.0373, zero_of(net, -19)))
    result(net, code, ends, 0.0373, -19)


def concat(net: Net, shapes: list[tuple[int, ...]], axis: int, same: bool) -> None:
    """Parts of one input, pooled to what the joined axis leaves free."""
    x = entry(net, (1, 4, 4, 3))
    parts = []
    for i, (h, w) in enumerate(shapes):
        part = result(net, "MAX_POOL_2D", [x], 0.0373, -19, filterHeight=5 - h, filterWidth=5 - w,
                      strideH=1, strideW=1, padding=VALID)  # fmt: skip
        if not same and i % 2 and net.dtype != "FLOAT32":
            part = result(net, "QUANTIZE", [part], 0.021 * i + 0.01, 3 * i - 40)
        parts.append(part)
    if not same and net.dtype != "FLOAT32":
        result(net, "CONCATENATION", parts, 0.05, 8, axis=axis)
    else:
        result(net, "CONCATENATION", parts, 0.0373, -19, axis=axis)


def resize(net: Net, shape: tuple[int, int, int], size: tuple[int, int], align: bool,
           half: bool) -> None:  # fmt: skip
    ends = [entry(net, (1, *shape)), net.ints(*size)]
    result(net, "RESIZE_NEAREST_NEIGHBOR", ends, 0.0373, -19, alignCorners=align,
           halfPixelCenters=half)  # fmt: skip


def moved(
    net: Net, code: str, shape: tuple[int, ...], *tables: list[int], **options: object
) -> None:
    ends = [entry(net, shape), *(net.constant(np.array(t, np.int32)) for t in tables)]
    result(net, code, ends, 0.0373, -19, **options)


def slice_cases(t: str) -> None:
    group, image = f"{t}_move", (1, 5, 6, 4)
    for i, (shape, begin, end, step, masks) in enumerate((
        (image, [0, 1, 2, 1], [1, 4, 6, 3], [1, 1, 2, 1], {}),
        (image, [0, -2, 0, 0], [0, 0, -1, 0], [1, 1, 1, 3], {"beginMask": 9, "endMask": 11}),
        ((1, 7, 4), [0, -1, 0], [0, 0, 0], [1, 1, 1],
         {"beginMask": 5, "endMask": 5, "shrinkAxisMask": 2}),
        ((1, 9), [0, 8], [1, -20], [1, 1], {"shrinkAxisMask": 2}),
        ((1, 9), [0, 1], [1, 99], [1, 3], {}),
    )):  # fmt: skip
        add(group, f"{t}_strided_slice_{i}", lambda net, a=(shape, begin, end, step), m=masks:
            moved(net, "STRIDED_SLICE", *a, **m))  # fmt: skip
    add(group, f"{t}_slice", lambda net: moved(net, "SLICE", image, [0, 1, 0, 3], [1, 2, -1, 1]))
    for i, (place, axis) in enumerate(((4, 1), (0, -1))):
        add(group, f"{t}_gather_{i}", lambda net, p=place, a=axis: moved(
            net, "GATHER", image, p, axis=a))  # fmt: skip


def flatten(net: Net) -> None:
    """As the converter writes it: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    x = entry(net, (1, 3, 4, 5))
    shape = net.op("SHAPE", [x], dtype="INT32", outType=schema_int32())
    ends = [shape, net.ints([0]), net.ints([1]), net.ints([1])]
    first = net.op("STRIDED_SLICE", ends, dtype="INT32", shrinkAxisMask=1)
    minus = net.constant(np.array(60, np.int32))
    packed = net.op("PACK", [first, minus], dtype="INT32", valuesCount=2, axis=0)
    result(net, "RESHAPE", [x, packed], 0.0373, -19)
    weights = np.eye(60)[:7]
    if net.dtype == "FLOAT32":
        last = [len(net.tensors) - 1, net.constant(weights.astype(np.float32))]
        net.op("FULLY_CONNECTED", last)
    else:
        kind = np.uint8 if net.dtype == "UINT8" else np.int8
        w = net.constant((weights * 100).astype(kind), 0.013, 0)
        result(net, "FULLY_CONNECTED", [len(net.tensors) - 2, w], 0.04, 3)


def schema_int32() -> int:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated.TensorType.INT32


def move_cases(t: str) -> None:
    group = f"{t}_move"
    for code in ("PAD", "PADV2"):
        for i, (shape, pads) in enumerate((
            ((1, 3, 4, 5), [[0, 0], [1, 2], [0, 3], [0, 0]]),
            ((1, 3, 4, 1), [[0, 0], [0, 0], [1, 1], [0, 0]]),
            ((1, 2, 2, 3), [[0, 0], [0, 0], [0, 0], [0, 0]]),
            ((1, 2, 4, 3), [[0, 0], [0, 0], [0, 0], [2, 1]]),
            ((1, 2, 4, 3), [[0, 0], [1, 2], [0, 1], [0, 2]]),
            ((1, 7, 3), [[0, 0], [4, 0], [0, 0]]),
            ((1, 7, 3), [[0, 0], [1, 2], [3, 0]]),
            ((1, 9), [[0, 0], [2, 5]]),
            ((1, 9), [[0, 0], [0, 0]]),
        )):  # fmt: skip
            for value in (-19, 77) if code == "PADV2" else (-19,):
                add(group, f"{t}_{code.lower()}_{i}" + ("_value" if value == 77 else ""),
                    lambda net, s=shape, p=pads, c=code, v=value: pad(net, s, p, c, v))  # fmt: skip
    square, mixed = [(2, 2)] * 3, [(1, 2), (3, 2), (2, 2)]
    many = [(2, 2)] * 9
    for same in (True, False) if t != "i8" else (True,):  # LiteRT takes int8 of one scale alone
        name = f"{t}_concat_{'same' if same else 'scaled'}"
        add(group, f"{name}_channels", lambda net, s=same: concat(net, square, 3, s))
        add(group, f"{name}_rows", lambda net, s=same: concat(net, mixed, 1, s))
        add(group, f"{name}_columns", lambda net, s=same: concat(net, [(2, 1), (2, 3)], -2, s))
        add(group, f"{name}_many", lambda net, s=same: concat(net, many, 3, s))
        add(group, f"{name}_many_rows", lambda net, s=same: concat(net, [(1, 2)] * 6, 1, s))
        add(group, f"{name}_one", lambda net, s=same: concat(net, [(3, 3)], 3, s))
    for i, (align, half) in enumerate(((False, False), (True, False), (False, True))):
        for j, (shape, size) in enumerate((
            ((3, 4, 5), (6, 8)), ((5, 5, 1), (3, 2)), ((2, 3, 2), (7, 11)), ((4, 4, 3), (1, 1)),
            ((1, 1, 3), (4, 5)),
        )):  # fmt: skip
            add(group, f"{t}_resize_{i}_{j}", lambda net, s=shape, z=size, a=align, h=half:
                resize(net, s, z, a, h))  # fmt: skip
    for i, (shape, perm) in enumerate((
        ((1, 3, 4, 5), [0, 2, 1, 3]), ((1, 3, 4, 5), [0, 3, 1, 2]), ((1, 3, 4, 5), [0, 3, 2, 1]),
        ((1, 3, 4), [0, 2, 1]), ((1, 3, 4, 5), [0, 1, 2, 3]), ((1, 1, 4, 5), [1, 0, 3, 2]),
        ((1, 3, 1, 5), [2, 3, 0, 1]), ((1, 1, 6), [1, 2, 0]), ((6,), [0]),
    )):  # fmt: skip
        add(group, f"{t}_transpose_{i}", lambda net, s=shape, p=perm: moved(net, "TRANSPOSE", s, p))
    add(group, f"{t}_reshape", lambda net: moved(net, "RESHAPE", (1, 3, 4, 5), [1, 60]))
    add(group, f"{t}_squeeze",
        lambda net: moved(net, "SQUEEZE", (1, 1, 4, 5), squeezeDims=[1]))  # fmt: skip
    add(group, f"{t}_expand", lambda net: moved(net, "EXPAND_DIMS", (1, 3, 5), [2]))
    add(group, f"{t}_flatten", flatten)


for _type in TYPES:
    for _cases in (dense_cases, conv_cases, depthwise_cases, pool_cases, mean_cases,
                   arithmetic_cases, activation_cases, softmax_cases, move_cases, slice_cases):  # fmt: skip
        _cases(_type)
    if _type != "f32":
        quantize_cases(_type)
        halves_cases(_type)


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize("group", CASES)
def test_operators_equal_litert(group: str, rounding: str, build, tmp_path: Path) -> None:
    found = outcome(group, CASES[group], rounding, build, tmp_path)
    wrong = {n: w for n, w in found.wrong.items() if not is_allowed(n, rounding, found.steps[n])}
    assert wrong == {}
    assert found.refused == {name for name in CASES[group] if is_refused(name)}


def test_every_operator_has_a_case() -> None:
    from ai_edge_litert import schema_py_generated as schema

    nets = (net_of(group, name, case) for group in CASES for name, case in CASES[group].items())
    used = {code for net in nets for code in net.codes}
    elsewhere = {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"}  # test_tflite_batched.py
    assert {getattr(schema.BuiltinOperator, code) for code in operators()} - {
        getattr(schema.BuiltinOperator, code) for code in elsewhere
    } <= used
