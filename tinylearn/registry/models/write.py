"""Description of a model -> RDF: the NN ontology's nested form, the flat facts, where it comes from.

Between resources there are no blank nodes: each part is named by the model's IRI and a fragment, so
that equal descriptions are equal triples, in any store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.devices.quantities import Dimension, quantity_triples
from tinylearn.registry.models.about import is_iri
from tinylearn.registry.models.described import Described, Metric
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.models.flat import flat_facts
from tinylearn.registry.models.iris import part
from tinylearn.registry.models.origin import origin_triples
from tinylearn.registry.models.terms import METRICS, decimal, double, integer, term, text
from tinylearn.registry.models.turtle import turtle
from tinylearn.registry.models.write_layers import end_facts, layer_triples
from tinylearn.registry.vocabulary import (
    DCAT,
    DCTERMS,
    MLS,
    NNET,
    OM,
    RDFS,
    S3N,
    S3N_EXTEND,
    SCHEMA,
    SOSA,
    SPDX,
    SSN,
    SSN_EXTEND,
    SYSTEM,
    TYPE,
    XSD,
    tl,
)  # fmt: skip

_DATASET = NamedNode(NNET + "trainingDataset")
_LABEL = NamedNode(RDFS + "label")
#: figures of merit that the ontology names; their values there are percentages
_METRICS = {"accuracy": "Top_1_accuracy"}


def triples_of(described: Described) -> list[Triple]:
    """All of a description; the same description gives the same triples in the same order."""
    iri = NamedNode(described.model.iri)
    return [
        *flat_facts(described.model),
        *(Triple(iri, *fact) for fact in _of_model(described)),
        *_ends(iri, described),
        *_sensors(iri, described),
        *_requirements(iri, described),
        *(t for metric in described.metrics for t in _metric(iri, metric)),
        *_data(iri, described.dataset),
        *layer_triples(iri, described.layers),
        *_file(iri, described),
        *origin_triples(iri, described.origin, described.version),
    ]


def document(described: Described) -> bytes:
    """The description as a Turtle file."""
    iri = NamedNode(described.model.iri)
    return turtle(triples_of(described), {"model": part(iri, "").value})


def _of_model(described: Described) -> Iterator[tuple[NamedNode, Literal | NamedNode]]:
    model = described.model
    yield TYPE, NamedNode(MLS + "Model")
    yield NamedNode(SCHEMA + "identifier"), text(model.sha256 or model.iri)
    yield NamedNode(SCHEMA + "description"), text(described.description)
    yield NamedNode(SCHEMA + "runtimePlatform"), text("tinylearn")
    inference = model.needs.get(Mode.INFERENCE)
    if inference is not None and inference.macs is not None:
        yield NamedNode(NNET + "hasMultiplyAccumulateOps"), integer(inference.macs)
    if described.weight_bytes is not None:
        yield tl("weightBytes"), integer(described.weight_bytes)
    if described.learns is not None:
        yield tl("learns"), text(described.learns)
    if described.model_hash is not None:
        yield tl("modelHash"), text(described.model_hash)


def _ends(iri: NamedNode, described: Described) -> Iterator[Triple]:
    """Several inputs or outputs are numbered from the second on."""
    for name, ends in (("Input", described.inputs), ("Output", described.outputs)):
        for number, end in enumerate(ends, 1):
            node = part(iri, name.lower() + (f"-{number}" if number > 1 else ""))
            yield Triple(iri, NamedNode(f"{SSN}has{name}"), node)
            yield Triple(node, TYPE, NamedNode(f"{NNET}Network{name}"))
            yield Triple(node, NamedNode(f"{NNET}has{name}Info"), text(str(end)))
            yield from (Triple(node, *fact) for fact in end_facts(end))


def _sensors(iri: NamedNode, described: Described) -> Iterator[Triple]:
    for sensor in sorted(described.model.sensors):
        node = part(iri, "sensor-" + re.split(r"[/#:]", sensor.rstrip("/#:"))[-1].lower())
        yield Triple(node, TYPE, NamedNode(sensor))
        yield Triple(node, TYPE, NamedNode(SOSA + "Sensor"))
        yield Triple(node, NamedNode(SSN_EXTEND + "provideInput"), part(iri, "input"))


def _requirements(iri: NamedNode, described: Described) -> Iterator[Triple]:
    """For inference on any target, in the ontology's kilobytes of 1000 bytes, and in bytes."""
    need = described.model.needs.get(Mode.INFERENCE)
    if need is None:
        return
    for name, size in (("RAM", need.ram_bytes), ("Flash", need.flash_bytes)):
        feature, node = part(iri, f"{name.lower()}-feature"), part(iri, name.lower())
        yield Triple(iri, NamedNode(S3N + "hasProcedureFeature"), feature)
        yield Triple(feature, TYPE, NamedNode(S3N + "ProcedureFeature"))
        yield Triple(feature, NamedNode(SYSTEM + "inCondition"), node)
        yield Triple(node, TYPE, NamedNode(S3N_EXTEND + name))
        yield Triple(node, TYPE, NamedNode(S3N + "Memory"))
        yield Triple(node, _LABEL, text(f"{name} that inference needs"))
        yield Triple(node, NamedNode(SCHEMA + "minValue"), decimal(Decimal(size) / 1000))
        yield Triple(node, NamedNode(SCHEMA + "unitCode"), NamedNode(OM + "kilobyte"))
        yield from quantity_triples(node, size, Dimension.BYTES)


def _metric(iri: NamedNode, metric: Metric) -> Iterator[Triple]:
    """The ontology's metric and the evaluation of ML-Schema are one resource."""
    node = part(iri, f"metric-{metric.name}")
    name = _METRICS.get(metric.name, metric.name.title().replace(" ", ""))
    measure, value = term(name, METRICS), double(metric.value)
    percent = (
        decimal(100 * Decimal(repr(float(metric.value)))) if metric.name in _METRICS else value
    )
    yield Triple(iri, NamedNode(NNET + "hasMetric"), node)
    for kind in (NamedNode(NNET + "Metric"), measure, NamedNode(MLS + "ModelEvaluation")):
        yield Triple(node, TYPE, kind)
    yield Triple(node, _LABEL, text(metric.name))
    yield Triple(node, NamedNode(NNET + "hasMetricValue"), percent)
    yield Triple(node, NamedNode(MLS + "specifiedBy"), measure)
    yield Triple(node, NamedNode(MLS + "hasValue"), value)
    if metric.samples is not None:
        yield Triple(node, tl("samples"), integer(metric.samples))
    if metric.measured_on is not None:
        yield Triple(node, tl("measuredOn"), text(metric.measured_on))


def _data(iri: NamedNode, dataset: str | None) -> Iterator[Triple]:
    """A data set that has no IRI gets one with its name in it."""
    if dataset is None:
        return
    node = NamedNode(dataset) if is_iri(dataset) else part(iri, f"dataset-{dataset}")
    yield Triple(iri, _DATASET, node)
    yield Triple(node, TYPE, NamedNode(MLS + "Dataset"))
    if node.value != dataset:
        yield Triple(node, NamedNode(SCHEMA + "name"), text(dataset))


def _file(iri: NamedNode, described: Described) -> Iterator[Triple]:
    """The file that holds the model, without where it lies."""
    model, node, checksum = described.model, part(iri, "file"), part(iri, "checksum")
    if model.sha256 is None or model.file is None:
        return
    yield Triple(iri, NamedNode(DCAT + "distribution"), node)
    yield Triple(node, TYPE, NamedNode(DCAT + "Distribution"))
    yield Triple(node, NamedNode(DCTERMS + "title"), text(model.file.rsplit("/", 1)[-1]))
    if described.file_bytes is not None:
        yield Triple(node, NamedNode(DCAT + "byteSize"), integer(described.file_bytes))
    yield Triple(node, NamedNode(SPDX + "checksum"), checksum)
    yield Triple(checksum, TYPE, NamedNode(SPDX + "Checksum"))
    yield Triple(
        checksum, NamedNode(SPDX + "algorithm"), NamedNode(SPDX + "checksumAlgorithm_sha256")
    )
    value = Literal(model.sha256, datatype=NamedNode(XSD + "hexBinary"))
    yield Triple(checksum, NamedNode(SPDX + "checksumValue"), value)
