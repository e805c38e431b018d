"""A run in the registry: its model, its versions and what each was made from, its devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode

from tinylearn.fleet.export import project_of
from tinylearn.fleet.lineage import lineage_triples
from tinylearn.fleet.run_handle import RunHandle
from tinylearn.fleet.thing import thing_of, with_updates
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.models.import_model import import_model
from tinylearn.registry.models.versions import run_iri
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.td.document import check_td
from tinylearn.registry.vocabulary import tl


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
    folder, known = project_of(handle, project)
    model, triples = import_model(folder / f"{known.name}_info.json")
    versions = list(lineage_triples(handle.store, run, NamedNode(model.iri)))
    devices = with_updates(handle.store.devices(run.id), handle.store.last_updates(run.id))
    catalog.put_model(model, triples)
    catalog.put_triples(run_iri(run.id), versions)
    things = [thing_of(device, fleet, run.id) for device in devices.values()]
    catalog.put_things([check_td(thing) for thing in things])
    count = sum(triple.predicate == tl("version") for triple in versions)
    return RegisteredRun(run.id, model.iri, count, len(things))
