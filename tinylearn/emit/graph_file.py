"""<name>_graph.npz: a graph and the choices made for it, so that a project can be validated.

A NumPy archive without Python objects. Same graph, same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tinylearn.errors import BadInputError, TinylearnError
from tinylearn.files import npz
from tinylearn.ir.graph import Array, Graph, Op, Role, Tensor, frozen_map
from tinylearn.ir.quant import Quant
from tinylearn.ops.check import checked
from tinylearn.pipeline import Choices

_LARGEST = 1 << 28
_LITTLE = {"float32": "<f4", "int32": "<i4", "int16": "<i2", "int8": "|i1", "uint8": "|u1"}


def dump(graph: Graph, choices: Choices) -> bytes:
    """The file's bytes."""
    stored = [t for t in graph.tensors.values() if t.data is not None]
    arrays = {f"w{i}": np.ascontiguousarray(t.data, _LITTLE[t.dtype]) for i, t in enumerate(stored)}
    described = {
        "name": graph.name,
        "choices": choices.as_json(),
        "tensors": [_tensor_json(t) for t in graph.tensors.values()],
        "stored": [t.name for t in stored],
        "ops": [_op_json(op) for op in graph.ops],
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
    }
    text = json.dumps(described, sort_keys=True).encode()
    buffer = io.BytesIO()
    np.savez(buffer, graph=np.frombuffer(text, np.uint8), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _tensor_json(tensor: Tensor) -> list[Any]:
    quant = tensor.quant
    packed = quant and [list(quant.scales), list(quant.zero_points), quant.axis]
    return [tensor.name, list(tensor.shape), tensor.role, tensor.dtype, packed]


def _tensor(values: list[Any], data: Array | None) -> Tensor:
    name, shape, role, dtype, packed = values
    _names([name, dtype])
    if role not in get_args(Role):
        raise BadInputError(f"tensor {name!r}: {str(role)[:40]!r} is no role")
    quant = Quant(tuple(packed[0]), tuple(packed[1]), packed[2]) if packed else None
    return Tensor(name, tuple(shape), role, data, dtype=dtype, quant=quant)


def _tuples(value: Any) -> Any:
    """JSON's lists as tuples, at any depth."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _op_json(op: Op) -> dict[str, Any]:
    return {"kind": op.kind, "name": op.name, "layer": op.layer, "inputs": list(op.inputs),
            "outputs": list(op.outputs), "updates": list(op.updates), "attrs": dict(op.attrs)}  # fmt: skip


def _op(values: dict[str, Any]) -> Op:
    attrs = {k: _tuples(v) for k, v in values["attrs"].items()}
    inputs, outputs, updates = (_names(values[k]) for k in ("inputs", "outputs", "updates"))
    kind, name, layer = _names([values[k] for k in ("kind", "name", "layer")])
    return Op(kind, name, inputs, outputs, frozen_map(attrs), updates, layer)


def _names(values: list[Any]) -> tuple[str, ...]:
    wrong = [value for value in values if not isinstance(value, str)]
    if wrong:
        raise BadInputError(f"{str(wrong[0])[:40]!r} is no name")
    return tuple(values)


def _array(archive: zipfile.ZipFile, name: str, dtype: str) -> Array:
    values = npz.array(archive.read(f"{name}.npy"))
    if not values.flags.c_contiguous or values.dtype.str != dtype:
        raise BadInputError(f"array {name} is not of rows of {dtype}")
    return values


def _rebuilt(archive: zipfile.ZipFile) -> tuple[Graph, Choices]:
    described = json.loads(_array(archive, "graph", "|u1").tobytes())
    dtypes = {values[0]: _LITTLE[values[3]] for values in described["tensors"]}
    stored = enumerate(described["stored"])
    data = {name: _array(archive, f"w{i}", dtypes[name]) for i, name in stored}
    tensors = {v[0]: _tensor(v, data.get(v[0])) for v in described["tensors"]}
    graph = Graph(described["name"], frozen_map(tensors), tuple(map(_op, described["ops"])),
                  _names(described["inputs"]), _names(described["outputs"]))  # fmt: skip
    return checked(graph), Choices.from_json(described["choices"])


def load(path: Path) -> tuple[Graph, Choices]:
    """Reads a file written by ``dump``; raises BadInputError where it is anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST:
                raise BadInputError(f"larger than {_LARGEST} bytes; generate it again")
            return _rebuilt(archive)
    except TinylearnError as error:
        raise BadInputError(f"{path}: {error}") from None
    except Exception as error:  # hostile bytes make zipfile, zlib, NumPy and json raise anything
        raise BadInputError(f"{path}: not a tinylearn graph ({error}); generate it again") from None
