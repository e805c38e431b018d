"""The layer graph of a Keras model, read from its config.json without Keras.

Sequential and Functional models come out alike: layers with the calls ("nodes") made of
them. Keras 3 and the `.keras` files of tf.keras 2.12 to 2.15 are understood. Nothing in a
config is ever executed: layers that carry Python code are refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.fields import Fields, safe_name, shown

MAX_LAYERS = 1000
MAX_CALLS = 2000
MAX_JSON_DEPTH = 100
MAX_MODEL_DEPTH = 8

Json = dict[str, Any]

_MODELS = ("Sequential", "Functional", "Model")
_OPS = "keras.src.ops."


@dataclass(frozen=True)
class Source:
    """The output of one call of a layer."""

    layer: str
    call: int = 0


@dataclass(frozen=True)
class LayerConfig:
    """One layer: its class, its settings and the inputs of each call made of it.

    ``name`` is safe to print; ``key`` is the name in the file. A layer that is itself a model
    has ``model``. ``class_name`` of a bare operation (x + y) is prefixed by ``ops.``.
    """

    key: str
    name: str
    class_name: str
    config: Json
    calls: tuple[tuple[Source, ...], ...]
    model: ModelConfig | None = None

    @property
    def fields(self) -> Fields:
        """The settings, with checks."""
        return Fields(f"layer {self.name} ({self.class_name})", self.config)


@dataclass(frozen=True)
class ModelConfig:
    """A model: layers, the input layers in order, and what it returns."""

    name: str
    class_name: str
    layers: tuple[LayerConfig, ...]
    inputs: tuple[str, ...]
    output: Source


def parse(text: bytes | str) -> ModelConfig:
    """The model that a config.json describes; raises BadInputError or UnsupportedError."""
    try:
        root = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else shown(str(error))
        raise BadInputError(f"config.json is not valid JSON: {reason}") from None
    _check_depth(root)
    return _model(_object(root, "config.json"), 0)


def _check_depth(root: Any) -> None:
    level: list[Any] = [root]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise BadInputError(f"config.json is nested more than {MAX_JSON_DEPTH} levels deep")


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _object(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise BadInputError(f"{what} must be a JSON object, is {shown(value)}")
    return value


def _list(value: Any, what: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise BadInputError(f"{what} must be a list, is {shown(value)}")
    if len(value) > most:
        raise BadInputError(f"{what} has {len(value)} entries; at most {most} are read")
    return value


def _model(entry: Json, depth: int) -> ModelConfig:
    class_name = _class_name(entry)
    if class_name not in _MODELS or depth > MAX_MODEL_DEPTH:
        raise UnsupportedError(
            f"model class {shown(class_name)}: only Sequential and Functional models, nested up "
            f"to {MAX_MODEL_DEPTH} deep, can be imported; a subclassed model is Python code"
        )
    config = _object(entry.get("config"), "the model's config")
    name = safe_name(config.get("name"), "model")
    entries = _list(config.get("layers"), f"layers of model {name}", MAX_LAYERS)
    layers = [_layer(_object(item, f"layer of model {name}"), depth) for item in entries]
    _check_unique(layers, name)
    if class_name == "Sequential":
        return _chain(name, layers, config)
    return _functional(name, layers, config)


def _check_unique(layers: list[LayerConfig], model: str) -> None:
    seen: set[str] = set()
    for name in (name for layer in layers for name in {layer.name, layer.key}):
        if name in seen:
            raise BadInputError(f"model {model} has two layers named {shown(name)}; rename one")
        seen.add(name)


def _class_name(entry: Json) -> str:
    """The class of a layer or model; refuses anything that is not Keras' own."""
    class_name, module = entry.get("class_name"), entry.get("module")
    if not isinstance(class_name, str) or not isinstance(module, str | None):
        raise BadInputError(f"a layer has the class {shown(class_name)} of {shown(module)}")
    if class_name in ("Lambda", "__lambda__"):
        raise UnsupportedError(f"{_who(entry)} is a Lambda: Python code that is never run")
    registered = entry.get("registered_name")
    if not _is_keras(module) or registered not in (None, class_name):
        raise UnsupportedError(
            f"{_who(entry)} is the custom class {shown(registered or class_name)} of "
            f"{shown(module)}: only Keras' own layers can be imported"
        )
    return f"ops.{class_name}" if module and module.startswith(_OPS) else class_name


def _is_keras(module: str | None) -> bool:
    if module is None:
        return True
    root = module.removeprefix("tensorflow.python.").removeprefix("tensorflow.")
    return root.split(".")[0] in ("keras", "tf_keras")


def _who(entry: Json) -> str:
    config = entry.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return f"layer {shown(entry.get('name') or inner)}"


def _layer(entry: Json, depth: int) -> LayerConfig:
    class_name = _class_name(entry)
    config = _object(entry.get("config"), "a layer's config")
    key = entry.get("name") or config.get("name")
    name = safe_name(key)
    if class_name not in _MODELS:
        _refuse_code(config, name, class_name)
    nodes = _list(entry.get("inbound_nodes") or [], f"calls of layer {name}", MAX_CALLS)
    calls = tuple(_sources(node, name) for node in nodes)
    model = _model(entry, depth + 1) if class_name in _MODELS else None
    return LayerConfig(str(key), name, class_name, config, calls, model)


def _refuse_code(value: Any, name: str, class_name: str) -> None:
    """Refuses marshalled functions anywhere in a layer's settings."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict) and item.get("class_name") in ("__lambda__", "Lambda"):
            raise UnsupportedError(f"layer {name} ({class_name}) holds Python code: never run")
        stack.extend(_children(item))


def _sources(node: Any, layer: str) -> tuple[Source, ...]:
    if isinstance(node, list):
        return tuple(_legacy_source(item, layer) for item in node)
    call = _object(node, f"a call of layer {layer}")
    kwargs = _object(call.get("kwargs") or {}, f"arguments of layer {layer}")
    _check_kwargs(kwargs, layer)
    return tuple(_tensors(call.get("args"), layer))


def _check_kwargs(kwargs: Json, layer: str) -> None:
    if kwargs.get("training") is True:
        raise UnsupportedError(f"layer {layer} is called with training=True; call it without")
    given = sorted(k for k, v in kwargs.items() if v is not None and k != "training")
    if given:
        raise UnsupportedError(
            f"layer {layer} is called with the argument {shown(given[0])}; "
            "only layers called on tensors alone can be imported"
        )


def _tensors(value: Any, layer: str) -> Iterator[Source]:
    """The tensors in the positional arguments of a call, in order."""
    if isinstance(value, list):
        for item in value:
            yield from _tensors(item, layer)
        return
    if not isinstance(value, dict) or value.get("class_name") != "__keras_tensor__":
        raise UnsupportedError(
            f"layer {layer} is called on the constant {shown(value)}; "
            "only layers called on tensors alone can be imported"
        )
    yield _source(_object(value.get("config"), "a tensor").get("keras_history"), layer)


def _legacy_source(item: Any, layer: str) -> Source:
    """[layer, call, tensor, kwargs] as tf.keras 2 writes it."""
    parts = _list(item, f"inputs of layer {layer}", 4)
    if len(parts) == 4:
        _check_kwargs(_object(parts[3], f"arguments of layer {layer}"), layer)
    return _source(parts[:3], layer)


def _source(history: Any, layer: str) -> Source:
    """A [layer, call, tensor] triple."""
    if not (isinstance(history, list) and len(history) == 3 and isinstance(history[0], str)):
        raise BadInputError(f"layer {layer} has the input {shown(history)}")
    name, call, tensor = history
    if type(call) is not int or type(tensor) is not int or call < 0:
        raise BadInputError(f"layer {layer} has the input {shown(history)}")
    if tensor != 0:
        raise UnsupportedError(f"layer {layer} reads a layer with several outputs: {shown(name)}")
    return Source(name, call)


def _ends(value: Any, what: str) -> list[Source]:
    """The [layer, call, tensor] triples of a model's inputs or outputs, however nested."""
    if isinstance(value, dict):
        return [end for key in sorted(value) for end in _ends(value[key], what)]
    items = _list(value, what, MAX_LAYERS)
    if items and isinstance(items[0], str):
        return [_source(items, what)]
    return [end for item in items for end in _ends(item, what)]


def _functional(name: str, layers: list[LayerConfig], config: Json) -> ModelConfig:
    inputs = _ends(config.get("input_layers"), f"inputs of model {name}")
    outputs = _ends(config.get("output_layers"), f"outputs of model {name}")
    if len(outputs) != 1:
        raise UnsupportedError(f"model {name} has {len(outputs)} outputs; one is supported")
    return ModelConfig(
        name, "Functional", tuple(layers), tuple(end.layer for end in inputs), outputs[0]
    )


def _chain(name: str, layers: list[LayerConfig], config: Json) -> ModelConfig:
    """A Sequential model as calls of each layer on the one before."""
    if not layers or layers[0].class_name != "InputLayer":
        layers = [_implied_input(name, layers, config), *layers]
    chained, previous = [layers[0]], layers[0].key
    for layer in layers[1:]:
        calls = ((Source(previous),),)
        chained.append(
            LayerConfig(layer.key, layer.name, layer.class_name, layer.config, calls, layer.model)
        )
        previous = layer.key
    return ModelConfig(name, "Sequential", tuple(chained), (layers[0].key,), Source(previous))


def _implied_input(name: str, layers: list[LayerConfig], config: Json) -> LayerConfig:
    first = layers[0].config if layers else {}
    shape = (
        first.get("batch_shape")
        or first.get("batch_input_shape")
        or config.get("build_input_shape")
    )
    if shape is None:
        raise BadInputError(
            f"model {name} has no input shape: it was saved before it was built; "
            "start it with keras.Input(shape)"
        )
    key = "input"
    while any(layer.name == key for layer in layers):
        key += "_"
    return LayerConfig(key, key, "InputLayer", {"batch_shape": shape}, ())
