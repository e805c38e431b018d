"""A model file or a generated project -> its description, for the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from pyoxigraph import Triple

from tinylearn import __version__
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import identifier
from tinylearn.errors import TinylearnError, UnsupportedError
from tinylearn.importers.model_file import read_model
from tinylearn.importers.outline import outline
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.registry.models.about import About, Known, about, nothing
from tinylearn.registry.models.beside import beside, said_in
from tinylearn.registry.models.build import Holder, Said, described, outlined
from tinylearn.registry.models.described import Described
from tinylearn.registry.models.facts import Mode, Model
from tinylearn.registry.models.file_names import with_names_of
from tinylearn.registry.models.folder import SUFFIX, described_folder
from tinylearn.registry.models.needs import Forms, planned
from tinylearn.registry.models.paths import shown
from tinylearn.registry.models.write import triples_of

#: what learns in the figures of a model file, where nobody says: every model that can learn at all
#: can do that, int8 ones as well
LEARN = "last:1"
SaidOf = Callable[[str], Said]


def import_model(
    path: Path, *, sensors: Iterable[str] = (), task: str | None = None, dataset: str | None = None,
    accuracy: float | None = None, description: str | None = None, learn: str | None = None,
    known: Known = nothing,
) -> tuple[Model, list[Triple]]:  # fmt: skip
    """Reads a `.keras` or `.tflite` file, or the ``<name>_info.json`` of a generated project.

    What is not said here is taken from the Turtle file beside the model, if that is of this model, or
    else from what is ``known``.
    ``sensors``: names of classes or IRIs; ``learn``: what learns in the figures for learning, as
    --learn says it (default: the last layer; a project has been told). A model that tinylearn cannot
    generate code for has no needs, but its operators, those that are not supported, and the reason.

    Raises UsageError for what makes no sense, BadInputError where a file is damaged.
    """
    told = about(sensors, task, dataset, accuracy, description)
    of_project = path.name.endswith(SUFFIX)
    read = described_folder if of_project else partial(_told_file, learn=learn)
    found = read(path, told, known)
    return found.model, triples_of(found)


def _told_file(path: Path, told: About, known: Known, learn: str | None) -> Described:
    def said(sha256: str) -> Said:
        found = said_in(beside(path), sha256)
        about = told.otherwise(found.about).otherwise(known(sha256))
        return Said(about, found.metrics, found.origin)

    return described_file(path, said, learn)


def described_file(path: Path, said_of: SaidOf, learn: str | None = None) -> Described:
    """Of a model file; ``said_of`` tells by the file's SHA-256 what else is known of it."""
    try:
        graph, sha256 = read_model(path)
        models, obstacles = _compiled(path, graph, sha256, learn)
    except UnsupportedError as error:
        return _unsupported(path, said_of, error)
    holder, said = Holder(shown(path), sha256, path.stat().st_size), said_of(sha256)
    made = described(path.stem, models[Mode.INFERENCE], holder, said, planned(models), obstacles)
    made = with_names_of(path, made) if path.suffix == ".tflite" else made
    return replace(made, learns=learn or LEARN if Mode.LEARNING in models else None)


def _compiled(
    path: Path, graph: Graph, sha256: str, learn: str | None
) -> tuple[Forms, dict[Mode, str]]:
    """The model as it infers, and as it learns or why it does not."""
    name = identifier(path.stem)

    def emitted(choices: Choices) -> EmittedModel:
        return EmittedModel(name, compile_graph(graph, choices), path.name, sha256, __version__)

    models, obstacles = {Mode.INFERENCE: emitted(Choices())}, dict[Mode, str]()
    if learn == "none":
        return models, {Mode.LEARNING: "described with --learn none"}
    try:
        models[Mode.LEARNING] = emitted(Choices(learn or LEARN))
    except TinylearnError as error:
        if learn is not None and not isinstance(error, UnsupportedError):
            raise
        obstacles[Mode.LEARNING] = str(error)
    return models, obstacles


def _unsupported(path: Path, said_of: SaidOf, error: UnsupportedError) -> Described:
    """Raises what is wrong with the file itself, should it not be a model at all."""
    if not path.is_file():
        raise error
    found, digest = outline(path), hashlib.sha256(path.read_bytes()).hexdigest()
    holder = Holder(shown(path), digest, path.stat().st_size)
    reason = str(error).removeprefix(f"{path.name}: ")
    return outlined(path.stem, found, reason, holder, said_of(digest), __version__)
