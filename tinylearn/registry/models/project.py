"""The description of a generated project, written into it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tinylearn.emit.fleet import fleet_target
from tinylearn.emit.generate import project_content, with_info
from tinylearn.emit.model import EmittedModel
from tinylearn.registry.models.about import About
from tinylearn.registry.models.beside import beside, said_in
from tinylearn.registry.models.build import NO_LEARNING, Holder, Said, described
from tinylearn.registry.models.described import Described, Origin
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.models.needs import as_it_is, forms, planned
from tinylearn.registry.models.write import document
from tinylearn.targets.target import Target


def described_project(
    model: EmittedModel, target: Target, project_format: str, fleet: bool, said: Said
) -> dict[str, bytes]:
    """All files of a project as emit/generate.py makes them, with its description, ``<name>.ttl``."""
    files = project_content(model, target, project_format, fleet)
    graph = f"{model.name}_graph.npz"
    holder = Holder(graph, hashlib.sha256(files[graph]).hexdigest(), len(files[graph]))
    files[f"{model.name}.ttl"] = document(described_emitted(model, holder, fleet, said))
    return with_info(files, model, target, project_format, fleet)


def said_of(source: Path, model: EmittedModel, told: About) -> Said:
    """What a project says of its model: as told, or else as the file beside the source says it. A
    new head has another task and merit."""
    found = said_in(beside(source), model.source_sha256)
    if model.compiled.choices.head is not None:
        return Said(
            told.otherwise(replace(found.about, task=None, accuracy=None, description=None))
        )
    return Said(told.otherwise(found.about), found.metrics)


def described_emitted(model: EmittedModel, holder: Holder, fleet: bool, said: Said) -> Described:
    """Of a model as it is generated; ``holder``: its graph file."""
    models = forms(model)
    adapt = fleet_target if fleet else as_it_is
    obstacles = {} if Mode.LEARNING in models else {Mode.LEARNING: NO_LEARNING}
    origin = Origin("generation", model.source_sha256, model.source_name, _settings(model))
    known = Said(said.about, said.metrics, origin)
    made = described(model.name, model, holder, known, planned(models, adapt), obstacles)
    learns = model.compiled.choices.learn if Mode.LEARNING in models else None
    return replace(made, learns=learns, model_hash=model.hash.hex())


def _settings(model: EmittedModel) -> Mapping[str, str]:
    """What was chosen of how it learns."""
    choices = model.compiled.choices
    if not model.compiled.program.learns:
        return {"learn": choices.learn}
    found = {"learn": choices.learn, "loss": model.compiled.loss, "rate": repr(choices.rate),
             "arithmetic": choices.arithmetic}  # fmt: skip
    head = choices.head
    return found if head is None else {**found, "head": f"dense:{head.outputs}:{head.activation}"}
