"""The workloads W1, W2, W3 as Keras files, from weights stored as .npz (dense [in, out], HWIO)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

#: name: layers as (type, weight key, bias key, activation)
LAYERS = {
    "W1": [
        ("dense", "w0", "b0", "relu"),
        ("dense", "w1", "b1", "relu"),
        ("dense", "w2", "b2", None),
    ],
    "W2": [("dense", "w0", "b0", "relu"), ("dense", "w1", "b1", "softmax")],
    "W3": [
        ("conv", "k0", "kb0", "relu"),
        ("conv", "k1", "kb1", "relu"),
        ("dense", "w", "b", "softmax"),
    ],
}


def find_workloads() -> Path | None:
    """The folder with w1.npz, w2.npz, w3.npz, beside the checkout; None where absent."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "workloads"
    return folder if (folder / "w1.npz").is_file() else None


def load(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Arrays of one workload."""
    with np.load(folder / f"{name.lower()}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def save_keras(arrays: dict[str, np.ndarray], name: str, path: Path) -> None:
    """Builds the Keras model of a workload and saves it."""
    build_keras(arrays, name).save(path)


def save_tflite(arrays: dict[str, np.ndarray], name: str, path: Path, softmax: bool = True) -> None:
    """The workload as an int8 TFLite file, calibrated on its 8 samples."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(build_keras(arrays, name, softmax))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None].astype(np.float32)] for x in arrays["X"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own, about statistics of old models
        path.write_bytes(converter.convert())


def build_keras(arrays: dict[str, np.ndarray], name: str, softmax: bool = True) -> Any:
    """The Keras model of a workload with its weights; without softmax it ends in logits."""
    import keras

    layers = [keras.Input(arrays["X"].shape[1:])]
    weights = []
    for kind, w, b, activation in LAYERS[name]:
        activation = None if activation == "softmax" and not softmax else activation
        if kind == "conv":
            size = arrays[w].shape
            layer = keras.layers.Conv2D(size[3], size[:2], strides=2, activation=activation)
        else:
            flatten = len(layers) > 1 and isinstance(layers[-1], keras.layers.Conv2D)
            layers += [keras.layers.Flatten()] if flatten else []
            layer = keras.layers.Dense(arrays[w].shape[1], activation=activation)
        layers.append(layer)
        weights += [arrays[w], arrays[b]]
    model = keras.Sequential(layers, name=name.lower())
    model.set_weights(weights)
    return model
