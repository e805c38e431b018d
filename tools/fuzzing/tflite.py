"""TFLite files: imported, compiled in several ways, and printed as C."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from engine import changed_bytes, scratch
from support.tflite_models import RELU, SAME, VALID, Net, packed

from tinylearn.emit.generate import model_files
from tinylearn.emit.model import EmittedModel
from tinylearn.errors import TinylearnError
from tinylearn.importers import tflite
from tinylearn.pipeline import Choices, compile_graph

_CHOICES = (Choices(), Choices(learn="last:1"), Choices(learn="all"))
_NOT_NUMBERS = re.compile(r"[^\w](inf|nan)f\b")
_INTS = (-(1 << 31), -129, -2, -1, 0, 1, 2, 3, 4, 5, 17, 127, 128, 255, 256, 65537, (1 << 31) - 1)
_FLOATS = (0.0, -1.0, 1e-45, 1e-30, 1e-9, 1.0, 1e9, 1e30, 3e38, float("inf"), float("nan"))
_WINDOW = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


def _values(*shape: int, kind: str = "int8") -> np.ndarray:
    return (np.arange(np.prod(shape)) % 7 - 3).reshape(shape).astype(kind)


def _image(dtype: str) -> bytes:
    """Convolution, depthwise convolution, pooling, dense, softmax."""
    net = Net(dtype=dtype)
    real = dtype == "FLOAT32"
    scale, kind, wide = (() if real else 0.1), ("float32" if real else "int8"), "float32"
    wide = wide if real else "int32"
    x = net.input((1, 4, 4, 2), scale)
    w, b = net.constant(_values(3, 3, 3, 2, kind=kind), scale), net.constant(_values(3, kind=wide))
    x = net.op("CONV_2D", [x, w, b], (1, 4, 4, 3), scale, padding=SAME,
               fusedActivationFunction=RELU, **_WINDOW)  # fmt: skip
    w, b = net.constant(_values(1, 2, 2, 3, kind=kind), scale), net.constant(_values(3, kind=wide))
    x = net.op("DEPTHWISE_CONV_2D", [x, w, b], (1, 3, 3, 3), scale, padding=VALID,
               depthMultiplier=1, **_WINDOW)  # fmt: skip
    x = net.op("MAX_POOL_2D", [x], (1, 2, 2, 3), scale, padding=VALID, strideH=1, strideW=1,
               filterHeight=2, filterWidth=2)  # fmt: skip
    x = net.op("RESHAPE", [x, net.ints(1, 12)], (1, 12), scale)
    w, b = net.constant(_values(3, 12, kind=kind), scale), net.constant(_values(3, kind=wide))
    x = net.op("FULLY_CONNECTED", [x, w, b], (1, 3), scale)
    net.op("SOFTMAX", [x], (1, 3), () if real else 1 / 256, beta=1.0)
    return packed(net.model())


def _arithmetic(dtype: str) -> bytes:
    """Sums, products, tables, and what moves data."""
    net = Net(dtype=dtype)
    x = net.input((1, 2, 3, 2), 0.1)
    a = net.op("LOGISTIC", [x], (1, 2, 3, 2), 1 / 256)
    b = net.op("LEAKY_RELU", [x], (1, 2, 3, 2), 0.2, alpha=0.1)
    x = net.op("ADD", [a, b], (1, 2, 3, 2), 0.3)
    x = net.op("MUL", [x, b], (1, 2, 3, 2), 0.3)
    x = net.op("SUB", [x, a], (1, 2, 3, 2), 0.3)
    x = net.op("CONCATENATION", [x, a], (1, 2, 3, 4), 0.3, axis=3)
    x = net.op("PAD", [x, net.ints([[0, 0], [1, 0], [0, 1], [0, 0]])], (1, 3, 4, 4), 0.3)
    x = net.op("TRANSPOSE", [x, net.ints(0, 2, 1, 3)], (1, 4, 3, 4), 0.3)
    x = net.op("RESIZE_NEAREST_NEIGHBOR", [x, net.ints(2, 2)], (1, 2, 2, 4), 0.3)
    x = net.op("AVERAGE_POOL_2D", [x], (1, 2, 2, 4), 0.3, padding=SAME, strideH=1, strideW=1,
               filterHeight=2, filterWidth=2)  # fmt: skip
    x = net.op("MEAN", [x, net.ints(1, 2)], (1, 4), 0.3)
    x = net.op("QUANTIZE", [x], (1, 4), 0.2)
    net.op("DEQUANTIZE", [x], (1, 4), dtype="FLOAT32")
    return packed(net.model())


def _objects(value: Any) -> list[Any]:
    """A model's tables, at any depth."""
    if isinstance(value, list):
        return [found for item in value for found in _objects(item)]
    if not hasattr(value, "Pack"):
        return []
    return [value, *(found for item in vars(value).values() for found in _objects(item))]


def _strange(rng: random.Random, value: Any) -> Any:
    """Something else in the place of a field's value."""
    if isinstance(value, bool | bytes) or value is None:
        return value if value is None else not value
    if isinstance(value, int | np.integer):
        return rng.choice(_INTS)
    if isinstance(value, float | np.floating):
        return rng.choice(_FLOATS)
    items = list(value)
    if not items or rng.random() < 0.1:
        return None
    at, what = rng.randrange(len(items)), rng.random()
    if what < 0.5 and not hasattr(items[at], "Pack"):
        items[at] = _strange(rng, items[at])
    elif what < 0.75:
        items.insert(at, rng.choice(items))
    else:
        del items[at]
    return np.array(items, value.dtype) if isinstance(value, np.ndarray) else items


class TfliteFile:
    """See engine.Parser."""

    def __init__(self) -> None:
        self.path = scratch("net.tflite")

    def seeds(self) -> list[bytes]:
        """Small models of all operators."""
        return [_image("INT8"), _image("FLOAT32"), _arithmetic("INT8"), _arithmetic("UINT8")]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """Bytes, or fields of the tables packed anew."""
        if rng.random() < 0.5:
            return changed_bytes(rng, data, other)
        try:
            model = schema.ModelT.InitFromPackedBuf(data, 0)
            for _ in range(rng.choice((1, 1, 2, 4))):
                table = rng.choice(_objects(model))
                name = rng.choice(sorted(vars(table)) or [""])
                if name and not hasattr(getattr(table, name), "Pack"):
                    setattr(table, name, _strange(rng, getattr(table, name)))
            return packed(model)
        except Exception:  # a damaged seed, or a value that its field cannot hold
            return changed_bytes(rng, data, other)

    def run(self, data: bytes) -> None:
        """Import, compile, emit; what cannot learn may still be printed as it is."""
        self.path.write_bytes(data)
        rounding = ("single", "double")[len(data) // 4 % 2]
        graph = tflite.load(self.path, rounding)
        for choices in _CHOICES:
            try:
                compiled = compile_graph(graph, choices)
                files = model_files(EmittedModel("net", compiled, "net.tflite", "0" * 64, "0"))
            except TinylearnError:
                if choices.learn == "none":
                    raise
                continue
            if _NOT_NUMBERS.search(files["net.c"].decode()):
                raise AssertionError("a constant of the C code is not a number")
