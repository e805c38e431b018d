"""What is known while a model is imported: the graph so far, and what each tensor became."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.builder import GraphBuilder
from tinylearn.importers.tflite.file import TfModel, TfOperator, TfTensor
from tinylearn.ir.graph import Array
from tinylearn.ir.quant import Quant
from tinylearn.ops.base import Shape

_LONGEST_LAYER = 60
#: what codes of uint8 are less as int8
UINT8_OFFSET = 128
_INT8 = (-128, 127)
_SIX = 6.0
#: smaller scales of activations are damage, and their ratios leave float32
_SMALLEST_SCALE = 1e-15
_INTEGERS = ("INT32", "INT64")
#: ends of tensor names that say what was computed, not which layer did: the part before does
_GENERIC = re.compile(
    r"(BiasAdd|Relu6?|MatMul|Identity|Squeeze|ExpandDims|convolution|depthwise|MaxPool2d)?_?\d*"
)
_BATCH_NORM = re.compile(r"/batchnorm/\w+$")


class State:
    """Collects ops. uint8 tensors are held as int8, with zero points moved by 128."""

    def __init__(self, model: TfModel, rounding: str) -> None:
        self.model, self.rounding = model, rounding
        self.builder = GraphBuilder()
        self.values: dict[int, str] = {}
        self._layers: set[str] = set()

    # ---- ends ----

    def begin(self, index: int) -> str:
        """The model's input as the caller has it; returns its name."""
        tensor = self.model.tensors[index]
        if tensor.data is not None:
            raise BadInputError(f"tensor {index}: the model's input is a constant")
        name, dtype = self._free("input"), self._dtype(tensor)
        quant = self._raw_quant(tensor)
        value = self.builder.input(name, shape_of(tensor), dtype, quant).tensor
        if dtype == "uint8":
            value = self.builder.op("flip_sign", f"{name}/int8", (value,), name, {}, "int8",
                                    self.quant(tensor))  # fmt: skip
        self.values[index] = value
        return name

    def end(self, index: int) -> str:
        """The model's output as the caller sees it."""
        tensor = self.model.tensors[index]
        if tensor.data is not None:
            raise UnsupportedError(
                f"tensor {index} ({tensor.name}): the model's output is a constant"
            )
        value = self.value(index, "the model's output")
        if tensor.type != "UINT8":
            return value
        return self.builder.op("flip_sign", f"{value}/uint8", (value,), "output", {}, "uint8",
                               self._raw_quant(tensor))  # fmt: skip

    # ---- tensors ----

    def tensor(self, operator: TfOperator, at: int) -> TfTensor:
        """Input ``at`` of an operator as the file has it."""
        if at >= len(operator.inputs) or operator.inputs[at] < 0:
            raise BadInputError(f"{operator.where}: has no input {at}")
        return self.model.tensors[operator.inputs[at]]

    def output(self, operator: TfOperator) -> TfTensor:
        """The one output as the file has it."""
        return self.model.tensors[operator.outputs[0]]

    def value(self, index: int, what: str) -> str:
        """Name of a computed tensor in the graph."""
        if index not in self.values:
            raise BadInputError(f"{what}: tensor {index} is used before it is computed")
        return self.values[index]

    def x(self, operator: TfOperator, at: int = 0) -> str:
        """Name of an operator's computed input."""
        tensor = self.tensor(operator, at)
        if tensor.data is not None:
            raise UnsupportedError(f"{operator.where}: its input {at} is a constant")
        return self.value(tensor.index, operator.where)

    def constant(self, operator: TfOperator, at: int) -> Array:
        """Values of an operator's constant input."""
        tensor = self.tensor(operator, at)
        if tensor.data is None:
            raise UnsupportedError(f"{operator.where}: its input {at} must be a constant")
        return tensor.data

    def integers(self, operator: TfOperator, at: int, most: int = 8) -> list[int]:
        """A short constant of whole numbers, such as axes or sizes."""
        values, kind = self.constant(operator, at), self.tensor(operator, at).type
        if kind not in _INTEGERS or values.size > most:
            raise BadInputError(
                f"{operator.where}: its input {at} must be at most {most} integers, is "
                f"{values.size} of {kind}"
            )
        return [int(n) for n in values.ravel()]

    def floats(self, operator: TfOperator, at: int) -> str:
        """Name of a computed input that must be float32."""
        if self.is_quantized(self.tensor(operator, at)):
            raise UnsupportedError(f"{operator.where}: its input {at} is not float32")
        return self.x(operator, at)

    def is_quantized(self, tensor: TfTensor) -> bool:
        """Whether a tensor holds int8 or uint8; raises UnsupportedError for what is neither that
        nor float32."""
        return self._dtype(tensor) != "float32"

    def _dtype(self, tensor: TfTensor) -> str:
        if tensor.type not in ("FLOAT32", "INT8", "UINT8"):
            raise UnsupportedError(
                f"tensor {tensor.index} ({tensor.name}) is {tensor.type}; supported: FLOAT32, "
                "INT8, UINT8"
            )
        return tensor.type.lower()

    def _raw_quant(self, tensor: TfTensor) -> Quant | None:
        if tensor.type == "FLOAT32":
            return None
        if not tensor.scales:
            raise BadInputError(f"tensor {tensor.index} ({tensor.name}) has no scale")
        return Quant(tensor.scales, tensor.zero_points, tensor.axis)

    def quant(self, tensor: TfTensor) -> Quant:
        """Scales and zero points of a quantized tensor, as of int8."""
        raw = self._raw_quant(tensor)
        if raw is None:
            raise UnsupportedError(f"tensor {tensor.index} is float32 beside int8 ones")
        moved = UINT8_OFFSET if tensor.type == "UINT8" else 0
        zeros = tuple(z - moved for z in raw.zero_points)
        if min(zeros) < _INT8[0] or max(zeros) > _INT8[1]:
            raise BadInputError(f"tensor {tensor.index}: zero points {zeros[:4]} leave int8")
        return Quant(raw.scales, zeros, raw.axis)

    def one(self, tensor: TfTensor) -> tuple[float, int]:
        """Scale and zero point of an activation."""
        quant = self.quant(tensor)
        if len(quant.scales) != 1:
            raise UnsupportedError(f"tensor {tensor.index}: an activation of several scales")
        if quant.scale < _SMALLEST_SCALE:
            raise BadInputError(f"tensor {tensor.index}: scale {quant.scale:g} is too small")
        return quant.scale, quant.zero_point

    # ---- ops ----

    def layer(self, operator: TfOperator) -> str:
        """A name for what an operator makes: its output's, where that is one."""
        name = _BATCH_NORM.sub("", self.output(operator).name)
        parts = [p for p in re.split(r"[/;:]", name) if p]
        words = [re.sub(r"[^A-Za-z0-9_]+", "_", p).strip("_") for p in parts[-2:]] or [""]
        plain = words[0] if _GENERIC.fullmatch(words[-1]) else words[-1]
        return self._free((plain or f"op_{operator.index}")[:_LONGEST_LAYER])

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._layers:
            number += 1
            free = f"{name}_{number}"
        self._layers.add(free)
        return free

    def quantized(
        self, operator: TfOperator, xs: tuple[int, ...], activation: str = ""
    ) -> dict[str, Any]:
        """The attributes that all quantized ops share; ``xs``: which inputs are activations."""
        ends = [self.one(self.tensor(operator, at)) for at in xs]
        scale, zero = self.one(self.output(operator))
        low, high = _range(activation, scale, zero)
        return {"in_scales": tuple(s for s, _ in ends), "in_zeros": tuple(z for _, z in ends),
                "out_scale": scale, "out_zero": zero, "out_min": low, "out_max": high,
                "rounding": self.rounding}  # fmt: skip

    def emit(
        self, operator: TfOperator, kind: str, inputs: tuple[str, ...], layer: str,
        attrs: dict[str, Any],
    ) -> None:  # fmt: skip
        """Adds an op whose result, in the shape that the file declares, is the output."""
        output = self.output(operator)
        quantized = self.is_quantized(output)
        if quantized != (self._gives_int8(operator, kind)):
            raise BadInputError(f"{operator.where}: its output cannot be {output.type}")
        quant = self.quant(output) if quantized else None
        dtype = "float32" if quant is None else "int8"
        out = self.builder.op(kind, layer, inputs, layer, attrs, dtype, quant)
        self.become(operator, out, layer)

    def _gives_int8(self, operator: TfOperator, kind: str) -> bool:
        """Whether an op has an int8 result; one that moves values has what it was given."""
        if kind in _MOVES:
            return self.is_quantized(self.tensor(operator, 0))
        return kind.startswith("q_") or kind in ("lut", "quantize")

    def become(self, operator: TfOperator, value: str, layer: str) -> None:
        """Lets a tensor of the graph be the operator's output."""
        output = self.output(operator)
        shape, dtype = shape_of(output), self.builder.tensors[value].dtype
        if (dtype == "float32") == self.is_quantized(output):
            raise BadInputError(
                f"{operator.where}: its output is declared {output.type}, computed {dtype}"
            )
        if math.prod(self.builder.shape(value)) != math.prod(shape):
            raise BadInputError(
                f"{operator.where}: its output is declared {shape}, computed "
                f"{self.builder.shape(value)}"
            )
        self.values[operator.outputs[0]] = self.builder.reshaped(
            value, shape, f"{layer}/shape", layer
        )


_MOVES = ("transpose", "resize_nearest", "slice")
Rule = Callable[[State, TfOperator], None]


def _range(activation: str, scale: float, zero: int) -> tuple[int, int]:
    """The int8 range of a fused activation (TFLite's CalculateActivationRangeQuantized)."""
    low, high = _INT8
    if activation in ("RELU", "RELU6", "RELU_0_TO_1"):
        low = max(low, zero)
    if activation == "RELU6":
        high = min(high, zero + _quantized(_SIX, scale))
    if activation == "RELU_N1_TO_1":
        low, high = (
            max(low, zero - _quantized(1.0, scale)),
            min(high, zero + _quantized(1.0, scale)),
        )
    if activation == "RELU_0_TO_1":
        high = min(high, zero + _quantized(1.0, scale))
    return low, high


def _quantized(value: float, scale: float) -> int:
    return int(np.floor(np.float32(value) / np.float32(scale) + np.float32(0.5)))


def as_int8(tensor: TfTensor, data: Array) -> Array:
    """A constant's integers as int8: those of uint8 move by 128, as their zero points do."""
    return (data ^ np.uint8(128)).view(np.int8) if tensor.type == "UINT8" else data


def shape_of(tensor: TfTensor) -> Shape:
    """A tensor's shape without its batch of one."""
    if 0 in tensor.shape:
        raise BadInputError(f"tensor {tensor.index} ({tensor.name}): empty shape {tensor.shape}")
    if len(tensor.shape) > 1:
        if tensor.shape[0] != 1:
            raise UnsupportedError(
                f"tensor {tensor.index} ({tensor.name}): batch {tensor.shape[0]}; supported: 1"
            )
        return tensor.shape[1:]
    return tensor.shape or (1,)


_ACTIVATIONS = {0: "", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}


def fused(operator: TfOperator) -> str:
    """The fused activation's name, "" for none."""
    code = operator.options.get("FusedActivationFunction", 0)
    if code not in _ACTIVATIONS:
        raise UnsupportedError(f"{operator.where}: fused activation {code} is not supported")
    return _ACTIVATIONS[code]


def activated(state: State, operator: TfOperator, value: str, layer: str) -> str:
    """A float value behind the operator's fused activation."""
    name = fused(operator)
    if not name:
        return value
    attrs = {"activation": name.lower(), "alpha": 0.0}
    return state.builder.op("activation", f"{layer}/activation", (value,), layer, attrs)
