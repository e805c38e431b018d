"""Reading the model that a verb is given, and compiling it with the user's choices."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinylearn import __version__
from tinylearn.cli.choices import choices_of
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import identifier, model_name
from tinylearn.importers.model_file import read_model
from tinylearn.pipeline import Choices, compile_graph


def emitted(args: argparse.Namespace, choices: Choices | None = None) -> EmittedModel:
    """The model of ``args.model`` compiled with the user's (or other) choices."""
    path = Path(args.model)
    name = model_name(args.name) if getattr(args, "name", None) else identifier(path.stem)
    graph, digest = read_model(path, getattr(args, "rounding", "single"))
    compiled = compile_graph(graph, choices or choices_of(args))
    return EmittedModel(name, compiled, path.name, digest, __version__)
