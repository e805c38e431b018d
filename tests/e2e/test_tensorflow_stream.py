"""Ten thousand steps on a real stream: the generated C beside TensorFlow in float32.

Room sensors, one row a minute over eight days, in time order (Candanedo and Feldheim 2016): is
somebody in the room? Day and night, and rows of the same class for hours, make it a stream as
a device meets it, not a shuffled data set.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from keras_models import keras, tf
from support import shared
from support.harness import CModel, emitted

from tinylearn.importers.keras import from_model
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices

pytestmark = pytest.mark.tensorflow

STEPS = 10_000
FADING = 0.99
RATE = 0.03125


def rows(path: Path) -> np.ndarray:
    """The five sensors and the label, [n, 6]; the first columns are a number and the date."""
    with path.open(newline="") as file:
        return np.array([row[2:] for row in list(csv.reader(file))[1:]], np.float64)


@pytest.fixture(scope="module")
def stream() -> tuple[np.ndarray, np.ndarray]:
    """x float32 [STEPS, 5], standardised by the statistics of the later days; labels [STEPS]."""
    folder = shared.folder("data/occupancy")
    first, later = rows(folder / "datatest.txt"), rows(folder / "datatraining.txt")
    table = np.concatenate([first, later])[:STEPS]
    mean, deviation = later[:, :5].mean(0), later[:, :5].std(0)
    return ((table[:, :5] - mean) / deviation).astype(np.float32), table[:, 5].astype(np.int32)


def network(name: str) -> keras.Model:
    keras.utils.set_random_seed(11)
    layers = [
        keras.Input((5,)),
        keras.layers.Dense(16, activation="relu", name="hidden_0"),
        keras.layers.Dense(8, activation="tanh", name="hidden_1"),
        keras.layers.Dense(2, activation="softmax", name="out"),
    ]
    return keras.Sequential(layers, name=name)


def by_tensorflow(
    model: keras.Model, momentum: float, x: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Losses before each step; the model learns."""
    optimizer = keras.optimizers.SGD(RATE, momentum=momentum)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def steps(xs, ys):
        losses = tf.TensorArray(tf.float32, STEPS)
        for i in tf.range(STEPS):
            with tf.GradientTape() as tape:
                loss = loss_of(ys[i][None], model(xs[i][None], training=False))
            weights = model.trainable_variables
            optimizer.apply(tape.gradient(loss, weights), weights)
            losses = losses.write(i, loss)
        return losses.stack()

    return steps(tf.constant(x), tf.constant(labels)).numpy().astype(np.float64)


def faded(losses: np.ndarray) -> np.ndarray:
    """The average at each sample in which older samples fade."""
    total = weight = 0.0
    averages = []
    for loss in losses:
        total, weight = FADING * total + loss, FADING * weight + 1
        averages.append(total / weight)
    return np.array(averages)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_running_loss_follows_tensorflow(
    build: Callable[..., list[CModel]],
    stream: tuple[np.ndarray, np.ndarray],
    momentum: float,
) -> None:
    x, labels = stream
    model = network("rooms")
    choices = Choices(learn="all", rate=RATE, optimizer=Optimizer(momentum=momentum))
    (c,) = build(emitted(from_model(model), choices, "rooms"))
    start = c.weights().astype(np.float64)

    mine = np.array([c.learn_label(a, int(b)) for a, b in zip(x, labels, strict=True)])
    its = by_tensorflow(model, momentum, x, labels)

    apart = np.abs(faded(mine) - faded(its)) / faded(its)
    weights = np.concatenate([v.numpy().T.ravel() for v in model.trainable_variables])
    moved = np.abs(weights - start).max()
    weight_error = np.abs(c.weights() - weights).max() / moved
    print("largest relative difference of the running loss", float(apart.max()))
    print("largest difference of the weights, of the way moved", float(weight_error))
    assert its.mean() < 0.1 and moved > 0.5  # it did learn: always saying "empty" costs 0.58
    assert apart.max() < 0.01
    assert weight_error < 1e-3
