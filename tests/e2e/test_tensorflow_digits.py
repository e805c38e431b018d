"""A convolutional network trained in Keras, saved, and run as generated C: the same answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from keras_models import keras
from support.harness import CModel, emitted

from tinylearn.importers.keras import load
from tinylearn.pipeline import Choices

datasets = pytest.importorskip("sklearn.datasets", reason="needs tinylearn[demo]")

pytestmark = pytest.mark.tensorflow

SAMPLES = 200


def network() -> keras.Model:
    keras.utils.set_random_seed(2)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.SeparableConv2D(16, 3, activation="relu", name="separable"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Dropout(0.1, name="dropout"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="out"),
        ],
        name="digits_cnn",
    )


def test_predictions_are_those_of_keras(
    build: Callable[..., list[CModel]],
    tmp_path: Path,
) -> None:
    data = datasets.load_digits()
    x = (data.images[..., None] / 16).astype(np.float32)
    model, test = network(), slice(-SAMPLES, None)
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(x[:-SAMPLES], data.target[:-SAMPLES], batch_size=64, epochs=8, verbose=0)
    model.save(tmp_path / "digits.keras")

    graph = load(tmp_path / "digits.keras")
    both = build(emitted(graph, name="frozen"), emitted(graph, Choices(learn="all"), "learning"))
    expected = model.predict(x[test], verbose=0)
    for c in both:  # where it learns, the normalisation is not folded away
        got = np.array([c.predict(sample) for sample in x[test]])
        error = float(np.abs(got - expected).max())
        print(f"{c.model.name}: largest difference of a probability", error)
        assert error < 1e-5
        assert (got.argmax(axis=1) == data.target[test]).mean() > 0.85
