"""Trains a small network on a data file and saves it as .keras.

The same data, spec, options and package versions give the same weights on a CPU: data are
shuffled by a seeded generator, initial weights are seeded, TensorFlow's ops deterministic.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError, TinylearnError, UsageError
from tinylearn.train import architecture, tensorflow
from tinylearn.train.architecture import Architecture
from tinylearn.train.data import Data, Samples, load, split

#: called after each epoch with its number from 1 and its figures (loss, accuracy, val_...)
Progress = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class TrainOptions:
    """How to train: Adam, shuffled batches, a fraction of the samples set apart.

    ``standardize`` puts a Normalization layer with the training data's statistics in front.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    validation_split: float = 0.2
    standardize: bool = False

    def check(self) -> None:
        """Raises UsageError for options out of range."""
        wrong = [name for name, good in self._good().items() if not good]
        if wrong:
            raise UsageError(
                f"{wrong[0].replace('_', ' ')} {getattr(self, wrong[0])} is out of range"
            )

    def _good(self) -> dict[str, bool]:
        return {
            "epochs": 1 <= self.epochs <= 1_000_000,
            "batch_size": 1 <= self.batch_size <= 1_000_000,
            "learning_rate": math.isfinite(self.learning_rate) and self.learning_rate > 0,
            "seed": 0 <= self.seed < 1 << 32,
            "validation_split": 0 <= self.validation_split < 1,
        }


@dataclass(frozen=True)
class TrainResult:
    """What training gave. ``loss`` and ``accuracy`` are of the samples ``measured_on``.

    ``measured_on`` is "test" (x_test of the file), "validation" (set apart) or "training".
    ``accuracy`` is None for an autoencoder. ``history`` has one figure an epoch.
    """

    path: Path
    history: Mapping[str, tuple[float, ...]]
    loss: float
    accuracy: float | None
    measured_on: str
    samples: int
    parameters: int
    classes: tuple[str, ...]


def train(
    data: Path, spec: str, out: Path, options: TrainOptions, progress: Progress | None = None
) -> TrainResult:
    """Trains ``spec`` on ``data`` and writes ``out`` (.keras), which appears whole or not at all.

    Raises UsageError and BadInputError for the request and the data, MissingToolError without
    TensorFlow, TinylearnError when training diverges.
    """
    options.check()
    _check_out(out)
    plan, contents = architecture.parse(spec), load(data)
    if plan.supervised:
        _check_classes(contents, data)
    modules = tensorflow.modules()
    tensorflow.make_deterministic(modules, options.seed)
    training, validation = split(contents.train, options.validation_split, options.seed)
    model = _model(modules.keras, plan, training, len(contents.classes), options)
    history = _fit(modules.keras, model, plan, training, validation, options, progress)
    measured_on, samples = _measured(contents, training, validation)
    figures = model.evaluate(*_pair(plan, samples), verbose=0, return_dict=True)
    save(model, out)
    return TrainResult(
        out, history, figures["loss"], figures.get("accuracy"), measured_on,
        len(training), int(model.count_params()), contents.classes if plan.supervised else (),
    )  # fmt: skip


def _check_out(out: Path) -> None:
    if out.suffix != ".keras":
        raise UsageError(f"{out.name}: a model is saved as .keras; name it {out.stem}.keras")
    if not out.parent.is_dir():
        raise UsageError(f"{out}: there is no such folder to write to")


def _check_classes(data: Data, path: Path) -> None:
    if data.train.y is None:
        raise BadInputError(f"{path.name}: has no labels 'y'; only an autoencoder needs none")
    if len(data.classes) < 2:
        raise BadInputError(f"{path.name}: has a single class; two or more are needed")


def _model(
    keras: Any, plan: Architecture, samples: Samples, classes: int, options: TrainOptions
) -> Any:
    """The compiled model."""
    front = [_standardizer(keras, plan, samples)] if options.standardize else []
    model = architecture.build(keras, plan, samples.x.shape[1:], classes, front)
    model.compile(
        optimizer=keras.optimizers.Adam(options.learning_rate),
        loss="sparse_categorical_crossentropy" if plan.supervised else "mse",
        metrics=["accuracy"] if plan.supervised else [],
    )
    return model


def _standardizer(keras: Any, plan: Architecture, samples: Samples) -> Any:
    if not plan.supervised:
        raise UsageError(
            "an autoencoder cannot standardize, since it gives its input back; scale the data"
        )
    layer = keras.layers.Normalization(name="standardize")
    layer.adapt(samples.x)
    return layer


def _pair(plan: Architecture, samples: Samples) -> tuple[Any, Any]:
    """(input, target)."""
    return samples.x, samples.labels() if plan.supervised else samples.x


def _fit(
    keras: Any,
    model: Any,
    plan: Architecture,
    training: Samples,
    validation: Samples | None,
    options: TrainOptions,
    progress: Progress | None,
) -> dict[str, tuple[float, ...]]:
    """Trains; returns the figures of each epoch."""
    x, y = _pair(plan, training)
    fitted = model.fit(
        x, y, batch_size=options.batch_size, epochs=options.epochs, verbose=0, shuffle=True,
        validation_data=_pair(plan, validation) if validation else None,
        callbacks=_callbacks(keras, progress),
    )  # fmt: skip
    history = {name: tuple(map(float, values)) for name, values in fitted.history.items()}
    if not all(np.isfinite(values).all() for values in history.values()) or _broken(model):
        raise TinylearnError(
            f"training diverged (learning rate {options.learning_rate:g}): the loss is not "
            "finite; lower the learning rate, or scale the data; nothing was saved"
        )
    return history


def _broken(model: Any) -> bool:
    return not all(np.isfinite(values).all() for values in model.get_weights())


def _callbacks(keras: Any, progress: Progress | None) -> list[Any]:
    callbacks = [keras.callbacks.TerminateOnNaN()]
    if progress is not None:

        def tell(epoch: int, logs: Mapping[str, float] | None = None) -> None:
            progress(epoch + 1, {name: float(value) for name, value in (logs or {}).items()})

        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=tell))
    return callbacks


def _measured(data: Data, training: Samples, validation: Samples | None) -> tuple[str, Samples]:
    """The samples to judge by: those the model has not seen, where there are any."""
    if data.test is not None:
        return "test", data.test
    return ("validation", validation) if validation else ("training", training)


def save(model: Any, out: Path) -> None:
    """Writes a Keras model beside its place, then moves it there."""
    temporary = out.with_name(f".{out.stem}.{os.getpid()}.keras")
    try:
        model.save(temporary)
        os.replace(temporary, out)
    except OSError as error:
        raise TinylearnError(f"{out}: cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
