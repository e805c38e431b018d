"""Versions of weights that a fleet has learnt -> RDF: what each was made from, by which round.

A run is an activity of the fleet's coordinator; each version but the first comes from the one before
it by a round (PROV-O). All are versions of the model that the devices were generated with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode, Triple

from tinylearn.registry.models.iris import part
from tinylearn.registry.models.origin import prov
from tinylearn.registry.models.terms import integer, text
from tinylearn.registry.vocabulary import DCTERMS, MLS, RDFS, TYPE, tl

_LABEL = NamedNode(RDFS + "label")
_VERSION_OF, _PART_OF = NamedNode(DCTERMS + "isVersionOf"), NamedNode(DCTERMS + "isPartOf")


@dataclass(frozen=True)
class LearntVersion:
    """A version of a run. ``parent`` 0: the first, the model's own weights; ``round`` 0: not made by
    a round, ``note`` says how; ``reports``: updates in it; ``crc``: CRC-32 of its weights."""

    number: int
    parent: int
    round: int
    reports: int
    crc: int
    note: str = ""


def run_iri(run: int) -> NamedNode:
    """Of a run of a fleet."""
    return NamedNode(f"urn:tinylearn:run:{run}")


def version_iri(run: int, number: int) -> NamedNode:
    """Of a version that a run has made."""
    return NamedNode(f"urn:tinylearn:run:{run}:version:{number}")


def run_triples(
    model: NamedNode, run: int, strategy: str, versions: Iterable[LearntVersion]
) -> Iterator[Triple]:
    """Of a run on the model of that IRI, with these versions."""
    activity = run_iri(run)
    yield Triple(activity, TYPE, prov("Activity"))
    yield Triple(activity, TYPE, NamedNode(MLS + "Run"))
    yield Triple(activity, _LABEL, text(f"run {run}"))
    yield Triple(activity, prov("used"), model)
    yield Triple(activity, tl("strategy"), text(strategy))
    for version in versions:
        yield from _version(model, run, version)


def _version(model: NamedNode, run: int, version: LearntVersion) -> Iterator[Triple]:
    iri = version_iri(run, version.number)
    source = version_iri(run, version.parent) if version.parent else model
    yield Triple(iri, TYPE, prov("Entity"))
    yield Triple(iri, _LABEL, text(f"version {version.number} of run {run}"))
    yield Triple(iri, _VERSION_OF, model)
    yield Triple(iri, tl("version"), integer(version.number))
    yield Triple(iri, tl("crc32"), text(f"{version.crc:08x}"))
    yield Triple(iri, prov("wasDerivedFrom"), source)
    if version.parent:
        yield from _made(iri, source, run, version)


def _made(iri: NamedNode, source: NamedNode, run: int, version: LearntVersion) -> Iterator[Triple]:
    """By a round, or as the note says."""
    activity = part(iri, "round" if version.round else "change")
    yield Triple(iri, prov("wasGeneratedBy"), activity)
    yield Triple(activity, TYPE, prov("Activity"))
    yield Triple(activity, _PART_OF, run_iri(run))
    yield Triple(activity, prov("used"), source)
    if version.round:
        yield Triple(activity, tl("round"), integer(version.round))
        yield Triple(activity, tl("reports"), integer(version.reports))
    if version.note:
        yield Triple(activity, _LABEL, text(version.note))
