"""Writes small .tflite files by hand, without TensorFlow, and runs generated C of many at once."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from support.harness import CModel
from tinylearn.emit.model import EmittedModel
from tinylearn.importers import tflite
from tinylearn.pipeline import Choices, compile_graph

Scales = float | list[float] | np.ndarray
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
SAME, VALID = 0, 1

#: the options table that an operator has under another name than its own
_TABLES = {
    "CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "MAX_POOL_2D": "Pool2D",
    "AVERAGE_POOL_2D": "Pool2D", "MEAN": "Reducer", "SUM": "Reducer",
    "REDUCE_MAX": "Reducer", "PADV2": "PadV2",
}  # fmt: skip
_BARE = {"LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH"}


def _table(code: str) -> str:
    return _TABLES.get(code, "".join(part.title() for part in code.split("_"))) + "Options"


@dataclass
class Net:
    """One subgraph. Methods add to it and return the index of the tensor they make."""

    name: str = "net"
    dtype: str = "INT8"
    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    buffers: list[bytes] = field(default_factory=lambda: [b""])
    inputs: list[int] = field(default_factory=list)

    def tensor(self, shape: tuple[int, ...], dtype: str = "", scale: Scales = (), zero: Any = 0,
               data: np.ndarray | None = None, axis: int = 0) -> int:  # fmt: skip
        t = schema.TensorT()
        t.name, t.shape = f"t{len(self.tensors)}", list(shape)
        t.type = getattr(schema.TensorType, dtype or self.dtype)
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        if len(scales):
            q = t.quantization = schema.QuantizationParametersT()
            q.scale = scales
            q.zeroPoint = np.broadcast_to(np.asarray(zero, np.int64), scales.shape).copy()
            q.quantizedDimension = axis
        t.buffer = 0
        if data is not None:
            t.buffer = len(self.buffers)
            self.buffers.append(np.ascontiguousarray(data).tobytes())
        self.tensors.append(t)
        return len(self.tensors) - 1

    def input(self, shape: tuple[int, ...], scale: Scales = (), zero: int = 0,
              dtype: str = "") -> int:  # fmt: skip
        self.inputs.append(self.tensor(shape, dtype, scale, zero))
        return self.inputs[-1]

    def constant(self, data: np.ndarray, scale: Scales = (), zero: Any = 0, axis: int = 0) -> int:
        kind = data.dtype.name.upper()
        return self.tensor(data.shape, kind, scale, zero, data, axis)

    def ints(self, *values: Any) -> int:
        return self.constant(np.array(values[0] if len(values) == 1 else values, np.int32))

    def op(self, code: str, inputs: list[int], shape: tuple[int, ...] = (), scale: Scales = (),
           zero: int = 0, dtype: str = "", **options: Any) -> int:  # fmt: skip
        """An operator; its output's shape may be left to ``settled``."""
        number = getattr(schema.BuiltinOperator, code)
        if number not in self.codes:
            self.codes.append(number)
        o, out = schema.OperatorT(), self.tensor(shape, dtype, scale, zero)
        o.opcodeIndex, o.inputs, o.outputs = self.codes.index(number), list(inputs), [out]
        name = _table(code)
        if code not in _BARE and hasattr(schema, f"{name}T"):
            o.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            o.builtinOptions = getattr(schema, f"{name}T")()
            for key, value in options.items():
                assert hasattr(o.builtinOptions, key), (name, key)
                setattr(o.builtinOptions, key, value)
        self.operators.append(o)
        return out

    def model(self, outputs: list[int] | None = None) -> Any:
        """The object form, for whoever wants to damage it."""
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.tensors, graph.operators, graph.inputs = self.tensors, self.operators, self.inputs
        graph.outputs, graph.name = outputs or [len(self.tensors) - 1], b"main"
        model.version, model.subgraphs, model.description = 3, [graph], b"test"
        model.operatorCodes, model.buffers = [], []
        for number in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
            code.version = 1
            model.operatorCodes.append(code)
        for content in self.buffers:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(content, np.uint8) if content else None
            model.buffers.append(buffer)
        return model

    def settled(self) -> bytes:
        """The file, with the shapes that LiteRT finds."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kind = OpResolverType.BUILTIN_REF
        oracle = Interpreter(model_content=packed(self.model()), experimental_op_resolver_type=kind)
        oracle.allocate_tensors()
        oracle.invoke()  # some shapes are known no sooner
        for details in oracle.get_tensor_details():
            if details["index"] < len(self.tensors):
                self.tensors[details["index"]].shape = [int(n) for n in details["shape"]]
        return packed(self.model())


def packed(model: Any) -> bytes:
    """A model's object form as a file's content."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def emitted(path: Path, rounding: str, name: str) -> EmittedModel:
    """A file's model, ready to be printed as C."""
    compiled = compile_graph(tflite.load(path, rounding), Choices())
    return EmittedModel(name, compiled, path.name, "0" * 64, "0")


class TypedModel(CModel):
    """A generated model whose input and output have the types of its program."""

    _BEHIND = 16

    def predict(self, x: np.ndarray) -> np.ndarray:
        program = self.model.compiled.program
        x = np.ascontiguousarray(x, program.input.dtype)
        y = np.zeros(self.model.outputs, program.result.dtype)
        room = np.full(y.nbytes + self._BEHIND, 0xA5, np.uint8)
        self._call("predict", ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(room.ctypes.data))
        assert (room[y.nbytes :] == 0xA5).all(), "predict wrote behind y"
        return room[: y.nbytes].view(y.dtype)
