"""Devices that come as Thing Descriptions over HTTP: their hardware is checked, and models match it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from directory_service import TD_JSON, meaning, new_id, patch, put, visited
from support import shared

from tinylearn.registry.catalog import Catalog
from tinylearn.registry.devices.targets import thing_of_target
from tinylearn.targets import find

BOARD = "arduino-nano-33-ble-sense"


def board(*words: tuple[str, str]) -> dict[str, Any]:
    """A device of its own; ``words``: what is written instead of what."""
    text = json.dumps(thing_of_target(find(BOARD)))
    for old, new in words:
        assert old in text
        text = text.replace(old, new)
    return {**json.loads(text), "id": new_id(), "title": "my board"}


def test_hardware_in_a_thing_becomes_facts(service, client):
    thing = board()
    assert put(client, thing).status_code == 201
    device = Catalog(service.store).device(thing["id"])
    assert device.core == "Cortex-M4F" and device.ram_bytes == 262144
    assert meaning(client.get(f"/things/{thing['id']}").json()) == thing


CORE = '"tl:core": "Cortex-M4F", '
UNIT = ', "qudt:unit": {"@id": "unit:BYTE"}'
WRONG = {
    "a bare number of kB": ((("262144" + UNIT, "256"),), "RAM", "if 256 kB are meant: 256000"),
    "no core": (((CORE, ""),), "MicroController", 'write tl:core "Cortex-M4F"'),
    "no RAM": ((("s3n_extend:RAM", "s3n_extend:Other"),), "MicroController", "has no RAM"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "field", "says"), WRONG.values(), ids=list(WRONG))
def test_hardware_that_nobody_could_rely_on_is_refused(service, client, words, field, says):
    thing = board(*words)
    anonymous = {name: value for name, value in thing.items() if name != "id"}
    sent = {"content": json.dumps(anonymous), "headers": {"Content-Type": TD_JSON}}
    for answer in (put(client, thing), client.post("/things", **sent)):
        assert answer.status_code == 400
        error = answer.json()["validationErrors"][0]
        assert error["field"] == field and says in error["description"]
        assert says in answer.json()["detail"]
    assert client.get(f"/things/{thing['id']}").status_code == 404


def test_a_patch_is_held_to_the_same(service, client):
    thing = board()
    assert put(client, thing).status_code == 201
    answer = patch(client, thing["id"], {"tl:ramBytes": 256})
    assert answer.status_code == 400 and "256 bytes of RAM" in answer.text
    assert meaning(client.get(f"/things/{thing['id']}").json()) == thing


def test_a_device_that_came_over_http_is_matched(tmp_path):
    """The command line looks beside the service that has the registry open."""
    model = shared.folder("models") / "Magic_Wand_2.tflite"
    tinylearn("--store", str(tmp_path / "s"), "import", str(model), "--sensor", "accelerometer")
    thing = board()
    with visited(tmp_path / "s") as (_, client):
        assert fits(tmp_path) == {}
        assert put(client, thing).status_code == 201
        assert fits(tmp_path) == {thing["id"]: True}
        small = board(("262144", "8192"))
        assert put(client, {**small, "id": thing["id"]}).status_code == 204
        assert fits(tmp_path) == {thing["id"]: False}
        assert client.delete(f"/things/{thing['id']}").status_code == 204
        assert fits(tmp_path) == {}


def fits(folder) -> dict[str, bool]:
    text = tinylearn("--store", str(folder / "s"), "match", "--model", "Magic_Wand_2", "--json")
    return {row["device"]: row["fits"] for row in json.loads(text)["matches"]}


def tinylearn(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tinylearn", "registry", *arguments],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
