"""A run in the registry: its model, its versions and what each was made from, its devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode

from tinylearn.errors import UsageError
from tinylearn.fleet.export import project_of
from tinylearn.fleet.lineage import lineage_triples
from tinylearn.fleet.model import load_project
from tinylearn.fleet.run_handle import RunHandle
from tinylearn.fleet.thing import thing_of, with_updates
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.models.import_model import import_model
from tinylearn.registry.models.versions import run_iri
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.td.document import check_td


@dataclass(frozen=True)
class RegisteredRun:
    """``model``: its IRI."""

    run: int
    model: str
    versions: int
    devices: int


def register(
    handle: RunHandle, registry: GraphStore, fleet: str, project: Path | None = None
) -> RegisteredRun:
    """The run is a graph of its own, named by its IRI. Raises UsageError where the project, by default
    the one that the run was served with, is of another model."""
    run, catalog = handle.run, Catalog(registry)
    model, triples = import_model(_info_of(handle, project or project_of(handle)))
    versions = list(lineage_triples(handle.store, run, NamedNode(model.iri)))
    devices = with_updates(handle.store.devices(run.id), handle.store.last_updates(run.id))
    catalog.put_model(model, triples)
    catalog.put_triples(run_iri(run.id), versions)
    things = [thing_of(device, fleet, run.id) for device in devices.values()]
    catalog.put_things([check_td(thing) for thing in things])
    count = sum(1 for _ in handle.store.lineage(run.id))
    return RegisteredRun(run.id, model.iri, count, len(things))


def _info_of(handle: RunHandle, project: Path) -> Path:
    """The description of the model that a project holds."""
    model, _ = load_project(project)
    if model.hash != handle.run.model_hash:
        raise UsageError(
            f"model {model.name}: is not the one of run {handle.run.id}, {handle.run.model_name}; "
            "give its project with --model"
        )
    return project / f"{model.name}_info.json"
