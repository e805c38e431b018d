"""Models that end unusually for their loss: Keras' loss and prediction, or a clear refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras_models import keras
from support.harness import CModel, emitted

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.importers.keras import from_model
from tinylearn.pipeline import Choices

pytestmark = pytest.mark.tensorflow

L = keras.layers
BINARY, CATEGORICAL = "binary_crossentropy", "categorical_crossentropy"

ENDS = {
    "one_bit": ((4,), lambda: [L.Dense(1, activation="sigmoid")], BINARY),
    "bits_of_an_image": ((4, 4, 2), lambda: [L.Conv2D(3, 1, activation="sigmoid")], BINARY),
    "softmax_layer": ((4,), lambda: [L.Dense(3), L.Dropout(0.5), L.Softmax()], CATEGORICAL),
    "bits_of_positions": ((4, 3), lambda: [L.Dense(3, activation="sigmoid")], BINARY),
    "reshaped_bits": ((4,), lambda: [L.Dense(6, activation="sigmoid"), L.Reshape((2, 3))], BINARY),
    "reshaped_class": (
        (4,), lambda: [L.Dense(3, activation="softmax"), L.Reshape((1, 3))], CATEGORICAL
    ),
    "classes_of_an_image": ((4, 4, 2), lambda: [L.Conv2D(3, 1, activation="softmax")], CATEGORICAL),
    "classes_of_positions": ((4, 3), lambda: [L.Dense(3, activation="softmax")], CATEGORICAL),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_loss_is_that_of_keras_or_refused(build: Callable[..., list[CModel]], end: str) -> None:
    shape, layers, loss = ENDS[end]
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input(shape), *layers()])
    try:
        compiled = emitted(from_model(model), Choices(learn="all", loss=loss), end)
    except (UsageError, UnsupportedError):
        return
    (c,) = build(compiled)
    x, target = sample(model, loss)
    y = np.array(model(x[None], training=False))
    expected = float(keras.losses.get(loss)(target[None], y).numpy().mean())
    np.testing.assert_allclose(c.predict(x), y.ravel(), atol=1e-6)
    assert c.learn(x, target) == pytest.approx(expected, rel=1e-5)


def sample(model: Any, loss: str) -> tuple[np.ndarray, np.ndarray]:
    """An input, and bits or a class at each position."""
    rng, shape = np.random.default_rng(0), model.output_shape[1:]
    x = rng.normal(size=model.input_shape[1:]).astype(np.float32)
    if loss == BINARY:
        return x, rng.integers(0, 2, shape).astype(np.float32)
    return x, np.eye(shape[-1], dtype=np.float32)[rng.integers(shape[-1], size=shape[:-1])]
