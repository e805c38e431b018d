"""Devices and models without end, for measuring: the same numbers give the same things."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.read import flat_facts as facts_of_device
from tinylearn.registry.devices.terms import OUR_SENSORS
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.flat import flat_facts as facts_of_model
from tinylearn.registry.vocabulary import SOSA_EXTEND, TD, THING, TYPE
from tinylearn.targets import all_targets

SENSORS = (
    *(SOSA_EXTEND + n for n in ("Accelerometer", "Gyroscope", "Magnetometer", "Microphone", "Camera",
                                "Thermometer")),
    *OUR_SENSORS,
)  # fmt: skip
#: triples of a Thing Description beside the flat facts: affordances with their forms
_AFFORDANCES = 8
_TITLE = NamedNode(TD + "title")
_HAS_PROPERTY, _HAS_FORM = NamedNode(TD + "hasPropertyAffordance"), NamedNode(TD + "hasForm")


def device(number: int) -> Device:
    """One device: a target's board as it is, or with more or less memory under no target's name."""
    draw = random.Random(number)
    board = draw.choice(all_targets())
    known = draw.random() < 0.3
    scale = 1.0 if known else draw.uniform(0.25, 2)
    return Device(
        f"urn:dev:ops:32473-fleet-{number:06d}", f"press {number}",
        int(board.ram_bytes * scale), int(board.flash_bytes * scale), board.core, board.fpu, None,
        board.clock_hz, draw.choice([None, 0.02, 0.1]),
        frozenset(draw.sample(SENSORS, draw.randint(1, 5))), board.name if known else None,
    )  # fmt: skip


def model(number: int) -> Model:
    """One model, with needs for every target and in general."""
    draw = random.Random(-1 - number)
    ram, flash, macs = (int(2 ** draw.uniform(*ends)) for ends in ((10, 19), (13, 21), (9, 24)))
    needs = {
        Mode.INFERENCE: Need(ram, flash, macs),
        Mode.LEARNING: Need(3 * ram, 2 * flash, 3 * macs),
    }
    own = {(mode, t.name): Need(need.ram_bytes + draw.randrange(1000), need.flash_bytes, need.macs)
           for mode, need in needs.items() for t in all_targets()}  # fmt: skip
    return Model(
        f"urn:tinylearn:model:{number:04d}", f"model {number}", needs, own,
        frozenset(draw.sample(SENSORS, draw.randint(0, 2))), frozenset({"Conv2D", "FullyConnected"}),
        arithmetic=draw.choice(["int8", "float32"]), accuracy=round(draw.uniform(0.5, 1), 3),
    )  # fmt: skip


def triples_of_device(of: Device) -> Iterator[Triple]:
    """Its flat facts, and as much of a Thing Description as devices have."""
    iri = NamedNode(of.iri)
    yield from facts_of_device(of)
    yield Triple(iri, TYPE, THING)
    yield Triple(iri, _TITLE, Literal(of.title))
    for number in range(_AFFORDANCES):
        affordance = BlankNode()
        yield Triple(iri, _HAS_PROPERTY, affordance)
        yield Triple(affordance, _TITLE, Literal(f"reading {number}"))
        yield Triple(affordance, _HAS_FORM, Literal(f"coap://[2001:db8::1]/{of.iri[-6:]}/{number}"))


def quads(devices: int, models: int) -> Iterator[Quad]:
    """All of them, each in its own graph."""
    for number in range(devices):
        of = device(number)
        yield from (Quad(*triple, NamedNode(of.iri)) for triple in triples_of_device(of))
    for number in range(models):
        known = model(number)
        yield from (Quad(*triple, NamedNode(known.iri)) for triple in facts_of_model(known))
