"""The one door to TensorFlow and Keras: imported when asked for, with a clear error if absent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from tinylearn.errors import MissingToolError


@dataclass(frozen=True)
class TensorFlow:
    """The imported modules."""

    tf: Any
    keras: Any


def modules() -> TensorFlow:
    """TensorFlow and Keras 3 (6 to 11 s the first time); MissingToolError if not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise MissingToolError(
            f"training needs TensorFlow and Keras 3 ({error}): pip install tinylearn[train]"
        ) from None
    _check(keras)
    return TensorFlow(tf, keras)


def _check(keras: Any) -> None:
    if int(keras.__version__.split(".")[0]) < 3:
        raise MissingToolError(
            f"training needs Keras 3, found {keras.__version__}: pip install tinylearn[train]"
        )
    if keras.backend.backend() != "tensorflow":
        raise MissingToolError("training needs Keras on TensorFlow: unset KERAS_BACKEND")


def make_deterministic(modules: TensorFlow, seed: int) -> None:
    """Seeds Python, NumPy and TensorFlow, and has TensorFlow use deterministic ops only."""
    modules.keras.utils.set_random_seed(seed)
    modules.tf.config.experimental.enable_op_determinism()
