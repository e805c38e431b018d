"""Flat facts of a model: what matching reads, written on the model itself."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.iris import part
from tinylearn.registry.models.terms import CATEGORIES, decimal, integer, term, text
from tinylearn.registry.vocabulary import NEURAL_NETWORK, NNET, SCHEMA, TYPE, tl

NAME = NamedNode(SCHEMA + "name")
CATEGORY = NamedNode(NNET + "hasCategory")
SENSOR, OPERATOR, UNSUPPORTED = tl("requiresSensor"), tl("operator"), tl("unsupportedOperator")
ARITHMETIC, ACCURACY = tl("arithmetic"), tl("accuracy")
FILE, SHA256 = tl("file"), tl("sha256")
#: resources with a need each, and what they say beside sizes
NEED, MODE, TARGET, MEASURED = tl("needOnTarget"), tl("mode"), tl("target"), tl("measured")

Fact = tuple[NamedNode, Literal | NamedNode]


def obstacle(mode: Mode) -> NamedNode:
    """``tl:inferenceObstacle`` .."""
    return tl(f"{mode}Obstacle")


def sizes(mode: Mode | None = None) -> tuple[NamedNode, NamedNode, NamedNode]:
    """RAM, flash and MACs: ``tl:inferenceRamBytes`` .. on a model, ``tl:ramBytes`` .. on a need."""
    names = ("RamBytes", "FlashBytes", "Macs")
    ram, flash, macs = (mode + name if mode else name[0].lower() + name[1:] for name in names)
    return tl(ram), tl(flash), tl(macs)


def flat_facts(model: Model) -> list[Triple]:
    """The triples; the same model gives the same in the same order."""
    iri = NamedNode(model.iri)
    facts = [(TYPE, NEURAL_NETWORK), *_facts(model)]
    return [*(Triple(iri, *fact) for fact in facts), *_needs_of_targets(iri, model)]


def _facts(model: Model) -> Iterator[Fact]:
    yield NAME, text(model.title)
    for mode, need in sorted(model.needs.items()):
        yield from _sizes(need, mode)
    for mode, why in sorted(model.obstacles.items()):
        yield obstacle(mode), text(why)
    yield from ((SENSOR, NamedNode(sensor)) for sensor in sorted(model.sensors))
    yield from ((OPERATOR, text(name)) for name in sorted(model.operators))
    yield from ((UNSUPPORTED, text(name)) for name in sorted(model.unsupported))
    texts = {ARITHMETIC: model.arithmetic, FILE: model.file, SHA256: model.sha256}
    yield from ((fact, text(value)) for fact, value in texts.items() if value is not None)
    if model.accuracy is not None:
        yield ACCURACY, decimal(model.accuracy)
    if model.task is not None:
        yield CATEGORY, NamedNode(model.task) if ":" in model.task else term(model.task, CATEGORIES)


def _sizes(need: Need, mode: Mode | None = None) -> Iterator[Fact]:
    ram, flash, macs = sizes(mode)
    yield ram, integer(need.ram_bytes)
    yield flash, integer(need.flash_bytes)
    if need.macs is not None:
        yield macs, integer(need.macs)


def _needs_of_targets(iri: NamedNode, model: Model) -> Iterator[Triple]:
    """One resource for all targets on which it needs the same: most differ in nothing but speed."""
    groups: dict[tuple[Mode, Need], list[str]] = {}
    for (mode, target), need in sorted(model.needs_of_target.items()):
        groups.setdefault((mode, need), []).append(target)
    for number, ((mode, need), targets) in enumerate(groups.items(), 1):
        node = part(iri, f"need-{number}")
        yield Triple(iri, NEED, node)
        yield Triple(node, MODE, text(mode))
        yield from (Triple(node, TARGET, text(target)) for target in targets)
        yield from (Triple(node, *fact) for fact in _sizes(need))
        if need.measured:
            yield Triple(node, MEASURED, Literal(True))
