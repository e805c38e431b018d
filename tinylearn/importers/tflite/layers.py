"""FULLY_CONNECTED, CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.tflite.file import TfOperator, TfTensor
from tinylearn.importers.tflite.state import Rule, State, activated, as_int8, fused
from tinylearn.ir.graph import Array
from tinylearn.ir.quant import Quant, requant_table
from tinylearn.ops.window import window_attrs

_BIAS = 2
_BIAS_TYPES = {True: ("INT32", "INT64"), False: ("FLOAT32",)}
_INT32 = np.iinfo(np.int32)


def padding(operator: TfOperator) -> str:
    """ "same" or "valid"."""
    code = operator.options.get("Padding", 0)
    if code not in (0, 1):
        raise BadInputError(f"{operator.where}: padding {code} does not exist")
    return ("same", "valid")[code]


def _window(operator: TfOperator, kernel: tuple[int, int]) -> dict[str, Any]:
    options = operator.options
    strides = (options["StrideH"], options["StrideW"])
    dilation = (options["DilationHFactor"], options["DilationWFactor"])
    if min(dilation) < 1:
        raise BadInputError(f"{operator.where}: dilation {dilation} must be positive")
    return window_attrs(kernel, strides, padding(operator), dilation)


def _bias(state: State, operator: TfOperator, count: int, quantized: bool) -> Array:
    if len(operator.inputs) <= _BIAS or operator.inputs[_BIAS] < 0:
        return np.zeros(count, np.int32)
    bias, kinds = state.constant(operator, _BIAS).reshape(-1), _BIAS_TYPES[quantized]
    if state.tensor(operator, _BIAS).type not in kinds:
        raise BadInputError(f"{operator.where}: its biases are not of {' or '.join(kinds)}")
    if len(bias) != count:
        raise BadInputError(f"{operator.where}: {len(bias)} biases for {count} outputs")
    return bias


def _weights(state: State, operator: TfOperator, channels_last: bool) -> tuple[Array, Quant, int]:
    """Weights as int8 with the output channel in front or behind, their scales, and the zero
    point that uint8 weights have."""
    tensor, data = state.tensor(operator, 1), state.constant(operator, 1)
    if tensor.type not in ("INT8", "UINT8"):
        raise UnsupportedError(f"{operator.where}: weights of {tensor.type} on int8 inputs")
    quant = state.quant(tensor)
    values = as_int8(tensor, data)
    count = values.shape[-1 if channels_last else 0]
    if len(quant.scales) not in (1, count):
        raise BadInputError(
            f"{operator.where}: {len(quant.scales)} weight scales, {count} channels"
        )
    channel = tensor.data.ndim - 1 if channels_last and tensor.data is not None else 0
    if len(quant.scales) > 1 and quant.axis != channel:
        raise BadInputError(
            f"{operator.where}: weight scales along axis {quant.axis}, not {channel}"
        )
    zeros = set(quant.zero_points)
    if len(zeros) != 1:
        raise UnsupportedError(f"{operator.where}: weights of several zero points")
    return values, quant, zeros.pop()


def _multiplies_short(state: State, operator: TfOperator, quant: Quant) -> bool:
    """Whether a layer has one multiplier, of scales multiplied in float32 (TFLite's
    GetQuantizedConvolutionMultipler), as measured: fully connected ones in the optimized kernels,
    convolutions of uint8. The others have one a channel, in double."""
    dense, uint8 = operator.code == "FULLY_CONNECTED", state.tensor(operator, 0).type == "UINT8"
    return len(quant.scales) == 1 and (state.rounding == "double" if dense else uint8)


def _rows(state: State, operator: TfOperator, folded: Array, quant: Quant, attrs: dict[str, Any],
          name: str) -> str:  # fmt: skip
    """The table of biases and multipliers."""
    count = len(folded)
    bias = _bias(state, operator, count, True).astype(np.int64) - attrs["in_zeros"][0] * folded
    if count == 0 or bias.min() < _INT32.min or bias.max() > _INT32.max:
        raise UnsupportedError(f"{operator.where}: a bias leaves 32 bits")
    scales = (attrs["in_scales"][0], quant.scales, attrs["out_scale"])
    rows = requant_table(bias, *scales, _multiplies_short(state, operator, quant))
    return state.builder.integers(f"{name}/rows", rows)


def _quantized(state: State, operator: TfOperator, kind: str, x: str, weights: Array, quant: Quant,
               zero: int, window: dict[str, Any]) -> None:  # fmt: skip
    layer = state.layer(operator)
    attrs = {**state.quantized(operator, (0,), fused(operator)), **window, "w_zero": zero}
    channel = weights.ndim - 1 if kind == "q_depthwise_conv2d" else 0
    others = tuple(a for a in range(weights.ndim) if a != channel)
    taps = math.prod(weights.shape[a] for a in others)
    folded = weights.sum(axis=others, dtype=np.int64) - zero * taps
    rows = _rows(state, operator, folded, quant, attrs, layer)
    kernel = state.builder.integers(f"{layer}/kernel", weights, quant)
    state.emit(operator, kind, (x, kernel, rows), layer, attrs)


def _float(state: State, operator: TfOperator, kind: str, x: str, weights: Array,
           window: dict[str, Any], count: int) -> None:  # fmt: skip
    layer = state.layer(operator)
    kernel = state.builder.weight(f"{layer}/kernel", weights)
    bias = state.builder.weight(f"{layer}/bias", _bias(state, operator, count, False))
    out = state.builder.op(kind, layer, (x, kernel, bias), layer, window)
    state.become(operator, activated(state, operator, out, layer), layer)


def _flat(state: State, operator: TfOperator, n_in: int) -> tuple[str, bool]:
    """The input as one row, or as a line of rows; and whether it is a line."""
    x = state.x(operator)
    size = math.prod(state.builder.shape(x))
    if n_in < 1 or size % n_in:
        raise BadInputError(f"{operator.where}: {size} inputs for rows of {n_in}")
    rows = size // n_in
    shape = (n_in,) if rows == 1 else (1, rows, n_in)
    return state.builder.reshaped(x, shape, f"{x}/flat{operator.index}", x), rows > 1


def fully_connected(state: State, operator: TfOperator) -> None:
    """FULLY_CONNECTED; on several rows it is a convolution of one tap, rounded as it was."""
    weights = state.constant(operator, 1)
    if weights.ndim != 2 or operator.options.get("WeightsFormat", 0):
        raise UnsupportedError(f"{operator.where}: weights {weights.shape} in another format")
    x, line = _flat(state, operator, weights.shape[1])
    shape = (weights.shape[0], 1, 1, weights.shape[1]) if line else weights.shape
    attrs = window_attrs((1, 1), (1, 1), "valid") if line else {}
    if state.is_quantized(state.tensor(operator, 0)):
        values, quant, zero = _weights(state, operator, channels_last=False)
        attrs |= {"rounds_as": "q_dense"} if line else {}
        kind = "q_conv2d" if line else "q_dense"
        _quantized(state, operator, kind, x, values.reshape(shape), quant, zero, attrs)
    else:
        reals = _reals(operator, state.tensor(operator, 1)).reshape(shape)
        _float(state, operator, "conv2d" if line else "dense", x, reals, attrs, weights.shape[0])


def _reals(operator: TfOperator, tensor: TfTensor) -> Array:
    if tensor.data is None or tensor.type != "FLOAT32":
        raise UnsupportedError(f"{operator.where}: weights of {tensor.type} on float32 inputs")
    return tensor.data


def _image_weights(state: State, operator: TfOperator) -> Array:
    weights = state.constant(operator, 1)
    if weights.ndim != 4:
        raise BadInputError(f"{operator.where}: weights of shape {weights.shape}")
    return weights


def conv_2d(state: State, operator: TfOperator) -> None:
    """CONV_2D."""
    weights = _image_weights(state, operator)
    _convolution(state, operator, weights, from_depthwise=False)


def _convolution(state: State, operator: TfOperator, weights: Array, from_depthwise: bool) -> None:
    """A convolution; a depthwise one of a single channel is one too, once its axes are turned."""
    x = state.x(operator)
    window = _window(operator, weights.shape[1:3])
    turned = (3, 1, 2, 0)
    if state.is_quantized(state.tensor(operator, 0)):
        values, quant, zero = _weights(state, operator, channels_last=from_depthwise)
        values = values.transpose(turned) if from_depthwise else values
        quant = Quant(quant.scales, quant.zero_points, 0)
        _quantized(state, operator, "q_conv2d", x, values, quant, zero, window)
    else:
        reals = _reals(operator, state.tensor(operator, 1))
        reals = reals.transpose(turned) if from_depthwise else reals
        _float(state, operator, "conv2d", x, reals, window, reals.shape[0])


def depthwise_conv_2d(state: State, operator: TfOperator) -> None:
    """DEPTHWISE_CONV_2D; on one channel it is a convolution."""
    weights, shape = _image_weights(state, operator), state.builder.shape(state.x(operator))
    if weights.shape[0] != 1 or len(shape) != 3:
        raise BadInputError(f"{operator.where}: weights {weights.shape} for input {shape}")
    if shape[2] == 1:
        _convolution(state, operator, weights, from_depthwise=True)
        return
    window = _window(operator, weights.shape[1:3])
    if not state.is_quantized(state.tensor(operator, 0)):
        reals = _reals(operator, state.tensor(operator, 1))[0]
        _float(
            state, operator, "depthwise_conv2d", state.x(operator), reals, window, reals.shape[-1]
        )
        return
    if weights.shape[3] % shape[2]:
        raise BadInputError(f"{operator.where}: {shape[2]} channels become {weights.shape[3]}")
    values, quant, zero = _weights(state, operator, channels_last=True)
    quant = Quant(quant.scales, quant.zero_points, 2)
    _quantized(
        state, operator, "q_depthwise_conv2d", state.x(operator), values[0], quant, zero, window
    )


def batched(state: State, operator: TfOperator) -> None:
    """What of SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND was not made a dilated convolution before."""
    raise UnsupportedError(f"{operator.where}: supported: both, around a convolution alone")


RULES: dict[str, Rule] = {
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), batched),
    "FULLY_CONNECTED": fully_connected,
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
}
