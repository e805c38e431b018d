"""Model files to descriptions: facts, layers, needs; also of models that cannot be generated."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from pyoxigraph import NamedNode, RdfFormat, Triple, parse
from support import shared
from support.tflite_models import Net, packed

from tinylearn.emit.model import EmittedModel
from tinylearn.errors import BadInputError, UnsupportedError, UsageError
from tinylearn.importers import tflite
from tinylearn.importers.tflite import file
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.registry import ontology
from tinylearn.registry.models.facts import Mode, Need
from tinylearn.registry.models.import_model import import_model
from tinylearn.registry.models.read import model_of
from tinylearn.registry.models.turtle import turtle
from tinylearn.registry.triples import Description
from tinylearn.registry.validation import check
from tinylearn.registry.vocabulary import NNET, SCHEMA, SOSA_EXTEND, SSN, TL, tl
from tinylearn.report.fit import fit
from tinylearn.targets import all_targets

FILES = ["ARM_DS_CNN_Small_", "ARM_MicroNet_Small_anomaly_detection", "Anomaly_Detection_Autoencoder",
         "Hello_World", "Magic_Wand_1", "Magic_Wand_2", "Micro_Speech_Yes_No_1", "Micro_Speech_Yes_No_2",
         "Motion_Trainer_Left_Right", "Squats_Counter", "Visual_Alarm_Clock", "Voice_Turn"]  # fmt: skip


def nnet(name: str) -> NamedNode:
    return NamedNode(NNET + name)


def layers(iri: str, triples: list[Triple]) -> list[dict[str, str]]:
    """Kind, activation and so on of each layer, in order."""
    about = Description(triples)
    nodes = about.nodes(NamedNode(iri), *(nnet(f"{r}Layer") for r in ("input", "middle", "output")))
    ordered = sorted(set(nodes), key=lambda node: about.number(node, nnet("hasIndex")) or 0)
    terms = {"type": nnet("hasType"), "activation": nnet("hasActivation"), "out": tl("shapeOut"),
             "quantization": nnet("hasQuantization"), "scale": tl("scale")}  # fmt: skip
    return [
        {key: about.objects(node, term)[0].value.split("#")[-1]
         for key, term in terms.items() if about.objects(node, term)}
        for node in ordered
    ]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_published_models_are_described(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared.folder("models")
    monkeypatch.chdir(folder)
    path = Path(f"{name}.tflite")
    model, triples = import_model(path, sensors=["microphone", "Camera"])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (model.title, model.file, model.sha256) == (name, path.name, digest)
    assert model.iri == f"urn:tinylearn:model:sha256:{digest}"
    assert model.sensors == {SOSA_EXTEND + "Microphone", SOSA_EXTEND + "Camera"}
    assert set(model.needs) == set(Mode) and not model.unsupported and not model.obstacles
    assert len(model.needs_of_target) == 2 * len(all_targets())
    assert model_of(NamedNode(model.iri), triples) == model
    again = import_model(path, sensors=["microphone", "Camera"])
    assert again == (model, triples) and len(set(triples)) == len(triples)
    assert str(folder).encode() not in turtle(triples), "where the file lies is nobody's business"


def test_needs_are_those_of_the_plan_with_the_device_program() -> None:
    path = shared.folder("models") / "Micro_Speech_Yes_No_2.tflite"
    model, _ = import_model(path, learn="last:1")
    graph = tflite.load(path)
    for mode, choices in ((Mode.INFERENCE, Choices()), (Mode.LEARNING, Choices("last:1"))):
        planned = EmittedModel("m", compile_graph(graph, choices), path.name, "", "")
        for target in all_targets():
            found = fit(planned, target)
            need = model.needs_of_target[mode, target.name]
            assert (need.ram_bytes, need.flash_bytes) == (
                found.ram,
                found.flash + found.flash_program,
            )
        assert model.needs[mode] == model.needs_of_target[mode, "cortex-m4f"]
    assert model.needs[Mode.LEARNING].macs > model.needs[Mode.INFERENCE].macs


def test_layers_are_those_of_the_network_in_order() -> None:
    model, triples = import_model(shared.folder("models") / "Magic_Wand_2.tflite")
    found = layers(model.iri, triples)
    kinds = [layer["type"].removeprefix("urn:tinylearn:ns:") for layer in found]
    assert kinds == ["Conv2D", "Conv2D", "Conv2D", "Mean", "FullyConnected", "Softmax"]
    assert [layer["out"] for layer in found] == ["16x16x16", "8x8x32", "4x4x64", "64", "10", "10"]
    assert {layer["quantization"] for layer in found} == {"Int8"}
    assert all(float(layer["scale"]) > 0 for layer in found)
    assert model.task == "Classification" and model.arithmetic == "int8"


@pytest.mark.parametrize("name", FILES)
def test_activations_are_those_of_the_file(name: str) -> None:
    """Of a quantized op only its range is left, where the file still names the activation."""
    path = shared.folder("models") / f"{name}.tflite"
    weighted = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    numbers = [
        o.options["FusedActivationFunction"]
        for o in file.read(path).operators
        if o.code in weighted
    ]
    model, triples = import_model(path)
    kinds = ("Conv2D", "DepthwiseConv2D", "FullyConnected")
    found = [
        layer.get("activation") for layer in layers(model.iri, triples) if layer["type"] in kinds
    ]
    names = {0: None, 1: "Relu", 3: "urn:tinylearn:ns:Relu6"}
    assert found == [names[number] for number in numbers]


def test_a_float_model_says_so() -> None:
    model, triples = import_model(shared.folder("models") / "Squats_Counter.tflite")
    assert model.arithmetic == "float32"
    assert {layer["quantization"] for layer in layers(model.iri, triples)} == {"Float32"}


def test_every_term_of_ours_is_in_the_ontology() -> None:
    known = {q.subject for q in parse(ontology.read("tinylearn.ttl"), RdfFormat.TURTLE)}
    for name in FILES:
        _, triples = import_model(
            shared.folder("models") / f"{name}.tflite", accuracy=0.5, task="regression"
        )
        used = {
            term for t in triples for term in (t.predicate, t.object) if isinstance(term, NamedNode)
        }
        ours = {term for term in used if term.value.startswith(TL)}
        assert ours <= known, ours - known


@pytest.mark.parametrize("name", ["Visual_Alarm_Clock", "Squats_Counter"])
def test_descriptions_keep_to_the_shapes(name: str) -> None:
    model, triples = import_model(shared.folder("models") / f"{name}.tflite", sensors=["camera"])
    assert check({NamedNode(model.iri): triples}) == []


# ---- what is said ----


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """1x4 int8 through a fully connected layer and a softmax."""
    net = Net()
    x = net.input((1, 4), 0.5, 3)
    w = net.constant(np.arange(12, dtype=np.int8).reshape(3, 4), 0.25)
    b = net.constant(np.zeros(3, np.int32), 0.125)
    y = net.op("FULLY_CONNECTED", [x, w, b], (1, 3), 1.0)
    net.op("SOFTMAX", [y], (1, 3), 1 / 256, -128, beta=1.0)
    path = tmp_path / "small.tflite"
    path.write_bytes(packed(net.model()))
    return path


def test_what_lies_beside_a_model_is_taken_unless_told_otherwise(small: Path) -> None:
    _, triples = import_model(small, sensors=["gyroscope"], accuracy=0.75, dataset="my data",
                              task="regression", description="counts steps")  # fmt: skip
    small.with_name("small.tflite.ttl").write_bytes(turtle(triples))
    model, again = import_model(small)
    assert set(again) == set(triples)
    assert (model.sensors, model.accuracy) == ({SOSA_EXTEND + "Gyroscope"}, 0.75)
    about = Description(again)
    assert about.text(NamedNode(model.iri), NamedNode(SCHEMA + "description")) == "counts steps"
    told, _ = import_model(small, sensors=["camera"], accuracy=0.5)
    assert (told.sensors, told.accuracy, told.task) == ({SOSA_EXTEND + "Camera"}, 0.5, "Regression")


def test_what_is_said_of_another_model_is_not_taken(small: Path, tmp_path: Path) -> None:
    _, triples = import_model(small, sensors=["gyroscope"])
    net = Net()
    net.op("LOGISTIC", [net.input((1, 4), 0.5)], (1, 4), 1 / 256, -128)
    other = tmp_path / "other.tflite"
    other.write_bytes(packed(net.model()))
    other.with_name("other.tflite.ttl").write_bytes(turtle(triples))
    assert import_model(other)[0].sensors == frozenset()


@pytest.mark.parametrize(
    "content",
    [
        b"<a> <b>",
        b"\xff\xfe",
        b"[" * 100_000,
        b"<a:b> <a:b> " + b"<<( <a:b> <a:b> " * 100_000,
        b"@base <http://",
    ],
)
def test_a_damaged_description_is_an_error(small: Path, content: bytes) -> None:
    small.with_name("small.tflite.ttl").write_bytes(content)
    with pytest.raises(BadInputError, match=r"small\.tflite\.ttl: cannot be read as Turtle"):
        import_model(small)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"sensors": ["crystal ball"]},
            "sensor 'crystal ball': not known; there are accelerometer",
        ),
        ({"sensors": ["http://a b"]}, "not known"),
        ({"task": "divination"}, "task 'divination': not known"),
        ({"accuracy": 93.0}, "accuracy 93.0: must be from 0 to 1"),
        ({"learn": "last:zero"}, "--learn last:zero"),
    ],
)
def test_what_makes_no_sense_is_refused(small: Path, said: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        import_model(small, **said)


def test_a_sensor_may_be_any_class(small: Path) -> None:
    assert import_model(small, sensors=["https://example.org/Radar"])[0].sensors == {
        "https://example.org/Radar"
    }


# ---- what tinylearn cannot generate ----


def strange(path: Path, custom: str = "") -> Path:
    """A network with an operator that is not supported."""
    net = Net()
    x = net.input((1, 8), 0.5, 0)
    y = net.op("LOGISTIC", [x], (1, 8), 1 / 256, -128)
    net.op("CUSTOM" if custom else "SPACE_TO_DEPTH", [y], (1, 8), 1 / 256, -128)
    model = net.model()
    if custom:
        model.operatorCodes[1].customCode = custom
    path.write_bytes(packed(model))
    return path


def test_a_model_with_an_operator_that_is_not_supported_is_described(tmp_path: Path) -> None:
    model, triples = import_model(strange(tmp_path / "odd.tflite"), sensors=["camera"])
    assert model.operators == {"Logistic", "SpaceToDepth"} and model.unsupported == {"SpaceToDepth"}
    assert model.needs == {} and model.needs_of_target == {}
    assert set(model.obstacles) == set(Mode)
    assert model.obstacles[Mode.INFERENCE].startswith(
        "operator 1 (SPACE_TO_DEPTH) is not supported"
    )
    assert model.arithmetic == "int8" and model_of(NamedNode(model.iri), triples) == model
    about = Description(triples)
    assert about.nodes(NamedNode(model.iri), NamedNode(SSN + "hasInput"))
    assert [layer["out"] for layer in layers(model.iri, triples)] == ["8", "8"]


def test_an_operator_of_somebody_is_named(tmp_path: Path) -> None:
    model, triples = import_model(strange(tmp_path / "odd.tflite", "Detect > <all"))
    assert model.unsupported == {"CUSTOM:Detect > <all"}
    assert turtle(triples)
    long, _ = import_model(strange(tmp_path / "odd.tflite", 10_000 * "x"))
    assert max(map(len, long.unsupported)) < 200


def test_several_inputs_are_all_described(tmp_path: Path) -> None:
    net = Net()
    net.op("ADD", [net.input((1, 4), 0.5), net.input((1, 4), 0.5)], (1, 4), 1.0)
    (tmp_path / "two.tflite").write_bytes(packed(net.model()))
    model, triples = import_model(tmp_path / "two.tflite")
    assert not model.unsupported and "it has 2 inputs" in model.obstacles[Mode.INFERENCE]
    assert len(Description(triples).nodes(NamedNode(model.iri), NamedNode(SSN + "hasInput"))) == 2


def test_a_model_that_cannot_learn_still_infers(tmp_path: Path) -> None:
    net = Net()
    net.op("LOGISTIC", [net.input((1, 4), 0.5)], (1, 4), 1 / 256, -128)
    (tmp_path / "table.tflite").write_bytes(packed(net.model()))
    model, _ = import_model(tmp_path / "table.tflite")
    assert set(model.needs) == {Mode.INFERENCE} and set(model.obstacles) == {Mode.LEARNING}


def test_no_learning_can_be_asked_for(small: Path) -> None:
    model, _ = import_model(small, learn="none")
    assert set(model.needs) == {Mode.INFERENCE}
    deep, shallow = (
        import_model(small, learn=n)[0].needs[Mode.LEARNING] for n in ("all", "last:1")
    )
    assert isinstance(deep, Need) and deep == shallow, "it has one layer"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.tflite", b"", BadInputError),
        ("a.tflite", b"1234TFL3" + 400 * b"\xff", BadInputError),
        ("a.keras", b"PK\x05\x06", BadInputError),
        ("a.keras", b"\x89HDF\r\n\x1a\n", UnsupportedError),
        ("a.h5", b"\x89HDF\r\n\x1a\n", UnsupportedError),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, name: str, content: bytes, kind: type) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=name):
        import_model(tmp_path / name)
    with pytest.raises(BadInputError, match="no such file"):
        import_model(tmp_path / "absent.tflite")
