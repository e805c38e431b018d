"""Reading the model that a verb is given, and compiling it with the user's choices."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from tinylearn import __version__
from tinylearn.cli.choices import choices_of
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import identifier, model_name
from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph


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


def emitted(args: argparse.Namespace, choices: Choices | None = None) -> EmittedModel:
    """The model of ``args.model`` compiled with the user's (or other) choices."""
    path = Path(args.model)
    name = model_name(args.name) if getattr(args, "name", None) else identifier(path.stem)
    graph, digest = read_model(path, getattr(args, "rounding", "single"))
    compiled = compile_graph(graph, choices or choices_of(args))
    return EmittedModel(name, compiled, path.name, digest, __version__)
