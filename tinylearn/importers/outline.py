"""What a model file consists of, where tinylearn cannot run it: operators, shapes, quantization.

As untrusted as any model: the same bounds apply as where it is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinylearn.errors import BadInputError, TinylearnError, UnsupportedError
from tinylearn.importers import archive
from tinylearn.importers.config import MAX_LAYERS
from tinylearn.importers.fields import MAX_NAME
from tinylearn.importers.layers.base import supported
from tinylearn.importers.tflite import file, network
from tinylearn.importers.tflite.file import TfModel, TfOperator, TfTensor

#: Keras' names for what is no operation
_NO_OPERATIONS = ("InputLayer", "Sequential", "Functional", "Model")
_MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class OutlineTensor:
    """``shape`` without batch; () where the file does not say."""

    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class OutlineOp:
    """``code``: as the file's format names the operation, such as CONV_2D or Conv2D."""

    code: str
    name: str
    supported: bool
    source: OutlineTensor = OutlineTensor()
    result: OutlineTensor = OutlineTensor()


@dataclass(frozen=True)
class Outline:
    """Operators in order, and the model's ends."""

    ops: tuple[OutlineOp, ...]
    inputs: tuple[OutlineTensor, ...]
    outputs: tuple[OutlineTensor, ...]


def outline(path: Path) -> Outline:
    """The outline of a `.keras` or `.tflite` file; raises BadInputError where it is damaged."""
    try:
        if path.suffix == ".tflite":
            return _of_tflite(file.read(path, bare=True))
        return _of_keras(archive.read(path).config)
    except TinylearnError as error:
        raise type(error)(f"{path.name}: {error}") from None


# ---- TFLite ----


def _of_tflite(model: TfModel) -> Outline:
    known = set(network.operators())
    ops = tuple(_op(model, operator, operator.code in known) for operator in model.operators)
    ends = (tuple(_tensor(model.tensors[i]) for i in end) for end in (model.inputs, model.outputs))
    return Outline(ops, *ends)


def _op(model: TfModel, operator: TfOperator, known: bool) -> OutlineOp:
    source = next((i for i in operator.inputs if i >= 0), None)
    result = model.tensors[operator.outputs[0]] if operator.outputs else None
    return OutlineOp(
        operator.code,
        result.name if result else f"op_{operator.index}",
        known,
        OutlineTensor() if source is None else _tensor(model.tensors[source]),
        _tensor(result) if result else OutlineTensor(),
    )


def _tensor(tensor: TfTensor) -> OutlineTensor:
    one = len(tensor.scales) == 1
    return OutlineTensor(
        tensor.shape[1:] if len(tensor.shape) > 1 else tensor.shape, tensor.type.lower(),
        tensor.scales[0] if one else None, tensor.zero_points[0] if one else None,
    )  # fmt: skip


# ---- Keras ----


def _of_keras(config: bytes) -> Outline:
    try:
        root = json.loads(config)
    except (ValueError, RecursionError):
        raise BadInputError("config.json is not valid JSON, or nested too deeply") from None
    layers, inputs = list[OutlineOp](), list[OutlineTensor]()
    for entry in _layers(root):
        kind, name = str(entry["class_name"])[:MAX_NAME], str(entry.get("name"))[:MAX_NAME]
        if kind == "InputLayer":
            inputs.append(OutlineTensor(_shape(entry["config"])))
        elif kind not in _NO_OPERATIONS:
            layers.append(OutlineOp(kind, name, kind in supported()))
    if len(layers) > MAX_LAYERS:
        raise BadInputError(f"it has {len(layers)} layers; at most {MAX_LAYERS} are read")
    if not layers:
        raise UnsupportedError("no layer can be made out in it; a subclassed model is Python code")
    return Outline(tuple(layers), tuple(inputs), (OutlineTensor(),))


def _layers(root: Any) -> Iterator[dict[str, Any]]:
    """Every entry of a list called layers, at any depth, in the order of the file."""
    waiting, seen = [("", root)], 0
    while waiting:
        within, value = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise BadInputError(f"config.json has more than {_MOST_VALUES} values")
        if isinstance(value, dict):
            if within == "layers" and _is_layer(value):
                yield value
            waiting += [(key, value[key]) for key in reversed(value)]
        elif isinstance(value, list):
            waiting += [(within, item) for item in reversed(value)]


def _is_layer(value: dict[str, Any]) -> bool:
    return isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict)


def _shape(config: dict[str, Any]) -> tuple[int, ...]:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    sizes = shape[1:] if isinstance(shape, list) else []
    return tuple(sizes) if all(type(n) is int and n > 0 for n in sizes) else ()
