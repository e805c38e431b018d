"""Devices and models without end, for measuring: the same numbers give the same graphs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.terms import OUR_SENSORS
from tinylearn.registry.devices.write import triples_of as triples_of_device
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.flat import flat_facts as facts_of_model
from tinylearn.registry.vocabulary import SOSA_EXTEND, TD, TD_FORMS
from tinylearn.targets import all_targets

SENSORS = (
    *(SOSA_EXTEND + n for n in ("Accelerometer", "Gyroscope", "Magnetometer", "Microphone", "Camera",
                                "Thermometer")),
    *OUR_SENSORS,
)  # fmt: skip
_HAS_PROPERTY, _NAME = NamedNode(TD + "hasPropertyAffordance"), NamedNode(TD + "name")
_HAS_FORM, _HAS_TARGET = NamedNode(TD + "hasForm"), NamedNode(TD_FORMS + "hasTarget")


def device(number: int) -> Device:
    """A target's board as it is, or with more or less memory under no target's name; one or two
    sensors."""
    draw = random.Random(number)
    board = draw.choice(all_targets())
    known = draw.random() < 0.3
    scale = 1.0 if known else draw.uniform(0.25, 2)
    return Device(
        f"urn:dev:ops:32473-fleet-{number:06d}", f"press {number}",
        int(board.ram_bytes * scale), int(board.flash_bytes * scale), board.core, board.fpu, None,
        board.clock_hz, draw.choice([None, None, None, 0.05]),
        frozenset(draw.sample(SENSORS, draw.randint(1, 2))), board.name if known else None,
    )  # fmt: skip


def device_graph(number: int) -> tuple[NamedNode, list[Triple]]:
    """Its hardware nested and flat, and a property with a form, as a Thing Description has it."""
    known = device(number)
    iri, reading, form = NamedNode(known.iri), BlankNode(f"r{number}"), BlankNode(f"f{number}")
    return iri, [
        *triples_of_device(known),
        Triple(iri, _HAS_PROPERTY, reading),
        Triple(reading, _NAME, Literal("reading")),
        Triple(reading, _HAS_FORM, form),
        Triple(form, _HAS_TARGET, NamedNode(f"coap://[2001:db8::1]/{number}")),
    ]


def model(number: int) -> Model:
    """A model with needs for every target and in general, for inference and learning."""
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


def quads(devices: int, models: int) -> Iterator[Quad]:
    """All of them, each in its own graph."""
    for number in range(devices):
        name, triples = device_graph(number)
        yield from (Quad(*triple, name) for triple in triples)
    for number in range(models):
        known = model(number)
        yield from (Quad(*triple, NamedNode(known.iri)) for triple in facts_of_model(known))
