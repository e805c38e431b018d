from __future__ import annotations

from dataclasses import replace

import pytest
from described_things import devices, models, named
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.matching import words
from tinylearn.registry.matching.match import match
from tinylearn.registry.models.facts import Mode, Model, Need

MICROPHONE = "https://w3id.org/tinyml-schema/neural-network-schema/sosa_extend/Microphone"
DEVICE = Device(
    "urn:example:press-7", "press 7", ram_bytes=188_000, flash_bytes=785_000, core="Cortex-M4F",
    clock_hz=64_000_000, power_watts=0.02, target="arduino-nano-33-ble",
    sensors=frozenset({MICROPHONE}),
)  # fmt: skip
MODEL = Model(
    "urn:example:words", "words", needs={Mode.INFERENCE: Need(100_000, 200_000, 1_000_000)},
    sensors=frozenset({MICROPHONE}), arithmetic="int8", accuracy=0.91,
)  # fmt: skip


def needing(ram: int, flash: int = 1000) -> Model:
    return replace(MODEL, needs={Mode.INFERENCE: Need(ram, flash)})


def test_a_pair_that_fits() -> None:
    found = match(DEVICE, MODEL)
    assert found.fits and found.reasons == () == found.warnings
    assert (found.ram_left, found.flash_left, found.accuracy) == (88_000, 585_000, 0.91)
    assert found.seconds == pytest.approx(1_000_000 * 2.84 / 64_000_000)
    assert found.energy == pytest.approx(found.seconds * 0.02)


@pytest.mark.parametrize(
    ("device", "model", "reason"),
    [
        (DEVICE, needing(200_000), "RAM short by 12 kB (needs 200 kB, has 188 kB)"),
        (DEVICE, needing(188_068), "RAM short by 68 B (needs 188.1 kB, has 188 kB)"),
        (DEVICE, needing(1, 2**20), "flash short by 263.6 kB (needs 1.049 MB, has 785 kB)"),
        (replace(DEVICE, sensors=frozenset()), MODEL, "no microphone"),
        (replace(DEVICE, ram_bytes=None), MODEL, "RAM of the device not known"),
        (replace(DEVICE, flash_bytes=None), MODEL, "flash of the device not known"),
        (DEVICE, replace(MODEL, unsupported=frozenset({"CUSTOM"})), "operator CUSTOM not supported"),
        (
            DEVICE,
            replace(MODEL, unsupported=frozenset({"Gather", "CUSTOM", "While"})),
            "operators CUSTOM, Gather and While not supported",
        ),
        (DEVICE, replace(MODEL, needs={}), "RAM and flash that the model needs not known"),
        (replace(DEVICE, core="Cortex-M3"), replace(MODEL, arithmetic="float32"), "no FPU for a float model"),
    ],
)  # fmt: skip
def test_a_pair_that_does_not_fit_says_why(device: Device, model: Model, reason: str) -> None:
    assert match(device, model).reasons == (reason,)


def test_all_reasons_are_said() -> None:
    device = replace(DEVICE, ram_bytes=10, flash_bytes=10, sensors=frozenset(), fpu=False)
    model = replace(MODEL, arithmetic="float32", unsupported=frozenset({"CUSTOM"}))
    assert len(match(device, model).reasons) == 5


def test_learning_has_needs_of_its_own() -> None:
    assert match(DEVICE, MODEL, Mode.LEARNING).reasons == (
        "the model does not learn, or what learning needs is not known",
    )
    stuck = replace(MODEL, obstacles={Mode.LEARNING: "no gradient passes Gather"})
    assert match(DEVICE, stuck, Mode.LEARNING).reasons == ("no gradient passes Gather",)
    learning = replace(MODEL, needs={**MODEL.needs, Mode.LEARNING: Need(188_001, 10)})
    assert match(DEVICE, learning).fits
    assert match(DEVICE, learning, Mode.LEARNING).reasons == (
        "RAM short by 1 B (needs 188 kB, has 188 kB)",
    )


def test_what_is_known_of_the_target_counts_before_the_rest() -> None:
    own = replace(
        MODEL, needs_of_target={(Mode.INFERENCE, "arduino-nano-33-ble"): Need(200_000, 10)}
    )
    assert match(DEVICE, own).need == Need(200_000, 10)
    assert match(replace(DEVICE, target="esp32-c3"), own).need == MODEL.needs[Mode.INFERENCE]
    assert match(replace(DEVICE, target=None), own).fits


def test_floats_in_software_are_allowed_or_measured() -> None:
    soft, floats = replace(DEVICE, fpu=False), replace(MODEL, arithmetic="float32")
    warning = ("no FPU: a float model runs in software",)
    assert match(soft, floats, allow_soft_float=True).warnings == warning
    for measured in (True, False):
        need = Need(1000, 1000, 1000, measured)
        planned = replace(floats, needs_of_target={(Mode.INFERENCE, DEVICE.target or ""): need})
        found = match(soft, planned)
        assert (found.fits, found.warnings) == (measured, warning if measured else ())
    unknown = match(replace(DEVICE, core=None), floats)
    assert unknown.fits and unknown.warnings == ("FPU of the device not known",)


@given(devices(named("device")), models(named("model")), st.sampled_from(list(Mode)),
       st.integers(0, 50_000), st.booleans())  # fmt: skip
def test_more_of_anything_never_unfits(
    device: Device, model: Model, mode: Mode, more: int, soft: bool
) -> None:
    if match(device, model, mode).fits:
        assert device.ram_bytes is not None and device.flash_bytes is not None
        richer = replace(
            device, ram_bytes=device.ram_bytes + more, flash_bytes=device.flash_bytes + more,
            sensors=device.sensors | {"urn:example:sensor:Camera"}, fpu=True,
        )  # fmt: skip
        assert match(richer, model, mode, soft).fits


@pytest.mark.parametrize(
    ("bytes_", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (16_068, "16.07 kB"), (999_999, "1000 kB"),
     (1_048_576, "1.049 MB"), (5 * 10**12, "5000 GB"), (10**14, "100000 GB")],
)  # fmt: skip
def test_sizes_in_words(bytes_: int, said: str) -> None:
    assert words.size(bytes_) == said


def test_sensors_in_words() -> None:
    assert words.sensor(MICROPHONE) == "microphone"
    assert words.sensor("urn:tinylearn:ns:LightSensor") == "light sensor"
    assert words.sensor("http://example.org/IMU6Axis#") == "imu 6 axis"
    assert words.sensor("http://example.org/#") == "example.org" or words.sensor(
        "http://example.org/#"
    )
    assert len(words.sensor("urn:" + "x" * 999)) <= 60
