"""Where a model comes from, in PROV-O: what it was made from, by what, with which choices."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import NamedNode, Triple

from tinylearn.registry.models.described import Origin
from tinylearn.registry.models.iris import model_iri, part, software_iri
from tinylearn.registry.models.terms import integer, text
from tinylearn.registry.vocabulary import PROV, RDFS, TYPE, tl

PROCESSES = ("generation", "quantization")
#: what a process may say of how it was done
SETTINGS = ("learn", "loss", "rate", "arithmetic", "head", "elementType", "samples")
_LABEL = NamedNode(RDFS + "label")


def prov(name: str) -> NamedNode:
    """A term of PROV-O."""
    return NamedNode(PROV + name)


def origin_triples(iri: NamedNode, origin: Origin | None, version: str) -> Iterator[Triple]:
    """Of a model file that nobody has said anything of: that it is an entity."""
    yield Triple(iri, TYPE, prov("Entity"))
    if origin is None:
        return
    source, process = model_iri(origin.source_sha256), part(iri, origin.process)
    yield Triple(iri, prov("wasDerivedFrom"), source)
    yield Triple(iri, prov("wasGeneratedBy"), process)
    yield Triple(source, TYPE, prov("Entity"))
    yield Triple(source, _LABEL, text(origin.source_name))
    yield Triple(process, TYPE, prov("Activity"))
    yield Triple(process, prov("used"), source)
    for name, value in sorted(origin.settings.items()):
        yield Triple(process, tl(name), integer(int(value)) if name == "samples" else text(value))
    if origin.calibration is not None:
        data = part(iri, f"dataset-{origin.calibration}")
        yield Triple(process, prov("used"), data)
        yield Triple(data, TYPE, prov("Entity"))
        yield Triple(data, _LABEL, text(origin.calibration))
    yield from software(process, version)


def software(activity: NamedNode, version: str) -> Iterator[Triple]:
    """That a version of tinylearn did it."""
    agent = software_iri(version)
    yield Triple(activity, prov("wasAssociatedWith"), agent)
    yield Triple(agent, TYPE, prov("SoftwareAgent"))
    yield Triple(agent, _LABEL, text(f"tinylearn {version}"))
