"""Random small Keras models, and what Keras itself says one step of learning does to them.

A model is drawn as a plain description (``Case``), so that a failing one can be read. Keras
computes in float64 from weights that are exact in float32: rounding is then all on the side of
the generated C.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="needs tinylearn[train]")
keras = pytest.importorskip("keras", reason="needs tinylearn[train]")

Shape = tuple[int, ...]
ACTIVATIONS = ("linear", "relu", "relu6", "leaky_relu", "sigmoid", "tanh")
#: where the slope of an activation jumps
_KINKS = {"relu": (0.0,), "relu6": (0.0, 6.0), "leaky_relu": (0.0,)}


@dataclass(frozen=True)
class Node:
    """A layer: class, options, and the nodes it reads (0 is the input, 1 the first layer)."""

    kind: str
    options: dict[str, Any]
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A model and how it is to learn. ``keep``: which weighted layers, where named."""

    shape: Shape
    nodes: tuple[Node, ...]
    learn: str
    keep: tuple[bool, ...]
    loss: str | None
    loss_class: str
    from_logits: bool
    rate: float
    momentum: float
    decay: float
    accumulate: int
    skip_zero_deltas: bool
    steps: int
    seed: int


#: kinds of layers: for all shapes, and for those with one or two axes of positions
ANYWHERE = ("dense", "batch_norm", "activation", "softmax", "reshape", "add", "concatenate")
SPATIAL = ("conv", "depthwise", "separable", "max_pool", "average_pool", "zero_padding",
           "global_max_pool", "global_average_pool", "flatten")  # fmt: skip


class _Draft:
    """A model being drawn: ``at`` is the current node, ``shape`` its shape without batch."""

    def __init__(self, draw: Callable[..., Any], shape: Shape) -> None:
        self.draw, self.shape, self.at = draw, shape, 0
        self.nodes: list[Node] = []

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def add_layer(
        self, kind: str, shape: Shape, inputs: Sequence[int] = (), **options: Any
    ) -> None:
        self.nodes.append(Node(kind, options, tuple(inputs) or (self.at,)))
        self.at, self.shape = len(self.nodes), shape

    @property
    def dimensions(self) -> int:
        return len(self.shape) - 1

    def suffix(self, kind: str) -> str:
        return f"{kind}{self.dimensions}D"

    # ---- layers ----

    def dense(self, units: int | None = None, activation: str | None = None) -> None:
        units = units or self.number(1, 6)
        self.add_layer("Dense", (*self.shape[:-1], units), units=units,
                 activation=activation or self.pick(*ACTIVATIONS), use_bias=self.pick(True, False))  # fmt: skip

    def window(self, equal_strides: bool, *paddings: str) -> tuple[Shape, Shape, str, Shape]:
        """Size, strides, padding, and the positions that they leave."""
        padding = self.pick("valid", "same", *paddings)
        size, strides = [], []
        for n in self.shape[:-1]:
            size.append(self.number(1, min(3, n) if padding == "valid" else 4))
            strides.append(self.number(1, 3 if n > 4 else 2))
        if equal_strides:
            strides = [min(strides)] * len(strides)
        ends = [n - k + 1 if padding == "valid" else n
                for n, k in zip(self.shape[:-1], size, strict=True)]  # fmt: skip
        left = tuple(-(-n // s) for n, s in zip(ends, strides, strict=True))
        return tuple(size), tuple(strides), padding, left

    def conv(self) -> None:
        causal = ("causal",) if self.dimensions == 1 else ()
        size, strides, padding, left = self.window(False, *causal)
        filters = self.number(1, 5)
        self.add_layer(self.suffix("Conv"), (*left, filters), filters=filters, kernel_size=size,
                 strides=strides, padding=padding, activation=self.pick(*ACTIVATIONS),
                 use_bias=self.pick(True, False))  # fmt: skip

    def depthwise(self) -> None:
        size, strides, padding, left = self.window(True)
        multiplier = self.number(1, 2)
        self.add_layer(self.suffix("DepthwiseConv"), (*left, self.shape[-1] * multiplier),
                 kernel_size=self._one(size), strides=self._one(strides), padding=padding,
                 depth_multiplier=multiplier, activation=self.pick(*ACTIVATIONS),
                 use_bias=self.pick(True, False))  # fmt: skip

    def separable(self) -> None:
        size, strides, padding, left = self.window(True)
        filters = self.number(1, 4)
        self.add_layer(self.suffix("SeparableConv"), (*left, filters), filters=filters,
                 kernel_size=self._one(size), strides=self._one(strides), padding=padding,
                 depth_multiplier=self.number(1, 2), activation=self.pick(*ACTIVATIONS),
                 use_bias=self.pick(True, False))  # fmt: skip

    def _one(self, sizes: Shape) -> Shape | int:
        return sizes[0] if self.dimensions == 1 else sizes

    def max_pool(self) -> None:
        self._pool("MaxPooling")

    def average_pool(self) -> None:
        self._pool("AveragePooling")

    def _pool(self, kind: str) -> None:
        size, strides, padding, left = self.window(False)
        self.add_layer(
            self.suffix(kind), (*left, self.shape[-1]),
            pool_size=size, strides=strides, padding=padding,
        )  # fmt: skip

    def global_max_pool(self) -> None:
        self._global_pool("GlobalMaxPooling")

    def global_average_pool(self) -> None:
        self._global_pool("GlobalAveragePooling")

    def _global_pool(self, kind: str) -> None:
        keep = self.pick(False, False, True)
        ones = (1,) * self.dimensions if keep else ()
        self.add_layer(self.suffix(kind), (*ones, self.shape[-1]), keepdims=keep)

    def zero_padding(self) -> None:
        pads = [(self.number(0, 2), self.number(0, 2)) for _ in self.shape[:-1]]
        shape = tuple(n + a + b for n, (a, b) in zip(self.shape[:-1], pads, strict=True))
        padding = pads[0] if self.dimensions == 1 else tuple(pads)
        self.add_layer(self.suffix("ZeroPadding"), (*shape, self.shape[-1]), padding=padding)

    def flatten(self) -> None:
        self.add_layer("Flatten", (math.prod(self.shape),))

    def reshape(self) -> None:
        total = math.prod(self.shape)
        pairs = [(a, total // a) for a in range(1, total + 1) if total % a == 0]
        a, b = self.pick(*pairs)
        shape = self.pick((total,), (a, b), (a, 1, b), (a, b, 1))
        self.add_layer("Reshape", shape, target_shape=shape)

    def batch_norm(self) -> None:
        self.add_layer("BatchNormalization", self.shape, scale=self.pick(True, False),
                 center=self.pick(True, False))  # fmt: skip

    def activation(self) -> None:
        kind, options = self.pick(
            ("ReLU", {}), ("ReLU", {"max_value": 6.0}), ("ReLU", {"negative_slope": 0.25}),
            ("LeakyReLU", {"negative_slope": 0.125}), ("Activation", {"activation": "sigmoid"}),
            ("Activation", {"activation": "tanh"}), ("Dropout", {"rate": 0.5}),
        )  # fmt: skip
        self.add_layer(kind, self.shape, **options)

    def softmax(self) -> None:
        if self.shape[-1] == 1:  # Keras warns of a softmax of one value
            self.same_shape(3)
        self.add_layer("Softmax", self.shape)

    # ---- branches ----

    def same_shape(self, channels: int) -> None:
        """A layer that keeps the positions and gives this many channels."""
        options = {"activation": self.pick(*ACTIVATIONS), "use_bias": self.pick(True, False)}
        shape = (*self.shape[:-1], channels)
        if self.dimensions and self.pick(True, False):
            self.add_layer(self.suffix("Conv"), shape, filters=channels, padding="same",
                     kernel_size=self.number(1, 3), **options)  # fmt: skip
        else:
            self.add_layer("Dense", shape, units=channels, **options)

    def ways(self) -> list[int]:
        """Two to four ways from here, some of them straight."""
        start, shape = self.at, self.shape
        ways = [start] * self.pick(0, 1, 1, 2)
        for _ in range(self.number(max(0, 2 - len(ways)), 2)):
            self.at, self.shape = start, shape
            self.same_shape(shape[-1])
            ways.append(self.at)
        self.shape = shape
        return ways

    def add(self) -> None:
        self.add_layer("Add", self.shape, self.ways())

    def concatenate(self) -> None:
        ways, axis = self.ways(), self.number(0, len(self.shape) - 1)
        joined = list(self.shape)
        joined[axis] *= len(ways)
        self.add_layer("Concatenate", tuple(joined), ways, axis=axis + 1)

    # ---- all of it ----

    def any_layer(self) -> None:
        positions = self.dimensions in (1, 2)
        getattr(self, self.pick(*ANYWHERE, *(SPATIAL if positions else ("dense", "dense"))))()

    def wanted(self, kind: str) -> None:
        """A layer of this kind, behind one that learns, so that a gradient has to pass it."""
        first = self.pick("", "activation", "batch_norm", "add")
        if first:
            getattr(self, first)()
        self.same_shape(self.shape[-1])
        getattr(self, kind)()

    def ending(self, end: str) -> None:
        """The layers that a cross-entropy asks for."""
        if self.dimensions:
            self.flatten()
        inside = {"softmax": "softmax", "sigmoid": "sigmoid"}.get(end, "linear")
        apart = inside != "linear" and self.pick(True, False)
        units = self.number(2 if "softmax" in end else 1, 5)
        self.dense(units, "linear" if apart else inside)
        if apart:
            self.add_layer("Activation", self.shape, activation=inside)


WEIGHTED = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D",
            "SeparableConv1D", "SeparableConv2D")  # fmt: skip

#: how a model ends: its loss in tinylearn and in Keras
_ENDS = {
    "any": ("mse", "MeanSquaredError"),
    "softmax": (None, "CategoricalCrossentropy"),
    "softmax_logits": ("categorical_crossentropy", "CategoricalCrossentropy"),
    "sigmoid": ("binary_crossentropy", "BinaryCrossentropy"),
    "sigmoid_logits": ("binary_crossentropy", "BinaryCrossentropy"),
}


def _input_shape(draw: Callable[..., Any], kind: str) -> Shape:
    rank = draw(st.sampled_from((2, 3) if kind in SPATIAL else (1, 2, 3)))
    sizes = {1: ((1, 8),), 2: ((3, 9), (1, 4)), 3: ((3, 7), (3, 7), (1, 3))}[rank]
    return tuple(draw(st.integers(*size)) for size in sizes)


@st.composite
def cases(draw: Callable[..., Any], kind: str) -> Case:
    """Models with a layer of this kind (of ANYWHERE or SPATIAL) among up to eight, where a
    branch counts as one, and any way for them to learn."""
    shape = _input_shape(draw, kind)
    d = _Draft(draw, shape)
    end = d.pick("any", *_ENDS)
    d.wanted(kind)
    for _ in range(d.number(0, 3)):
        if math.prod(d.shape) <= 200:
            d.any_layer()
    if end != "any":
        d.ending(end)
    weighted = sum(node.kind in WEIGHTED for node in d.nodes)
    loss, loss_class = _ENDS[end]
    accumulate, momentum = d.pick(1, 1, 1, 2, 3), d.pick(0.0, 0.0, 0.5, 0.875)
    decay = d.pick(0.0, 0.0, 2.0**-6)
    several = accumulate > 1 or momentum > 0
    keep = tuple(draw(st.lists(st.booleans(), min_size=weighted, max_size=weighted)))
    return Case(
        shape=shape, nodes=tuple(d.nodes),
        learn=d.pick("all", "all", f"last:{d.number(1, weighted)}", "names") if any(keep) else "all",
        keep=keep, loss=loss, loss_class=loss_class, from_logits=end.endswith("logits"),
        rate=d.pick(0.0625, 0.25) if several else d.pick(0.0625, 1.0, 8.0),
        momentum=momentum, decay=decay, accumulate=accumulate,
        skip_zero_deltas=d.pick(True, False),
        steps=accumulate * d.number(1, 2) if several else 1, seed=d.number(0, 2**20),
    )  # fmt: skip


# ---- the model in Keras ----


def _layer_name(index: int, kind: str) -> str:
    return f"{kind.lower()}_{index}"


def build_keras(case: Case, dtype: str = "float64") -> Any:
    """The Keras model of a case, its weights random and exact in float32."""
    values = [keras.Input(case.shape, dtype=dtype, name="x")]
    for i, node in enumerate(case.nodes, 1):
        layer = getattr(keras.layers, node.kind)(
            **node.options, name=_layer_name(i, node.kind), dtype=dtype
        )
        inputs = [values[k] for k in node.inputs]
        values.append(layer(inputs if len(inputs) > 1 else inputs[0]))
    model = keras.Model(values[0], values[-1], name="net")
    _randomize(model, case)
    return model


def _randomize(model: Any, case: Case) -> None:
    rng = np.random.default_rng(case.seed)
    for i, node in enumerate(case.nodes, 1):
        for variable in model.get_layer(_layer_name(i, node.kind)).weights:
            variable.assign(_random(rng, variable).astype(np.float32))


def _random(rng: np.random.Generator, variable: Any) -> np.ndarray:
    name, shape = variable.path.split("/")[-1], tuple(variable.shape)
    if name == "moving_variance":
        return rng.uniform(0.5, 2.0, shape)
    if name == "gamma":
        return rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
    fan_in = math.prod(shape[:-2] if "depthwise" in variable.path else shape[:-1])
    return rng.normal(0, 1 / math.sqrt(max(fan_in, 1)) if "kernel" in name else 0.5, shape)


def learning_layers(case: Case, model: Any) -> list[str]:
    """Names of the layers that the case lets learn, in Keras' order."""
    names = [layer.name for layer in model.layers if type(layer).__name__ in WEIGHTED]
    if case.learn == "names":
        return [name for name, keep in zip(names, case.keep, strict=True) if keep]
    return names if case.learn == "all" else names[-int(case.learn.removeprefix("last:")) :]


def freeze_others(model: Any, learning: Sequence[str]) -> None:
    """Freezes all but these layers; a frozen BatchNormalization keeps its statistics."""
    for layer in model.layers:
        layer.trainable = layer.name in learning


def tensors(model: Any, learning: Sequence[str]) -> dict[str, np.ndarray]:
    """The weights of these layers by tinylearn's names, flat, in its layouts."""
    return {
        f"{name}/{part}": values
        for name in learning
        for part, values in _parts(model.get_layer(name))
    }


def _parts(layer: Any) -> list[tuple[str, np.ndarray]]:
    kind, values = type(layer).__name__, [np.array(v) for v in layer.get_weights()]
    names = ["kernel", "bias"]
    if kind.startswith("Separable"):
        names = ["depthwise/kernel", "pointwise/kernel", "pointwise/bias"]
    parts = zip(names, values, strict=False)
    return [(name, _flat(name, value, kind)) for name, value in parts]


def _flat(name: str, value: np.ndarray, kind: str) -> np.ndarray:
    """Output channel first, but for depthwise kernels."""
    depthwise = name == "depthwise/kernel" or kind.startswith("Depthwise")
    outputs_first = name.endswith("kernel") and not depthwise
    return (np.moveaxis(value, -1, 0) if outputs_first else value).ravel()


# ---- learning in Keras ----


class Teacher:
    """Steps of keras.optimizers.SGD on one sample each."""

    def __init__(self, case: Case, model: Any) -> None:
        self.model = model
        dtype = model.dtype
        logits = {} if case.loss_class == "MeanSquaredError" else {"from_logits": case.from_logits}
        self.loss = getattr(keras.losses, case.loss_class)(dtype=dtype, **logits)
        self.optimizer = keras.optimizers.SGD(
            case.rate, momentum=case.momentum, weight_decay=case.decay or None,
            gradient_accumulation_steps=case.accumulate if case.accumulate > 1 else None,
        )  # fmt: skip

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.array(self.model(x[None], training=False))[0]

    def learn(self, x: np.ndarray, target: np.ndarray) -> float:
        """The loss before the step."""
        with tf.GradientTape() as tape:
            loss = self.loss(target[None], self.model(x[None], training=False))
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return float(loss)


def by_label(case: Case, outputs: Shape) -> bool:
    """Whether the samples have a class each, given to the C as a label."""
    return len(outputs) == 1 and case.seed % 4 == 1


def random_target(case: Case, outputs: Shape, rng: np.random.Generator) -> np.ndarray:
    """A target that suits the loss: a class, a distribution, independent bits, or values."""
    if by_label(case, outputs):
        one_bit = outputs == (1,) and case.loss_class == "BinaryCrossentropy"
        rows = np.array([[0.0], [1.0]]) if one_bit else np.eye(outputs[0])
        return rows[rng.integers(len(rows))].astype(np.float32)
    if case.loss_class == "MeanSquaredError":
        return rng.normal(size=outputs).astype(np.float32)
    if case.loss_class == "BinaryCrossentropy":
        soft = rng.uniform(size=outputs)
        return (soft if case.seed % 2 else soft > 0.5).astype(np.float32)
    # eighths, so that the sum is exactly 1 in float32 too
    return (rng.multinomial(8, np.full(outputs[0], 1 / outputs[0])) / 8).astype(np.float32)


def label_of(case: Case, target: np.ndarray) -> int:
    """The label that stands for a target: its class, or the bit itself of a single one."""
    one_bit = target.shape == (1,) and case.loss_class == "BinaryCrossentropy"
    return int(target[0]) if one_bit else int(target.argmax())


# ---- how near a sample is to where the gradient jumps ----


def kink_distance(case: Case, model: Any, x: np.ndarray) -> float:
    """Least distance of any value from a jump of its slope, relative to its layer's values.

    There float32 and float64 may land on different sides. Exact zeros and ties do not count:
    they are those of a ReLU before, and equal in all precisions.
    """
    values, least = [tf.constant(x[None], tf.float64)], math.inf
    for i, node in enumerate(case.nodes, 1):
        layer = model.get_layer(_layer_name(i, node.kind))
        inputs = [values[k] for k in node.inputs]
        given = inputs if len(inputs) > 1 else inputs[0]
        least = min(least, _layer_distance(node, layer, given))
        values.append(layer(given, training=False) if node.kind == "Dropout" else layer(given))
    return least


def _layer_distance(node: Node, layer: Any, x: Any) -> float:
    kinks = _KINKS.get(node.options.get("activation", ""), ())
    if kinks:
        return _least(_before_activation(layer, x), kinks)
    if node.kind in ("ReLU", "LeakyReLU"):
        return _least(np.array(x), (0.0, 6.0) if node.options.get("max_value") else (0.0,))
    if "MaxPooling" in node.kind:
        return _pool_distance(node, np.array(x)[0])
    return math.inf


def _before_activation(layer: Any, x: Any) -> np.ndarray:
    activation, layer.activation = layer.activation, keras.activations.linear
    try:
        return np.array(layer(x))
    finally:
        layer.activation = activation


def _least(z: np.ndarray, kinks: Sequence[float]) -> float:
    gaps = np.abs(np.concatenate([z.ravel() - kink for kink in kinks]))
    return float(np.min(gaps, where=gaps > 0, initial=math.inf) / max(1.0, np.abs(z).max()))


def _pool_distance(node: Node, x: np.ndarray) -> float:
    """Least gap between the two largest values of a window."""
    x = x if x.ndim == 3 else x[None]
    size = (1, 1, *node.options.get("pool_size", x.shape[:2]))[-2:]
    strides = (1, 1, *(node.options.get("strides") or size))[-2:]
    padded = _same_padding(x, size, strides) if node.options.get("padding") == "same" else x
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, (0, 1))
    flat = windows[:: strides[0], :: strides[1]].reshape(-1, size[0] * size[1])
    if flat.shape[1] < 2:
        return math.inf
    top = np.sort(flat, axis=1)
    gaps = top[:, -1] - top[:, -2]
    return float(np.min(gaps, where=gaps > 0, initial=math.inf) / max(1.0, np.abs(x).max()))


def _same_padding(x: np.ndarray, size: Shape, strides: Shape) -> np.ndarray:
    pads = []
    for n, k, s in zip(x.shape, size, strides, strict=False):
        total = max(0, (-(-n // s) - 1) * s + k - n)
        pads.append((total // 2, total - total // 2))
    return np.pad(x, (*pads, (0, 0)), constant_values=-np.inf)
