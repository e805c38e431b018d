"""Devices and models without end, for measuring: the same numbers give the same graphs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.write import triples_of as triples_of_device
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.flat import flat_facts as facts_of_model
from tinylearn.registry.vocabulary import SOSA_EXTEND, TD, TD_FORMS

SENSORS = tuple(
    SOSA_EXTEND + name
    for name in (
        "Accelerometer",
        "Gyroscope",
        "Magnetometer",
        "Microphone",
        "Camera",
        "Thermometer",
    )
)
_BOARDS = (
    ("Cortex-M0", False, 16_000_000, 16_384, 262_144),
    ("Cortex-M4F", True, 64_000_000, 262_144, 1_048_576),
    ("Cortex-M7", True, 480_000_000, 524_288, 2_097_152),
    ("RV32IMC", False, 160_000_000, 409_600, 4_194_304),
)


def device(number: int) -> Device:
    """A board with somewhat more or less memory, and one or two sensors."""
    draw = random.Random(number)
    core, fpu, clock, ram, flash = draw.choice(_BOARDS)
    return Device(
        f"urn:dev:ops:32473-fleet-{number:06d}", f"press {number}",
        int(ram * draw.uniform(0.5, 2)), int(flash * draw.uniform(0.5, 2)), core, fpu, None, clock,
        sensors=frozenset(draw.sample(SENSORS, draw.randint(1, 2))),
    )  # fmt: skip


def device_graph(number: int) -> tuple[NamedNode, list[Triple]]:
    """Its hardware nested and flat, and a property with a form, as a Thing Description has it."""
    known = device(number)
    iri, reading, form = NamedNode(known.iri), BlankNode(f"r{number}"), BlankNode(f"f{number}")
    return iri, [
        *triples_of_device(known),
        Triple(iri, NamedNode(TD + "hasPropertyAffordance"), reading),
        Triple(reading, NamedNode(TD + "name"), Literal("reading")),
        Triple(reading, NamedNode(TD + "hasForm"), form),
        Triple(
            form, NamedNode(TD_FORMS + "hasTarget"), NamedNode(f"coap://[2001:db8::1]/{number}")
        ),
    ]


def model(number: int) -> Model:
    """A model with needs for inference and learning."""
    draw = random.Random(-1 - number)
    ram, flash, macs = (int(2 ** draw.uniform(*ends)) for ends in ((10, 19), (13, 21), (9, 24)))
    needs = {
        Mode.INFERENCE: Need(ram, flash, macs),
        Mode.LEARNING: Need(3 * ram, 2 * flash, 3 * macs),
    }
    return Model(
        f"urn:tinylearn:model:{number:04d}", f"model {number}", needs,
        sensors=frozenset(draw.sample(SENSORS, draw.randint(0, 2))),
        operators=frozenset({"Conv2D", "FullyConnected"}),
        arithmetic=draw.choice(["int8", "float32"]), accuracy=round(draw.uniform(0.5, 1), 3),
    )  # fmt: skip


def quads(devices: int, models: int) -> Iterator[Quad]:
    """All of them, each in its own graph."""
    for number in range(devices):
        name, triples = device_graph(number)
        for triple in triples:
            yield Quad(*triple, name)
    for number in range(models):
        known = model(number)
        for triple in facts_of_model(known):
            yield Quad(*triple, NamedNode(known.iri))
