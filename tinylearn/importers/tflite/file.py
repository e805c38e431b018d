"""Reads a TFLite flatbuffer into plain values, with limits. Nothing is decoded that its own
offsets do not keep inside the file."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError, MissingToolError, UnsupportedError
from tinylearn.ir.graph import Array

_LARGEST_FILE = 64 << 20
_MOST_TENSORS = 10_000
_MOST_OPERATORS = 5_000
_MOST_AXES = 8
_MOST_ENDS = 64
_LONGEST_NAME = 1_000
_IDENTIFIER = b"TFL3"
_DAMAGE = (struct.error, ValueError, IndexError, TypeError, OverflowError, AttributeError)

#: NumPy type of each supported element type, by its name in the schema
DTYPES = {"FLOAT32": "<f4", "INT32": "<i4", "INT64": "<i8", "INT8": "|i1", "UINT8": "|u1"}


@dataclass(frozen=True)
class TfTensor:
    """A tensor as the file has it. ``data`` is None where it is computed."""

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    data: Array | None


@dataclass(frozen=True)
class TfOperator:
    """An operator: its name in the schema, tensor indices (-1 where left out), and its options'
    fields by name."""

    index: int
    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]

    @property
    def where(self) -> str:
        """For messages."""
        return f"operator {self.index} ({self.code})"


@dataclass(frozen=True)
class TfModel:
    """The one subgraph of a model."""

    tensors: tuple[TfTensor, ...]
    operators: tuple[TfOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def _schema() -> ModuleType:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError:
        raise MissingToolError(
            "reading .tflite files needs the package ai-edge-litert: pip install ai-edge-litert"
        ) from None
    module: ModuleType = schema_py_generated
    return module


def read(path: Path) -> TfModel:
    """The model of a file; raises BadInputError where it is damaged or too large."""
    if path.stat().st_size > _LARGEST_FILE:
        raise BadInputError(f"larger than {_LARGEST_FILE} bytes; no microcontroller holds it")
    content = path.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise BadInputError("not a TFLite model: its identifier is not TFL3")
    schema = _schema()
    try:
        return _Reader(schema, content).model()
    except _DAMAGE as error:
        raise BadInputError(f"a damaged TFLite model ({error})") from None


def _names(enumeration: type) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}


#: reads one field of an operator's options
_FIELDS = ("Padding", "StrideW", "StrideH", "DilationWFactor", "DilationHFactor", "FilterWidth",
           "FilterHeight", "DepthMultiplier", "FusedActivationFunction", "KeepDims", "KeepNumDims",
           "WeightsFormat", "Axis", "Beta", "Alpha", "AlignCorners", "HalfPixelCenters",
           "PotScaleInt16")  # fmt: skip
#: the options table of each operator that has one
_OPTIONS = {
    "FULLY_CONNECTED": "FullyConnectedOptions", "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions", "MEAN": "ReducerOptions", "ADD": "AddOptions",
    "SUB": "SubOptions", "MUL": "MulOptions", "CONCATENATION": "ConcatenationOptions",
    "SOFTMAX": "SoftmaxOptions", "LEAKY_RELU": "LeakyReluOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
}  # fmt: skip


class _Reader:
    """Walks one flatbuffer."""

    def __init__(self, schema: ModuleType, content: bytes) -> None:
        self.schema, self.content = schema, content
        self.root = schema.Model.GetRootAs(content, 0)
        self.types, self.codes = _names(schema.TensorType), _names(schema.BuiltinOperator)

    def model(self) -> TfModel:
        count = self.root.SubgraphsLength()
        if count != 1:
            raise UnsupportedError(f"it has {count} subgraphs; supported: 1")
        graph = self.root.Subgraphs(0)
        tensors = tuple(
            self._tensor(i, graph.Tensors(i))
            for i in _counted(graph.TensorsLength(), _MOST_TENSORS, "tensors")
        )
        operators = tuple(
            self._operator(i, graph.Operators(i), len(tensors))
            for i in _counted(graph.OperatorsLength(), _MOST_OPERATORS, "operators")
        )
        ends = (_indices(graph.InputsAsNumpy(), len(tensors), "model inputs"),
                _indices(graph.OutputsAsNumpy(), len(tensors), "model outputs"))  # fmt: skip
        return TfModel(tensors, operators, *ends)

    def _tensor(self, index: int, tensor: Any) -> TfTensor:
        name = (tensor.Name() or b"")[:_LONGEST_NAME].decode("utf-8", "replace")
        shape = tuple(map(int, _vector(tensor.ShapeAsNumpy(), _MOST_AXES, f"tensor {index}: axes")))
        if min(shape, default=1) < 0:
            raise BadInputError(f"tensor {index}: impossible shape {shape}")
        kind = self.types.get(tensor.Type(), str(tensor.Type()))
        scales, zeros, axis = _quantization(index, tensor.Quantization())
        if tensor.Sparsity() is not None:
            raise UnsupportedError(f"tensor {index}: sparse tensors are not supported")
        return TfTensor(index, name, shape, kind, scales, zeros, axis,
                        self._data(index, tensor.Buffer(), kind, shape))  # fmt: skip

    def _data(self, index: int, buffer: int, kind: str, shape: tuple[int, ...]) -> Array | None:
        if buffer >= self.root.BuffersLength():
            raise BadInputError(f"tensor {index}: there is no buffer {buffer}")
        holder = self.root.Buffers(buffer)
        if holder.DataLength() == 0:
            return None
        dtype = DTYPES.get(kind)
        if dtype is None:
            raise UnsupportedError(
                f"tensor {index}: stored as {kind}; supported: {', '.join(DTYPES)}"
            )
        raw = np.asarray(holder.DataAsNumpy(), np.uint8)
        wanted = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if len(raw) != wanted:
            raise BadInputError(f"tensor {index}: {len(raw)} bytes for shape {shape} of {kind}")
        return raw.view(dtype).reshape(shape)

    def _operator(self, index: int, operator: Any, tensors: int) -> TfOperator:
        code = self._code(index, operator.OpcodeIndex())
        ends = (_indices(operator.InputsAsNumpy(), tensors, f"operator {index}: inputs", -1),
                _indices(operator.OutputsAsNumpy(), tensors, f"operator {index}: outputs"))  # fmt: skip
        return TfOperator(index, code, *ends, self._options(code, operator))

    def _code(self, index: int, at: int) -> str:
        if at >= self.root.OperatorCodesLength():
            raise BadInputError(f"operator {index}: there is no operator code {at}")
        entry = self.root.OperatorCodes(at)
        number = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
        return self.codes.get(number, str(number))

    def _options(self, code: str, operator: Any) -> dict[str, Any]:
        table, name = operator.BuiltinOptions(), _OPTIONS.get(code)
        if name is None:
            return {}
        options = getattr(self.schema, name)()
        if table is not None:
            options.Init(table.Bytes, table.Pos)
            self._check_kind(code, name, operator.BuiltinOptionsType())
        elif code not in ("ADD", "SUB", "MUL"):
            raise BadInputError(f"{code} without options")
        present: dict[str, Callable[[], Any]] = {
            field: getattr(options, field) for field in _FIELDS if hasattr(options, field)
        }
        return {field: get() for field, get in present.items()} if table is not None else {}

    def _check_kind(self, code: str, name: str, kind: int) -> None:
        found = _names(self.schema.BuiltinOptions).get(kind)
        if found != name:
            raise BadInputError(f"{code} has the options of {found}")


def _counted(count: int, most: int, what: str) -> Iterator[int]:
    if count > most:
        raise BadInputError(f"it has {count} {what}; at most {most} are read")
    return iter(range(count))


def _vector(values: Any, most: int, what: str) -> Array:
    """A vector of the file; an absent one reads as 0."""
    array = np.zeros(0) if isinstance(values, int) else np.asarray(values)
    if len(array) > most:
        raise BadInputError(f"{what}: {len(array)} of them; at most {most} are read")
    return array


def _indices(values: Any, tensors: int, what: str, lowest: int = 0) -> tuple[int, ...]:
    found = tuple(map(int, _vector(values, _MOST_ENDS, what)))
    if any(not lowest <= i < tensors for i in found):
        raise BadInputError(f"{what} name tensors {found}; there are {tensors}")
    return found


def _quantization(index: int, table: Any) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if table is None or table.ScaleLength() == 0:
        return (), (), 0
    scales = np.asarray(table.ScaleAsNumpy(), np.float64)
    zeros = _vector(table.ZeroPointAsNumpy(), len(scales), f"tensor {index}: zero points")
    zeros = np.zeros(len(scales)) if len(zeros) == 0 else zeros
    if len(zeros) != len(scales) or not (np.isfinite(scales).all() and (scales > 0).all()):
        raise BadInputError(f"tensor {index}: impossible scales or zero points")
    if np.abs(zeros).max() > np.iinfo(np.int32).max:
        raise BadInputError(f"tensor {index}: impossible zero points")
    return tuple(map(float, scales)), tuple(map(int, zeros)), int(table.QuantizedDimension())
