"""The description of a project made again from its folder, with what was measured of its build.

Untrusted: the network is read and planned anew; of the info file only names count.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinylearn import __version__
from tinylearn.emit.graph_file import load
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import model_name
from tinylearn.errors import BadInputError, TinylearnError
from tinylearn.pipeline import compile_graph
from tinylearn.registry.models.about import About, Known, nothing
from tinylearn.registry.models.beside import said_in
from tinylearn.registry.models.build import Holder, Said
from tinylearn.registry.models.described import Described
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.models.iris import is_sha256
from tinylearn.registry.models.needs import measured
from tinylearn.registry.models.paths import shown
from tinylearn.registry.models.project import described_emitted
from tinylearn.targets import find
from tinylearn.targets.target import Target

SUFFIX = "_info.json"
_LARGEST = 16 << 20
_LONGEST_NAME = 200
_GENERATOR = re.compile(r"tinylearn ([0-9A-Za-z.+-]{1,40})")


def described_folder(info_path: Path, told: About, known: Known = nothing) -> Described:
    """Of the project that an info file belongs to, as told, or else as it says, or else as is ``known``.
    Raises BadInputError where it is damaged, or its network is another one than the file says."""
    info = _info(info_path)
    folder, target = info_path.parent, find(str(info["target"])[:_LONGEST_NAME])
    model = _emitted(info_path, info)
    graph = folder / f"{model.name}_graph.npz"
    content = graph.read_bytes()
    holder = Holder(shown(graph), hashlib.sha256(content).hexdigest(), len(content))
    found = said_in(folder / f"{model.name}.ttl", holder.sha256)
    about = told.otherwise(found.about).otherwise(known(holder.sha256))
    said = Said(about, found.metrics)
    made = described_emitted(model, holder, info.get("fleet") is True, said)
    return _with_build(made, folder, model.name, target)


def _info(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise BadInputError(f"{path}: larger than {_LARGEST} bytes; it is no info file")
        info = json.loads(content)
        model_name(info["name"])
        source = info["source"]
        whole = isinstance(source["name"], str) and is_sha256(source["sha256"])
        if not whole or not _GENERATOR.fullmatch(info["generator"]) or "target" not in info:
            raise ValueError("names missing")
        return dict(info)
    except BadInputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError, TinylearnError) as error:
        raise BadInputError(f"{path}: damaged ({error}); generate the project again") from None


def _emitted(info_path: Path, info: dict[str, Any]) -> EmittedModel:
    graph, choices = load(info_path.parent / f"{info['name']}_graph.npz")
    source, version = info["source"], _GENERATOR.fullmatch(info["generator"])
    model = EmittedModel(
        info["name"], compile_graph(graph, choices), source["name"][:_LONGEST_NAME],
        source["sha256"], version[1] if version else __version__,
    )  # fmt: skip
    if model.hash.hex() != info.get("hash"):
        raise BadInputError(
            f"{info_path}: the network beside it is another one than it says; generate the project again"
        )
    return model


def _with_build(made: Described, folder: Path, name: str, target: Target) -> Described:
    """With the bytes of what was built, in place of those that were planned for its target."""
    model = made.model
    mode = Mode.LEARNING if Mode.LEARNING in model.needs else Mode.INFERENCE
    found = measured(model.needs[mode], folder, name, target)
    if found is None:
        return made
    needs = {**model.needs_of_target, (mode, target.name): found}
    return replace(made, model=replace(model, needs_of_target=needs))
