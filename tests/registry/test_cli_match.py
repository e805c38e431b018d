from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support import shared

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from cli_tools import Result, dense_net, done, snapshot, tinylearn

from tinylearn.registry.projects.make import make_project
from tinylearn.registry.store.open import open_store

DEVICE = """
@prefix tl: <urn:tinylearn:ns:> . @prefix td: <https://www.w3.org/2019/wot/td#> .
@prefix s3n: <http://w3id.org/s3n/> . @prefix ssn: <http://www.w3.org/ns/ssn/> .
@prefix sys: <http://www.w3.org/ns/ssn/systems/> . @prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix m: <https://w3id.org/tinyml-schema/neural-network-schema/s3n_extend/> .
@prefix x: <https://w3id.org/tinyml-schema/neural-network-schema/sosa_extend/> .
<urn:example:{name}> a s3n:SmartSensor ; td:title "{title}" ; tl:clockHz 25000000 ;
  tl:powerWatts 0.05e0 ; {target} ssn:hasSubSystem [ a s3n:MicroController ; tl:core "{core}" ;
    s3n:hasSystemCapability [ sys:hasSystemProperty
      [ a m:RAM ; qudt:numericValue {ram} ; qudt:unit unit:BYTE ] ,
      [ a m:Flash ; qudt:numericValue 4000000 ; qudt:unit unit:BYTE ] ] ] {sensors} .
"""


NETWORK = """
@prefix nnet: <https://w3id.org/tinyml-schema/neural-network-schema#> .
@prefix ssn: <http://www.w3.org/ns/ssn/> . @prefix tl: <urn:tinylearn:ns:> .
<urn:example:net> a nnet:NeuralNetwork ; <https://schema.org/name> "only words" ;
  tl:inferenceRamBytes 10 ; tl:inferenceFlashBytes 10 ;
  ssn:hasInput [ a nnet:NetworkInput ; nnet:hasInputInfo "words" ] .
"""


def device(name: str, title: str, ram: int, core: str = "Cortex-M4F", target: str = "cortex-m4f",
           sensors: str = "Accelerometer") -> str:  # fmt: skip
    parts = "".join(f", [ a x:{sensor} ]" for sensor in sensors.split())
    said = f'tl:target "{target}" ;' if target else ""
    return DEVICE.format(name=name, title=title, ram=ram, core=core, target=said, sensors=parts)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of four devices and two models."""
    folder = tmp_path_factory.mktemp("match")
    fleet = {
        "big": device("press-big", "Big press", 200_000, sensors="Accelerometer Gyroscope"),
        "small": device("press-small", "Small press", 2_000),
        "soft": device("press-soft", "Soft press", 300_000, "Cortex-M3", "cortex-m3"),
        "strange": device("press-strange", "Big press", 400_000, target=""),
    }
    for name, text in fleet.items():
        (folder / f"{name}.ttl").write_text(text)
    (folder / "motion.keras").write_bytes(dense_net(12, (8, "relu"), (3, "softmax")))
    (folder / "plain.keras").write_bytes(dense_net(4, (3, "linear"), seed=1))
    store = folder / "registry"
    done("registry", "--store", store, "import", *(folder / f"{n}.ttl" for n in fleet))
    done("registry", "--store", store, "import", folder / "motion.keras", "--sensor",
         "accelerometer", "--accuracy", "0.9")  # fmt: skip
    done("registry", "--store", store, "import", folder / "plain.keras", "--sensor", "gyroscope")
    return store


def match(place: Path, *words: object) -> Result:
    return done("registry", "--store", place, "match", *words)


def fails(code: int, place: Path, *words: object) -> str:
    result = tinylearn("registry", "--store", place, *words)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1), result
    return result.err


def test_devices_of_a_model(place: Path) -> None:
    found = match(place, "--model", "motion", "--json").json
    assert (found["devices"], found["fitting"]) == (4, 2)
    fits = {one["device"]: one["reasons"] for one in found["matches"]}
    assert fits["urn:example:press-big"] == fits["urn:example:press-strange"] == []
    assert fits["urn:example:press-soft"] == ["no FPU for a float model"]
    assert fits["urn:example:press-small"][0].startswith("RAM short by ")
    assert found["matches"][0]["device"] == "urn:example:press-strange", "more RAM left"
    text = match(place, "--model", "motion", "--top", "3").out
    assert "motion: 2 of 4 devices fit, inference; --top 4 shows all" in text
    assert "Big press (press-bi)" in text


def test_models_of_a_device(place: Path) -> None:
    text = match(place, "--device", "press-soft").out
    assert "no gyroscope; no FPU for a float model" in text
    assert "Soft press: 0 of 2 models fit, inference" in text
    assert "1 of 2 models fit" in match(place, "--device", "soft press", "--allow-soft-float").out


def test_a_pair(place: Path) -> None:
    text = match(place, "--device", "press-big", "--model", "motion", "--mode", "learning").out
    assert "motion on Big press, learning: fits" in text and "left" in text
    found = match(place, "--device", "press-big", "--model", "motion", "--json").json
    assert found["fits"] and found["need"]["ram_bytes"] + found["ram_left"] == 200_000
    assert found["seconds"] > 0 and found["joules"] == pytest.approx(found["seconds"] * 0.05)


def test_the_matrix(place: Path) -> None:
    found = match(place, "--json", "--why").json
    assert found["fitting"] == sum(map(sum, found["fits"])) == 3
    assert len(found["pairs"]) == 8
    text = match(place, "--why").out
    assert "3 of 8 pairs fit, inference" in text
    assert "  plain: no gyroscope; no FPU for a float model" in text


def test_names_that_mean_nothing_or_two_things(place: Path) -> None:
    assert "nobody: no device of that title" in fails(2, place, "match", "--device", "nobody")
    said = fails(2, place, "match", "--device", "Big press")
    assert "2 devices go by that name: urn:example:press-big, urn:example:press-strange" in said
    assert "no model" in fails(2, place, "match", "--model", "urn:example:press-big")
    fails(2, place, "match", "--model", '"} DROP ALL #')
    fails(2, place, "match", "--model", "")


def test_a_match_becomes_a_project_that_builds(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("registry", "--store", place, "generate", "--model", "motion", "--device", "press-big")
    text = done(*words, "-o", out, "--mode", "learning").out
    assert "motion for cortex-m4f, reading accelerometer" in text
    header = (out / "sensors.h").read_text()
    assert (
        "#define SENSORS_ROWS 4" in header
        and "int sensors_read_accelerometer(float *to);" in header
    )
    built = done("build", out, "--json").json
    assert built["image_ram_bytes"] > 0
    with_store = open_store(place, read_only=True)
    made = make_project(with_store, model_iri(place), "urn:example:press-big")
    again = make_project(with_store, model_iri(place), "urn:example:press-big")
    with_store.close()
    assert made == again and "sensors.c" in made and "Makefile" in made


def model_iri(place: Path) -> str:
    found = match(place, "--device", "press-big", "--json").json["matches"]
    return str(next(one["model"] for one in found if one["label"] == "motion"))


def test_what_does_not_fit_is_refused_with_reasons(place: Path, tmp_path: Path) -> None:
    for name, reason in (
        ("press-small", "RAM short by"),
        ("press-soft", "no FPU for a float model"),
    ):
        said = fails(
            4, place, "generate", "--model", "motion", "--device", name, "-o", tmp_path / "o"
        )
        assert reason in said and "does not fit" in said
    assert not (tmp_path / "o").exists()
    done("registry", "--store", place, "generate", "--model", "motion", "--device", "press-soft", "-o",
         tmp_path / "o", "--allow-soft-float")  # fmt: skip


def test_a_device_without_target_needs_one(place: Path, tmp_path: Path) -> None:
    words = ("generate", "--model", "motion", "--device", "press-strange", "-o", tmp_path / "o")
    said = fails(2, place, *words)
    assert "give one with --target, of its core are cortex-m4f, " in said
    text = done("registry", "--store", place, *words, "--target", "arduino-nano-33-ble").out
    assert "open the example motion_device" in text


@pytest.mark.parametrize(
    ("device", "target", "says"),
    [
        ("press-strange", "esp32-c3", "does not run code for the target esp32-c3 (RV32IMC)"),
        ("press-big", "atmega328p", "does not run code for the target atmega328p"),
        ("press-soft", "cortex-m4f", "without FPU does not run code for the target cortex-m4f"),
    ],
)
def test_a_target_that_the_device_cannot_be(
    place: Path, tmp_path: Path, device: str, target: str, says: str
) -> None:
    words = (
        "generate",
        "--model",
        "motion",
        "--device",
        device,
        "--target",
        target,
        "-o",
        tmp_path / "o",
    )
    assert says in fails(2, place, *words, "--allow-soft-float")
    assert not (tmp_path / "o").exists()


def test_what_was_filled_in_is_not_lost(place: Path, tmp_path: Path) -> None:
    words = ("generate", "--model", "motion", "--device", "press-big", "-o", tmp_path / "o")
    done("registry", "--store", place, *words)
    done("registry", "--store", place, *words)
    (tmp_path / "o" / "sensors.c").write_text("/* mine */")
    before = snapshot(tmp_path / "o")
    assert "sensors.c: was filled in" in fails(2, place, *words)
    assert snapshot(tmp_path / "o") == before
    done("registry", "--store", place, *words, "--discard-sensors")
    # what nobody filled in may move to where another format has it
    done("registry", "--store", place, *words, "--format", "platformio")
    assert "sensors.c" not in snapshot(tmp_path / "o")


def test_names_are_understood_as_they_are_shown(place: Path) -> None:
    shown = done("registry", "--store", place, "match", "--model", "motion", "--top", "9").out
    assert "Big press (press-st)" in shown
    said = done("registry", "--store", place, "match", "--device", "Big press (press-st)").out
    assert said.splitlines()[-1].startswith("Big press")


def test_queries_by_name_take_names(place: Path) -> None:
    def rows(*words: str) -> str:
        return done("registry", "--store", place, "query", *words, "--format", "csv").out

    assert "Big press" in rows("devices-for-model", "--param", "model=motion")
    assert "motion" in rows("models-for-device", "--param", "device=press-big")
    assert "press-big" in rows("devices-with-sensor", "--param", "sensor=gyroscope")
    assert "motion" in rows("models-by-task", "--param", "task=classification")
    assert "no model of that title" in fails(2, place, "query", "model", "--param", "model=nosuch")


def test_a_copy_that_was_changed_is_not_used(place: Path, tmp_path: Path) -> None:
    sha256 = model_iri(place).rsplit(":", 1)[1]
    copy = place / "models" / f"{sha256}.keras"
    original = copy.read_bytes()
    words = ("generate", "--model", "motion", "--device", "press-big", "-o", tmp_path / "o")
    copy.write_bytes(original + b"x")
    assert "is not the file that was described" in fails(2, place, *words)
    copy.unlink()
    assert "keeps no copy of its file" in fails(2, place, *words)
    given = tmp_path / "given.keras"
    given.write_bytes(original)
    done("registry", "--store", place, *words, "--file", given)
    given.write_bytes(original + b"x")
    fails(2, place, *words, "--file", given)
    copy.write_bytes(original)


def test_a_project_can_be_registered_and_generated_anew(place: Path, tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(dense_net(6, (4, "relu"), (2, "softmax"), seed=5))
    done(
        "generate",
        tmp_path / "net.keras",
        "--learn",
        "all",
        "-o",
        tmp_path / "p",
        "--sensor",
        "accelerometer",
    )
    done(
        "registry",
        "--store",
        tmp_path / "r",
        "import",
        tmp_path / "p" / "net_info.json",
        place.parent / "big.ttl",
    )
    words = (
        "registry",
        "--store",
        tmp_path / "r",
        "generate",
        "--model",
        "net",
        "--device",
        "Big press",
    )
    learns = {}
    for mode in ("inference", "learning"):
        done(*words, "-o", tmp_path / mode, "--mode", mode)
        learns[mode] = json.loads((tmp_path / mode / "net_info.json").read_text())["loss"]
    assert learns["inference"] == "none" and learns["learning"] != "none"


def test_a_file_for_a_model_that_is_only_described(place: Path, tmp_path: Path) -> None:
    described = tmp_path / "described.ttl"
    described.write_text(NETWORK)
    store = tmp_path / "r"
    done("registry", "--store", store, "import", "--targets", described)
    told = fails(2, store, "generate", "--model", "only words", "--device", "cortex-m4f",
                 "-o", tmp_path / "o", "--file", place.parent / "motion.keras")  # fmt: skip
    assert "has no SHA-256 to tell" in told and "motion.keras by; import the model file" in told


def test_the_published_pairs(tmp_path: Path) -> None:
    """78 of 138, requiring all sensors: the measure of a good import."""
    rdf = shared.folder("rdf") / "seloc-ml"
    done("registry", "--store", tmp_path / "r", "import", rdf / "models.ttl", rdf / "devices")
    found = match(tmp_path / "r", "--json").json
    titles = [one["label"] for one in found["devices"]]
    fitting = dict(zip(titles, map(sum, found["fits"]), strict=True))
    original = {"Arduino-Nano-BLE-33-Tinyml-Kit_1": 21, "Arduino-Nano-BLE-33_1": 19,
                "Syntiant-TinyML-Board_1": 16, "adafruit_tflite_micro_kit_1": 12, "SSI-Web_1": 8,
                "Adafruit-Pybadge_1": 2}  # fmt: skip
    assert {title: fitting[title] for title in original} == original
    assert len(found["models"]) == 23 and sum(original.values()) == 78


def test_model_files_are_in_backups(place: Path, tmp_path: Path) -> None:
    done("registry", "--store", place, "backup", "-o", tmp_path / "copy")
    done("registry", "--store", tmp_path / "new", "restore", tmp_path / "copy")
    kept = snapshot(place / "models")
    assert len(kept) == 2 and snapshot(tmp_path / "new" / "models") == kept
    done("registry", "--store", tmp_path / "new", "generate", "--model", "motion", "--device", "press-big",
         "-o", tmp_path / "o")  # fmt: skip
    done("registry", "--store", place, "export", "-o", tmp_path / "all.trig")
    done("registry", "--store", tmp_path / "new", "restore", "--replace", tmp_path / "all.trig")
    assert snapshot(tmp_path / "new" / "models") == kept
