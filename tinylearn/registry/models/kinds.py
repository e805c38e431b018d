"""From ops and operator codes to the names by which the NN ontology knows layers."""

from __future__ import annotations

import re

from tinylearn.ir.graph import Graph, Op

_KINDS = {
    "dense": "FullyConnected", "conv2d": "Conv2D", "depthwise_conv2d": "DepthwiseConv2D",
    "max_pool": "MaxPool2D", "average_pool": "AveragePool2D", "global_average_pool": "Mean",
    "alias": "Reshape", "flip_sign": "Quantize", "input": "Quantize", "real": "Dequantize",
    "sigmoid": "Logistic", "resize_nearest": "ResizeNearestNeighbor", "zero_pad": "Pad",
    "concat": "Concatenation", "concat_part": "Concatenation", "add_broadcast": "Add",
    "subtract": "Sub", "subtract_from": "Sub", "multiply": "Mul", "slice": "StridedSlice",
}  # fmt: skip
_FUNCTIONS = {"sigmoid": "Logistic", "requantize": "Quantize", "rescale_uint8": "Quantize"}
#: Keras' names where the ontology, or TFLite, has another
_KERAS = {
    "Dense": "FullyConnected", "MaxPooling2D": "MaxPool2D", "AveragePooling2D": "AveragePool2D",
    "Flatten": "Reshape", "ZeroPadding2D": "Pad", "Multiply": "Mul", "Subtract": "Sub",
    "Concatenate": "Concatenation",
}  # fmt: skip
_ACRONYMS = ("GRU", "LSTM", "RNN")
_WEIGHTED = ("q_conv2d", "q_depthwise_conv2d", "q_dense")
_LOWEST = -128


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:].lower() for part in name.split("_") if part)


def kind_of(op: Op) -> str:
    """The name of what an op does, whatever it computes in."""
    if op.kind == "reduce":
        return "Mean" if op.attrs["mean"] else "Sum"
    if op.kind in ("activation", "i_activation", "lut"):
        which = next((op.attrs[k] for k in ("function", "activation") if k in op.attrs), op.kind)
        return _FUNCTIONS.get(str(which), _camel(str(which)))
    plain = op.kind.removeprefix("q_").removeprefix("i_")
    return _KINDS.get(plain, _camel(plain))


def kind_of_code(code: str) -> str:
    """The name of a TFLite operator or a Keras layer class."""
    if code.startswith("CUSTOM:"):
        return code
    if code in _ACRONYMS or code != code.upper():
        return _KERAS.get(code, code)
    return re.sub(r"(?<=\d)d$", "D", _camel(code))


def activation_of(op: Op, graph: Graph) -> str | None:
    """The activation that an op applies, or None."""
    name = str(op.attrs.get("activation", "linear"))
    if name == "linear" and op.attrs.get("out_min") is not None:
        return _clipped(op)
    if op.kind == "lut":
        name = str(op.attrs["function"])
    plain = {"linear": None, "requantize": None, "rescale_uint8": None, "logistic": "Sigmoid"}
    return plain.get(name, _camel(name))


def _clipped(op: Op) -> str | None:
    """The activation that a quantized op's range stands for: TFLite keeps no more of it than that.
    Where zero is the lowest code, nothing below zero can come out: as behind a ReLU."""
    low, high, zero = (op.attrs[name] for name in ("out_min", "out_max", "out_zero"))
    if low != zero or (low == _LOWEST and op.kind not in _WEIGHTED):
        return None
    scale = op.attrs["out_scale"]
    six = abs((high - zero) * scale - 6) <= scale / 2
    return "Relu6" if six else "Relu"
