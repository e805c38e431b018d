"""The verbs that register, check and show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from described import MEMORY, board, turtle

from tinylearn.cli.main import main

SHORT_RAM = board(MEMORY.replace("262144", "256"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def run(place: Path, *words: object) -> int:
    return main(["registry", "--store", str(place), *map(str, words)])


def answer(capsys: pytest.CaptureFixture[str], place: Path, *words: object) -> Any:
    run(place, *words, "--json")
    return json.loads(capsys.readouterr().out)


def test_targets_are_registered_listed_and_shown(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, "import", "--targets") == 0
    assert "devices; " in capsys.readouterr().out
    devices = answer(capsys, place, "devices")
    nano = next(d for d in devices if d["target"] == "arduino-nano-33-ble-sense")
    assert nano["ram_bytes"] == 262144 and any("Microphone" in s for s in nano["sensors"])
    assert run(place, "devices") == 0
    assert "Cortex-M4F" in capsys.readouterr().out
    assert run(place, "validate") == 0
    assert "nothing wrong" in capsys.readouterr().out
    assert answer(capsys, place, "show", "esp32-c3")["core"] == "RV32IMC"
    assert run(place, "show", "esp32-c3", "--turtle") == 0
    assert "tl:ramBytes" in capsys.readouterr().out
    assert (
        answer(capsys, place, "show", "esp32-c3", "--td")["id"] == "urn:tinylearn:target:esp32-c3"
    )
    assert answer(capsys, place, "models") == []


@pytest.mark.parametrize("what", [(), ("--device", "esp32-c3"), ("--model", "m")])
def test_a_match_where_one_side_is_missing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: tuple[str, ...]
) -> None:
    run(place, "import", "--targets", "-q")
    capsys.readouterr()
    assert run(place, "match", *what) == (2 if "--model" in what else 0)
    done = capsys.readouterr()
    assert {
        (): "14 devices and 0 models are registered: nothing to match",
        ("--device", "esp32-c3"): "Espressif ESP32-C3: 0 of 0 models fit",
        ("--model", "m"): "m: no model of that title",
    }[what] in done.out + done.err


@pytest.mark.parametrize("verb", ["import", "validate"])
def test_a_folder_without_anything_to_read(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing")
    assert run(place, verb, folder) == 2
    assert "notes: holds nothing that can be imported; there are .json, " in capsys.readouterr().err
    assert not place.exists()


@pytest.mark.parametrize("name", ["a.jsonld", "a.td.json", "a.tflite", "a.keras"])
def test_an_empty_file_is_said_to_be_empty(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).touch()
    assert run(place, "import", tmp_path / name) == 2
    assert "is empty" in capsys.readouterr().out


def test_an_empty_name(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(place, "import", "--targets", "-q")
    assert run(place, "show", "") == 2
    assert "a name is empty" in capsys.readouterr().err


def test_a_title_that_would_steer_the_terminal(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    title = "lamp\x1b[31m\x07\x9b2J"
    (tmp_path / "lamp.jsonld").write_text(json.dumps({
        "@context": "https://www.w3.org/2022/wot/td/v1.1", "id": "urn:test:lamp", "title": title,
        "security": "none", "securityDefinitions": {"none": {"scheme": "nosec"}},
    }))  # fmt: skip
    assert run(place, "import", tmp_path / "lamp.jsonld") == 0
    assert run(place, "show", "urn:test:lamp") == 0
    assert run(place, "show", title + "x") == 2
    done = capsys.readouterr()
    assert "lamp [31m  2J" in done.out and "lamp [31m  2Jx: no device" in done.err
    assert not {"\x1b", "\x07", "\x9b"} & {*done.out, *done.err}
    assert answer(capsys, place, "show", "urn:test:lamp")["title"] == title


def test_what_is_no_regular_file(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "board.ttl")
    assert run(place, "import", tmp_path / "board.ttl") == 2
    assert "board.ttl: is no regular file" in capsys.readouterr().err


def test_a_file_that_is_wrong_is_refused_with_what_to_write(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.ttl"
    file.write_bytes(turtle(SHORT_RAM))
    assert run(place, "import", file) == 2
    out = capsys.readouterr().out
    assert "board.ttl: refused" in out and "256 bytes of RAM" in out and "write 256000 bytes" in out
    assert "registered in" in out and "nothing" in out
    assert run(place, "validate", file) == 2
    assert "1 mistake\n" in capsys.readouterr().out
    found = answer(capsys, place, "import", file)
    assert found["registered"] == [] and found["refused"][0]["file"] == str(file)


def test_mends_are_told_by_kind_by_file_and_each(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.ttl"
    file.write_bytes(turtle(board(core="")))
    assert run(place, "import", file) == 0
    assert "no core" in capsys.readouterr().out
    assert run(place, "import", file, "-v") == 0
    assert str(file) in capsys.readouterr().out
    (defect,) = [
        d for d in answer(capsys, place, "import", file)["defects"] if d["kind"] == "no core"
    ]
    assert (defect["subject"], defect["file"]) == ("urn:test:device", str(file))


def test_a_model_file_is_registered_with_what_is_said_of_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.shared import folder

    file = folder("models") / "Hello_World.tflite"
    assert run(place, "import", file, "--sensor", "thermometer", "--accuracy", "0.5") == 0
    capsys.readouterr()
    (model,) = answer(capsys, place, "models")
    assert model["title"] == "Hello_World" and model["accuracy"] == 0.5
    assert model["sensors"][0].endswith("Thermometer") and model["needs"]["inference"]["ram_bytes"]
    assert run(place, "models") == 0
    assert "50.0%" in capsys.readouterr().out


def test_what_was_said_of_a_model_stays_until_something_else_is_said(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.shared import folder

    other = tmp_path / "other name.tflite"
    other.write_bytes((folder("models") / "Magic_Wand_2.tflite").read_bytes())
    said = ("--sensor", "thermometer", "--accuracy", "0.5", "--dataset", "sines",
            "--task", "unsupervised")  # fmt: skip
    assert run(place, "import", folder("models") / "Magic_Wand_2.tflite", *said) == 0
    assert run(place, "import", other, "--accuracy", "0.75") == 0
    assert run(place, "import", other) == 0
    capsys.readouterr()
    (model,) = answer(capsys, place, "models")
    assert (model["title"], model["accuracy"]) == ("other name", 0.75)
    assert model["task"] == "Unsupervised"
    assert model["sensors"][0].endswith("Thermometer")
    assert run(place, "show", "other name", "--turtle") == 0
    assert "sines" in capsys.readouterr().out


def test_what_makes_no_sense_is_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "import") == 2
    assert "nothing to import" in capsys.readouterr().err
    assert run(place, "show", "x") != 0
    assert "no registry" in capsys.readouterr().err
    run(place, "import", "--targets")
    capsys.readouterr()
    assert run(place, "show", "x") == 2
    assert "x: no device, model or thing" in capsys.readouterr().err


def described(**more: Any) -> bytes:
    """A board as a Thing Description by hand."""
    td = {
        "@context": ["https://www.w3.org/2022/wot/td/v1.1", {"s3n": "http://w3id.org/s3n/"}],
        "id": "urn:x:board", "@type": "s3n:SmartSensor", "title": "Board", "security": "open",
        "securityDefinitions": {"open": {"scheme": "nosec"}},
    }  # fmt: skip
    return json.dumps({key: value for key, value in {**td, **more}.items() if value}).encode()


def test_what_a_thing_description_lacks_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.td.json"
    file.write_bytes(described(id=None, **{"tl:core": "Cortex-M4F", "tl:ramBytes": 65536}))
    assert run(place, "import", file) == 0
    out = "".join(capsys.readouterr())
    assert "tl: is not in @context" in out and "no id" in out
    assert answer(capsys, place, "devices")[0]["ram_bytes"] == 65536


def test_a_misspelt_word_of_ours_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.td.json"
    file.write_bytes(described(**{"tl:core": "M4", "tl:ramByte": 65536}))
    assert run(place, "import", file) == 0
    out = "".join(capsys.readouterr())
    assert "tl:ramByte" in out and "did you mean tl:ramBytes?" in out and "tl:core" not in out


def test_a_unit_as_text_in_json_is_refused_with_what_to_write(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ram = {"@type": "s3n_extend:RAM", "qudt:numericValue": 65536, "qudt:unit": "unit:BYTE"}
    chip = {"@type": "s3n:MicroController", "tl:core": "M4",
            "s3n:hasSystemCapability": {"ssn-system:hasSystemProperty": ram}}  # fmt: skip
    file = tmp_path / "board.td.json"
    file.write_bytes(described(**{"ssn:hasSubSystem": chip}))
    assert run(place, "import", file) == 2
    assert 'is text, not an IRI; in JSON write "qudt:unit": {"@id"' in capsys.readouterr().out


def test_the_store_may_stand_behind_the_verb(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["registry", "import", "--targets", "--store", str(place)]) == 0
    assert main(["registry", "stats", "--store", str(place)]) == 0
    assert str(place) in capsys.readouterr().out


def test_paths_with_spaces_can_be_pasted_and_missing_files_are_missing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(place, "import", "--targets")
    assert run(place, "backup", "-o", tmp_path / "my backup") == 0
    assert f"restore '{tmp_path / 'my backup'}'" in capsys.readouterr().out
    assert run(tmp_path / "other", "restore", tmp_path / "nosuch") == 2
    assert "no such file or folder" in capsys.readouterr().err
    assert run(place, "delete", "nosuch") == 2
    assert "registry devices and models list" in capsys.readouterr().err
