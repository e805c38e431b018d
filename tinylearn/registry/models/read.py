"""RDF -> what matching needs to know of a model: flat facts, or else the nested form of the NN
ontology and S3N, as the SeLoC-ML authors use it."""

from __future__ import annotations

from collections.abc import Iterable

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.devices.quantities import Dimension, quantity, whole
from tinylearn.registry.models import flat
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.flat import flat_facts
from tinylearn.registry.store.base import Term
from tinylearn.registry.triples import Description, Node
from tinylearn.registry.vocabulary import (
    NEURAL_NETWORK,
    NNET,
    RDFS,
    S3N,
    S3N_EXTEND,
    SCHEMA,
    SOSA,
    SSN,
    SSN_EXTEND,
    SYSTEM,
    TL,
    TYPE,
)  # fmt: skip

__all__ = ["flat_facts", "is_model", "model_of"]

_TITLES = (flat.NAME, NamedNode(RDFS + "label"))
_FEATURE = NamedNode(S3N + "hasProcedureFeature")
_CONDITION = NamedNode(SYSTEM + "inCondition")
_MACS = NamedNode(NNET + "hasMultiplyAccumulateOps")
_INPUT = NamedNode(SSN + "hasInput")
_PROVIDES = NamedNode(SSN_EXTEND + "provideInput")
_METRIC, _METRIC_VALUE = NamedNode(NNET + "hasMetric"), NamedNode(NNET + "hasMetricValue")
_LAYERS = tuple(NamedNode(NNET + name) for name in ("inputLayer", "middleLayer", "outputLayer"))
_KIND, _QUANTIZATION = NamedNode(NNET + "hasType"), NamedNode(NNET + "hasQuantization")
_TOP_1 = NNET + "Top_1_accuracy"
_ANY_SENSOR = {SOSA + "Sensor", SCHEMA + "Sensor", SSN + "System"}


def is_model(iri: NamedNode, triples: Iterable[Triple]) -> bool:
    """Whether the triples say that it is a neural network."""
    return any(t.subject == iri and (t.predicate, t.object) == (TYPE, NEURAL_NETWORK)
               for t in triples)  # fmt: skip


def model_of(iri: NamedNode, triples: Iterable[Triple]) -> Model:
    """What the triples say of a model; a flat fact goes before the nested one.

    Raises BadInputError where a flat fact is not what it must be: it would be left out silently else.
    """
    about = Description(triples)
    return Model(
        iri.value,
        about.text(iri, *_TITLES) or iri.value,
        needs=_needs(about, iri),
        needs_of_target=_needs_of_targets(about, iri),
        sensors=_iris(about, iri, flat.SENSOR) or _nested_sensors(about, iri),
        operators=_texts(about, iri, flat.OPERATOR) or _nested_operators(about, iri),
        unsupported=_texts(about, iri, flat.UNSUPPORTED),
        obstacles={m: w for m in Mode if (w := about.text(iri, flat.obstacle(m))) is not None},
        arithmetic=about.text(iri, flat.ARITHMETIC) or _nested_arithmetic(about, iri),
        accuracy=_accuracy(about, iri),
        task=_task(about, iri),
        file=about.text(iri, flat.FILE),
        sha256=about.text(iri, flat.SHA256),
    )


# ---- flat ----


def _count(about: Description, node: Term, fact: NamedNode) -> int | None:
    """A whole number from 0 on."""
    literal = about.literal(node, fact)
    if literal is None:
        return None
    value = about.number(node, fact)
    if value is None or value < 0 or value != int(value):
        raise BadInputError(
            f"{node.value}: {_named(fact)} is {literal.value[:40]!r}, not a whole number of at least 0"
        )
    return int(value)


def _named(fact: NamedNode) -> str:
    return "tl:" + fact.value.removeprefix(TL)


def _need(about: Description, node: Term, mode: Mode | None = None) -> Need | None:
    ram, flash, macs = (_count(about, node, fact) for fact in flat.sizes(mode))
    if ram is None or flash is None:
        return None
    return Need(ram, flash, macs, measured=about.truth(node, flat.MEASURED) is True and not mode)


def _needs(about: Description, iri: NamedNode) -> dict[Mode, Need]:
    stated = {mode: _need(about, iri, mode) for mode in Mode}
    if not any(stated.values()) and not any(about.text(iri, flat.obstacle(m)) for m in Mode):
        stated = {Mode.INFERENCE: _nested_need(about, iri)}
    return {mode: need for mode, need in stated.items() if need is not None}


def _needs_of_targets(about: Description, iri: NamedNode) -> dict[tuple[Mode, str], Need]:
    found = {}
    for node in about.nodes(iri, flat.NEED):
        mode, need = about.text(node, flat.MODE), _need(about, node)
        if mode not in list(Mode) or need is None:
            raise BadInputError(
                f"{node.value}: a tl:needOnTarget says tl:mode (inference or learning), tl:target, "
                "tl:ramBytes and tl:flashBytes"
            )
        for target in _texts(about, node, flat.TARGET):
            found[Mode(mode), target] = need
    return found


def _iris(about: Description, iri: Term, fact: NamedNode) -> frozenset[str]:
    return frozenset(n.value for n in about.nodes(iri, fact) if isinstance(n, NamedNode))


def _texts(about: Description, iri: Term, fact: NamedNode) -> frozenset[str]:
    return frozenset(v.value for v in about.objects(iri, fact) if isinstance(v, Literal))


def _accuracy(about: Description, iri: NamedNode) -> float | None:
    literal = about.literal(iri, flat.ACCURACY)
    if literal is None:
        return _nested_accuracy(about, iri)
    value = about.number(iri, flat.ACCURACY)
    if value is None or not 0 <= value <= 1:
        raise BadInputError(f"{iri.value}: tl:accuracy is {literal.value[:40]!r}, not from 0 to 1")
    return value


def _task(about: Description, iri: NamedNode) -> str | None:
    """The category's local name, or an IRI that is of neither vocabulary."""
    found = sorted(_iris(about, iri, flat.CATEGORY))
    return found[0].removeprefix(NNET).removeprefix(TL) if found else None


# ---- nested ----


def _nested_need(about: Description, iri: NamedNode) -> Need | None:
    """The largest RAM and flash of all conditions."""
    features = about.nodes(iri, _FEATURE)
    conditions = [c for f in features for c in about.nodes(f, _CONDITION)]
    ram, flash = (_largest(about, conditions, S3N_EXTEND + kind) for kind in ("RAM", "Flash"))
    if ram is None or flash is None:
        return None
    return Need(ram, flash, whole(about.number(iri, _MACS)))


def _largest(about: Description, nodes: list[Node], of_class: str) -> int | None:
    found = (quantity(about, n, Dimension.BYTES) for n in nodes if of_class in about.types(n))
    return whole(max((value for value in found if value is not None), default=None))


def _nested_sensors(about: Description, iri: NamedNode) -> frozenset[str]:
    """Classes of all that provides one of the model's inputs."""
    inputs = set(about.nodes(iri, _INPUT))
    providers = (s for s in about.subjects() if inputs.intersection(about.nodes(s, _PROVIDES)))
    return frozenset[str]().union(*(about.types(s) - _ANY_SENSOR for s in providers))


def _local(about: Description, iri: NamedNode, fact: NamedNode) -> Iterable[str]:
    layers = about.nodes(iri, *_LAYERS)
    return (
        n.value.removeprefix(NNET).removeprefix(TL) for x in layers for n in about.nodes(x, fact)
    )


def _nested_operators(about: Description, iri: NamedNode) -> frozenset[str]:
    return frozenset(_local(about, iri, _KIND))


def _nested_arithmetic(about: Description, iri: NamedNode) -> str | None:
    """float32 where any layer is; layers of which nobody says it do not count."""
    found = set(_local(about, iri, _QUANTIZATION))
    if found & {"Float32", "Float16"}:
        return "float32"
    return "int8" if found & {"Int8", "Uint8"} else None


def _nested_accuracy(about: Description, iri: NamedNode) -> float | None:
    """Top-1 accuracy in percent, as 0 to 1. An accuracy of 0 is what the published descriptions say
    where there is none."""
    metrics = (m for m in about.nodes(iri, _METRIC) if _TOP_1 in about.types(m))
    values = (about.number(m, _METRIC_VALUE) for m in metrics)
    best = max((value for value in values if value is not None and 0 < value <= 100), default=None)
    return None if best is None else round(best / 100, 12)
