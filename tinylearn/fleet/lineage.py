"""The versions of a run as the registry tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tinylearn.fleet.records import Run, Version
from tinylearn.fleet.store import Store

if TYPE_CHECKING:
    from pyoxigraph import NamedNode, Triple

    from tinylearn.registry.models.versions import LearntVersion


def lineage_triples(store: Store, run: Run, model: NamedNode) -> Iterator[Triple]:
    """All versions of a run, from the IRI of the model that its devices were generated with to the
    newest."""
    from tinylearn.registry.models.versions import run_triples

    versions = (_learnt(version) for version in store.lineage(run.id))
    return run_triples(model, run.id, run.strategy, versions)


def _learnt(version: Version) -> LearntVersion:
    from tinylearn.registry.models.versions import LearntVersion

    return LearntVersion(version.number, version.parent, version.round, version.reports,
                         version.crc, version.note)  # fmt: skip
