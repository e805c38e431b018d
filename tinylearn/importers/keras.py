"""Imports Keras 3 models: `.keras` files, without TensorFlow or Keras, and models in memory.

The file is untrusted: it is read with limits, no code from it runs, and whatever is wrong
ends in a BadInputError or an UnsupportedError that names the file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tinylearn.errors import BadInputError, TinylearnError, UnsupportedError
from tinylearn.importers import archive, config, network
from tinylearn.importers.fields import MAX_NAME, safe_name, shown
from tinylearn.importers.weights import H5Weights, LiveWeights
from tinylearn.ir.graph import Graph


def load(path: Path) -> Graph:
    """The graph of a `.keras` file, named after the file.

    Shapes are without batch, weights float32 in the layouts of ir.graph. Raises BadInputError
    for a file that is damaged or hostile, UnsupportedError for what tinylearn cannot run.
    """
    try:
        members = archive.read(path)
        return _graph(members, _graph_name(path.stem))
    except TinylearnError as error:
        raise type(error)(f"{path.name}: {error}") from None


def _graph(members: archive.Archive, name: str) -> Graph:
    model = config.parse(members.config)
    weights = H5Weights(members.weights)
    try:
        return network.build(model, weights, name)
    finally:
        weights.close()


def from_model(model: Any) -> Graph:
    """The graph of a built Keras 3 model in memory, named after the model."""
    text = _config_text(model)
    return network.build(config.parse(text), LiveWeights(model), safe_name(model.name, "model"))


def _config_text(model: Any) -> str:
    """The model's config as a `.keras` file would hold it (get_config of all layers)."""
    if not all(hasattr(model, name) for name in ("to_json", "get_layer", "name")):
        raise UnsupportedError(f"{shown(type(model).__name__)} is not a Keras 3 model")
    try:
        return str(model.to_json())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise BadInputError(f"model {model.name} has no config: {error}") from None


def _graph_name(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", stem)[:MAX_NAME] or "model"
