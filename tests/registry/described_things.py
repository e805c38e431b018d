"""Random devices and models, as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.models.facts import Mode, Model, Need

SENSORS = [
    f"urn:example:sensor:{name}" for name in ("Microphone", "Camera", "Gyroscope", "Thermometer")
]
TARGETS = ["cortex-m4f", "cortex-m0", "esp32-c3"]
CORES = ["Cortex-M0", "Cortex-M4F", "Cortex-M4", "RV32IMC", "Xtensa LX6"]
sizes = st.integers(0, 40).map(lambda n: 1000 * n)
sensors = st.frozensets(st.sampled_from(SENSORS), max_size=3)
needs = st.builds(Need, sizes, sizes, st.none() | st.integers(0, 10**6), st.booleans())
general = needs.map(lambda need: Need(need.ram_bytes, need.flash_bytes, need.macs))


def devices(iri: st.SearchStrategy[str]) -> st.SearchStrategy[Device]:
    return st.builds(
        Device, iri, st.just("a device"), ram_bytes=st.none() | sizes, flash_bytes=st.none() | sizes,
        core=st.none() | st.sampled_from(CORES), fpu=st.none() | st.booleans(),
        clock_hz=st.none() | st.sampled_from([16_000_000, 64_000_000]),
        power_watts=st.none() | st.sampled_from([0.01, 0.5]), sensors=sensors,
        target=st.none() | st.sampled_from([*TARGETS, "of nobody"]),
    )  # fmt: skip


def models(iri: st.SearchStrategy[str]) -> st.SearchStrategy[Model]:
    modes = st.sampled_from(list(Mode))
    return st.builds(
        Model, iri, st.just("a model"), needs=st.dictionaries(modes, general),
        needs_of_target=st.dictionaries(st.tuples(modes, st.sampled_from(TARGETS)), needs, max_size=3),
        sensors=sensors, operators=st.just(frozenset({"Conv2D"})),
        unsupported=st.sampled_from([frozenset(), frozenset(), frozenset({"CUSTOM"})]),
        obstacles=st.just({}) | st.just({Mode.LEARNING: "no gradient passes Gather"}),
        arithmetic=st.sampled_from([None, "int8", "float32"]),
        accuracy=st.none() | st.sampled_from([0.5, 0.75, 1.0]),
    )  # fmt: skip


def named(kind: str) -> st.SearchStrategy[str]:
    return st.integers(0, 99).map(lambda n: f"urn:example:{kind}:{n}")


def fleets(least: int = 0) -> st.SearchStrategy[list[Device]]:
    return st.lists(devices(named("device")), min_size=least, max_size=8, unique_by=lambda d: d.iri)


def zoos(least: int = 0) -> st.SearchStrategy[list[Model]]:
    return st.lists(models(named("model")), min_size=least, max_size=6, unique_by=lambda m: m.iri)
