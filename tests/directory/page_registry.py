"""A registry to look at: boards, two models with their files, a fleet's device, and titles that mean ill."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from directory_service import td

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from cli_tools import dense_net

from tinylearn.registry.catalog import Catalog
from tinylearn.registry.importing.importer import Importer
from tinylearn.registry.importing.targets import prepared_targets
from tinylearn.registry.models.about import About
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.td.document import check_td
from tinylearn.registry.vocabulary import SOSA_EXTEND

ACCELEROMETER, MICROPHONE = SOSA_EXTEND + "Accelerometer", SOSA_EXTEND + "Microphone"
NANO = "urn:tinylearn:target:arduino-nano-33-ble"
SENSE = "urn:tinylearn:target:arduino-nano-33-ble-sense"
UNO = "urn:tinylearn:target:atmega328p"
EVIL_THING, EVIL_MODEL = "urn:test:evil-thing", "urn:test:evil-model"
MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
FLEET = "urn:tinylearn:fleet:works:press-7"


def fill(store: GraphStore, folder: Path) -> dict[str, str]:
    """Registers all of it; IRIs of the models by name."""
    Importer(store).register([prepared_targets()])
    nets = {
        "motion": (dense_net(12, (6, "relu"), (3, "softmax")), ACCELEROMETER, 0.9),
        "words": (dense_net(64, (32, "relu"), (4, "softmax")), MICROPHONE, 0.8),
    }
    iris = {}
    for name, (content, sensor, accuracy) in nets.items():
        path = folder / f"{name}.keras"
        path.write_bytes(content)
        about = About((sensor,), "Classification", accuracy=accuracy)
        iris[name] = Importer(store, about).add([path]).registered[0].iri
    catalog = Catalog(store)
    needs = {Mode.INFERENCE: Need(1000, 10**9)}
    catalog.put_model(Model(EVIL_MODEL, MARKUP, needs, arithmetic="int8"), ())
    catalog.put_thing(check_td(td(EVIL_THING, title=MARKUP, description=MARKUP)))
    catalog.put_thing(check_td(fleet_device()))
    return iris


def fleet_device(**more: Any) -> dict[str, Any]:
    """As a coordinator describes it."""
    return td(
        FLEET, title="press-7", **{
            "@context": ["https://www.w3.org/2022/wot/td/v1.1", {"tl": "urn:tinylearn:ns:"}],
            "@type": "tl:FleetDevice", "tl:fleet": "works", "tl:fleetName": "press-7",
            "tl:online": True, "tl:evicted": False, "tl:modelVersion": 31, "tl:run": 7,
            "tl:lastRound": 40, "tl:lastLoss": 0.25, "tl:lastSamples": 32, **more,
        },
    )  # fmt: skip
