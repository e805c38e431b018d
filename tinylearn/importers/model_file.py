"""A model file of either kind, by its suffix, with the hash that names it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.ir.graph import Graph

SUFFIXES = (".keras", ".tflite")


def read_model(path: Path, rounding: str = "single") -> tuple[Graph, str]:
    """The graph of a model file, and the file's SHA-256 in hex."""
    if not path.is_file():
        raise BadInputError(f"{path}: no such file")
    return _load(path, rounding), hashlib.sha256(path.read_bytes()).hexdigest()


def _load(path: Path, rounding: str) -> Graph:
    if path.suffix == ".keras":
        from tinylearn.importers import keras

        return keras.load(path)
    if path.suffix == ".tflite":
        from tinylearn.importers import tflite

        return tflite.load(path, rounding)
    raise UnsupportedError(
        f"{path}: model files must be .keras (Keras 3, model.save('name.keras')) or .tflite"
    )
