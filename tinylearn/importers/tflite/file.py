"""Reads a TFLite flatbuffer into plain values, with limits. Nothing is decoded that its own
offsets do not keep inside the file."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError, MissingToolError, UnsupportedError
from tinylearn.importers.fields import MAX_ELEMENTS
from tinylearn.ir.graph import Array

_LARGEST_FILE = 64 << 20
_MOST_TENSORS = 10_000
_MOST_OPERATORS = 1_000
_MOST_AXES = 8
_MOST_ENDS = 64
_LONGEST_NAME = 1_000
_LONGEST_CUSTOM = 100
#: of all tensors together: tables of a hostile file can share one long vector
_MOST_SCALES = 1 << 20
_LARGEST_SCALE = 1e15
_IDENTIFIER = b"TFL3"
#: place of the name among the fields of a tensor, and of an operator code, in the schema
_NAME_SLOT, _CUSTOM_SLOT = 3, 1
_DAMAGE = (struct.error, ValueError, LookupError, TypeError, ArithmeticError, AttributeError,
           MemoryError)  # fmt: skip

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


def read(path: Path, bare: bool = False) -> TfModel:
    """The model of a file; raises BadInputError where it is damaged or too large.

    ``bare``: without values and options, of the first subgraph, so that a model which cannot be
    imported can be described. An operator of somebody's own is then ``CUSTOM:`` and its name.
    """
    content = _content(path)
    if not content:
        raise BadInputError("is empty, not a TFLite model")
    if content[4:8] != _IDENTIFIER:
        raise BadInputError("not a TFLite model: its identifier is not TFL3")
    schema = _schema()
    try:
        return _Reader(schema, content, bare).model()
    except _DAMAGE as error:
        raise BadInputError(f"a damaged TFLite model ({error})") from None


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise BadInputError("no such file")
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise BadInputError(f"cannot be read: {error.strerror or error}") from None
    if len(content) > _LARGEST_FILE:
        raise BadInputError(f"larger than {_LARGEST_FILE:,} bytes; no microcontroller holds it")
    return content


def _names(enumeration: type) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}


#: reads one field of an operator's options
_FIELDS = ("Padding", "StrideW", "StrideH", "DilationWFactor", "DilationHFactor", "FilterWidth",
           "FilterHeight", "DepthMultiplier", "FusedActivationFunction", "KeepDims", "KeepNumDims",
           "WeightsFormat", "Axis", "Beta", "Alpha", "AlignCorners", "HalfPixelCenters",
           "PotScaleInt16", "BeginMask", "EndMask", "EllipsisMask", "NewAxisMask",
           "ShrinkAxisMask", "BatchDims")  # fmt: skip
#: the options table of each operator that has one
_OPTIONS = {
    "FULLY_CONNECTED": "FullyConnectedOptions", "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions", "MEAN": "ReducerOptions", "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions", "ADD": "AddOptions",
    "SUB": "SubOptions", "MUL": "MulOptions", "CONCATENATION": "ConcatenationOptions",
    "SOFTMAX": "SoftmaxOptions", "LEAKY_RELU": "LeakyReluOptions",
    "STRIDED_SLICE": "StridedSliceOptions", "GATHER": "GatherOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
}  # fmt: skip


class _Reader:
    """Walks one flatbuffer."""

    def __init__(self, schema: ModuleType, content: bytes, bare: bool) -> None:
        self.schema, self.content, self.bare = schema, content, bare
        self.root = schema.Model.GetRootAs(content, 0)
        self.types, self.codes = _names(schema.TensorType), _names(schema.BuiltinOperator)
        self.tables = _names(schema.BuiltinOptions)
        self.scales = 0

    def model(self) -> TfModel:
        count = self.root.SubgraphsLength()
        if count != 1 and not (self.bare and count):
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
        name = _name(tensor)
        shape = tuple(map(int, _vector(tensor.ShapeAsNumpy(), _MOST_AXES, f"tensor {index}: axes")))
        if min(shape, default=1) < 0 or math.prod(shape) > MAX_ELEMENTS:
            raise BadInputError(f"tensor {index}: impossible shape {shape}")
        kind = self.types.get(tensor.Type(), str(tensor.Type()))
        quantization = tensor.Quantization()
        self.scales += 0 if quantization is None else quantization.ScaleLength()
        if self.scales > _MOST_SCALES:
            raise BadInputError(f"tensor {index}: more than {_MOST_SCALES} scales in all")
        scales, zeros, axis = _quantization(index, quantization)
        if tensor.Sparsity() is not None and not self.bare:
            raise UnsupportedError(f"tensor {index}: sparse tensors are not supported")
        data = None if self.bare else self._data(index, tensor.Buffer(), kind, shape)
        return TfTensor(index, name, shape, kind, scales, zeros, axis, data)

    def _data(self, index: int, buffer: int, kind: str, shape: tuple[int, ...]) -> Array | None:
        if buffer >= self.root.BuffersLength():
            raise BadInputError(f"tensor {index}: there is no buffer {buffer}")
        holder = self.root.Buffers(buffer)
        if holder.Offset() > 1 or holder.Size() > 1:
            raise UnsupportedError(f"tensor {index}: its values are stored behind the model")
        if holder.DataLength() == 0:
            return None
        dtype = DTYPES.get(kind)
        if dtype is None:
            raise UnsupportedError(
                f"tensor {index}: stored as {kind}; supported: {', '.join(DTYPES)}"
            )
        raw = np.asarray(holder.DataAsNumpy(), np.uint8)
        wanted = math.prod(shape) * np.dtype(dtype).itemsize
        if len(raw) != wanted:
            raise BadInputError(f"tensor {index}: {len(raw)} bytes for shape {shape} of {kind}")
        return raw.view(dtype).reshape(shape)

    def _operator(self, index: int, operator: Any, tensors: int) -> TfOperator:
        code = self._code(index, operator.OpcodeIndex())
        ends = (_indices(operator.InputsAsNumpy(), tensors, f"operator {index}: inputs", -1),
                _indices(operator.OutputsAsNumpy(), tensors, f"operator {index}: outputs"))  # fmt: skip
        return TfOperator(
            index, code, *ends, {} if self.bare else self._options(index, code, operator)
        )

    def _code(self, index: int, at: int) -> str:
        if at >= self.root.OperatorCodesLength():
            raise BadInputError(f"operator {index}: there is no operator code {at}")
        entry = self.root.OperatorCodes(at)
        number = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
        code = self.codes.get(number, str(number))
        if code == "CUSTOM" and self.bare:
            return f"CUSTOM:{_name(entry, _CUSTOM_SLOT, _LONGEST_CUSTOM)}"
        return code

    def _options(self, index: int, code: str, operator: Any) -> dict[str, Any]:
        table, name = operator.BuiltinOptions(), _OPTIONS.get(code)
        if name is None:
            return {}
        options = getattr(self.schema, name)()
        if table is not None:
            options.Init(table.Bytes, table.Pos)
            self._check_kind(f"operator {index} ({code})", name, operator.BuiltinOptionsType())
        elif code not in ("ADD", "SUB", "MUL", "STRIDED_SLICE"):
            raise BadInputError(f"operator {index} ({code}): has no options")
        present: dict[str, Callable[[], Any]] = {
            field: getattr(options, field) for field in _FIELDS if hasattr(options, field)
        }
        return {field: get() for field, get in present.items()} if table is not None else {}

    def _check_kind(self, where: str, name: str, kind: int) -> None:
        found = self.tables.get(kind, str(kind))
        if found != name:
            raise BadInputError(f"{where}: has {found} for options, not {name}")


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


def _name(holder: Any, slot: int = _NAME_SLOT, most: int = _LONGEST_NAME) -> str:
    """The start of a name; a long one is not copied first, as the schema's reader would."""
    table = holder._tab
    field = table.Offset(4 + 2 * slot)
    if not field:
        return ""
    at, length = table.Vector(field), table.VectorLen(field)
    return bytes(table.Bytes[at : at + min(length, most)]).decode("utf-8", "replace")


def _indices(values: Any, tensors: int, what: str, lowest: int = 0) -> tuple[int, ...]:
    found = tuple(map(int, _vector(values, _MOST_ENDS, what)))
    if any(not lowest <= i < tensors for i in found):
        raise BadInputError(f"{what} name tensors {found[:8]}; there are {tensors}")
    return found


def _quantization(index: int, table: Any) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if table is None or table.ScaleLength() == 0:
        return (), (), 0
    with np.errstate(invalid="ignore"):  # a signalling NaN; refused below
        scales = np.asarray(table.ScaleAsNumpy(), np.float64)
    zeros = _vector(table.ZeroPointAsNumpy(), len(scales), f"tensor {index}: zero points")
    zeros = np.zeros(len(scales)) if len(zeros) == 0 else zeros
    if len(zeros) != len(scales):
        raise BadInputError(f"tensor {index}: {len(scales)} scales but {len(zeros)} zero points")
    if not ((scales > 0) & (scales <= _LARGEST_SCALE)).all():
        raise BadInputError(
            f"tensor {index}: a scale is not positive, or beyond {_LARGEST_SCALE:g}"
        )
    limits = np.iinfo(np.int32)
    if zeros.min() < limits.min or zeros.max() > limits.max:
        raise BadInputError(f"tensor {index}: a zero point leaves 32 bits")
    return tuple(map(float, scales)), tuple(map(int, zeros)), int(table.QuantizedDimension())
