"""What generate and quantize write of a model in RDF, and what is made of it again."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cli_tools import dense_net, done, keras_bytes, layer, refused
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, Triple, parse

from tinylearn.emit import packaging
from tinylearn.errors import BadInputError, TinylearnError
from tinylearn.registry.models.facts import Mode, Model
from tinylearn.registry.models.import_model import import_model
from tinylearn.registry.models.iris import model_iri
from tinylearn.registry.models.read import model_of
from tinylearn.registry.models.turtle import turtle
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import MLS, NNET, PROV, SOSA_EXTEND, tl
from tinylearn.report.fit import STACK_BYTES
from tinylearn.report.size import sizes_of

SAID = ("--sensor", "microphone", "--task", "classification", "--accuracy", "0.875", "--dataset", "mine",
        "--description", "hears things")  # fmt: skip


def read(path: Path) -> list[Triple]:
    quads = parse(path.read_bytes(), RdfFormat.TURTLE)
    return [Triple(q.subject, q.predicate, q.object) for q in quads]


def of_project(folder: Path, name: str = "mlp") -> tuple[Model, list[Triple]]:
    """What the folder's own file says of its model."""
    triples = read(folder / f"{name}.ttl")
    networks = [t.subject for t in triples if t.object == NamedNode(NNET + "NeuralNetwork")]
    return model_of(networks[0], triples), triples


def info(folder: Path, name: str = "mlp") -> Path:
    return folder / f"{name}_info.json"


# ---- generate ----


@pytest.mark.parametrize("kind", packaging.names())
def test_every_format_holds_the_description(models, tmp_path: Path, kind: str) -> None:
    done("generate", models["mlp"], "-o", tmp_path / "p", "--format", kind, *SAID)
    assert "mlp.ttl" in json.loads(info(tmp_path / "p").read_text())["files"]
    model, _ = of_project(tmp_path / "p")
    assert model.sensors == {SOSA_EXTEND + "Microphone"}
    assert (model.accuracy, model.task, model.title) == (0.875, "Classification", "mlp")
    assert str(tmp_path) not in (tmp_path / "p" / "mlp.ttl").read_text()


def test_the_description_has_what_the_project_costs(models, tmp_path: Path) -> None:
    words = ["generate", models["mlp"], "-o", tmp_path / "p", "--learn", "all"]
    found = done(*words, "--json").json
    fits = done("analyze", models["mlp"], "--learn", "all", "--json").json
    model, triples = of_project(tmp_path / "p")
    learning, inference = model.needs[Mode.LEARNING], model.needs[Mode.INFERENCE]
    assert learning.ram_bytes == fits["ram_with_program"]
    assert learning.flash_bytes - fits["flash"] == 12_288, "the device program"
    assert (inference.macs, learning.macs) == tuple(found["macs"].values())
    assert learning.ram_bytes - inference.ram_bytes == (
        fits["ram_learning"] - fits["ram_inference"] + 4 * 3
    ), "and the target"
    about, iri = Description(triples), NamedNode(model.iri)
    assert about.text(iri, tl("modelHash")) == found["hash"]
    assert about.text(iri, tl("learns")) == "all"


def test_what_does_not_learn_says_why(models, tmp_path: Path) -> None:
    done("generate", models["mlp"], "-o", tmp_path / "p")
    model, _ = of_project(tmp_path / "p")
    assert set(model.needs) == {Mode.INFERENCE}
    assert "--learn" in model.obstacles[Mode.LEARNING]


def test_a_fleets_device_program_is_counted(models, tmp_path: Path) -> None:
    words = ["generate", models["mlp"], "--learn", "all"]
    done(*words, "-o", tmp_path / "alone")
    done(*words, "-o", tmp_path / "fleet", "--fleet")
    alone, fleet = (of_project(tmp_path / name)[0] for name in ("alone", "fleet"))
    more = fleet.needs[Mode.LEARNING].flash_bytes - alone.needs[Mode.LEARNING].flash_bytes
    assert more == 6656
    assert (Mode.LEARNING, "atmega328p") not in fleet.needs_of_target, "its frames are too small"
    again, _ = import_model(info(tmp_path / "fleet"))
    assert again.needs == fleet.needs


def test_learning_in_integers_is_integers(models, tmp_path: Path) -> None:
    done("generate", models["mlp"], "-o", tmp_path / "p", "--learn", "all", "--arithmetic", "int8")
    assert of_project(tmp_path / "p")[0].arithmetic == "int8"


def test_a_wrong_word_writes_nothing(models, tmp_path: Path) -> None:
    words = ["generate", models["mlp"], "-o", tmp_path / "p"]
    refused(2, *words, "--sensor", "sonar", match="sensor 'sonar': not known; there are accelero")
    refused(2, *words, "--task", "divination", match="task 'divination': not known")
    assert not list(tmp_path.iterdir())


# ---- and again from the folder ----


def test_info_file_gives_what_the_project_says(models, tmp_path: Path, monkeypatch) -> None:
    done("generate", models["mlp"], "-o", tmp_path / "p", "--learn", "last:1", *SAID)
    written, triples = of_project(tmp_path / "p")
    monkeypatch.chdir(tmp_path / "p")
    model, again = import_model(Path("mlp_info.json"))
    assert model == written and set(again) == set(triples)
    monkeypatch.chdir(tmp_path)
    assert import_model(Path("p/mlp_info.json"))[0].file == "p/mlp_graph.npz"
    (tmp_path / "p" / "mlp.ttl").unlink()
    bare, _ = import_model(Path("p/mlp_info.json"), sensors=["camera"])
    assert (bare.iri, bare.needs, bare.accuracy) == (model.iri, model.needs, None)
    assert bare.sensors == {SOSA_EXTEND + "Camera"}


def test_a_projects_two_descriptions_are_no_contradiction(models, tmp_path: Path) -> None:
    done("generate", models["mlp"], "-o", tmp_path / "p", *SAID)
    report = done("registry", "--store", tmp_path / "r", "import", tmp_path / "p", "--json").json
    assert report["defects"] == [] and len(report["registered"]) == 1
    assert report["registered"][0]["file"].endswith("mlp_info.json"), "which knows the build"


def test_what_was_built_is_measured(copied) -> None:
    if shutil.which("arm-none-eabi-gcc") is None or shutil.which("make") is None:
        pytest.skip("needs make and arm-none-eabi-gcc")
    folder = copied("cnn", "--learn", "all", "--target", "cortex-m0")
    shutil.rmtree(folder / "build", ignore_errors=True)
    planned, _ = import_model(info(folder, "cnn"))
    sizes = done("build", folder, "--json").json
    model, triples = import_model(info(folder, "cnn"))
    key = (Mode.LEARNING, "cortex-m0")
    built, before = model.needs_of_target[key], planned.needs_of_target[key]
    assert built.measured and not before.measured and built.macs == before.macs
    assert built.flash_bytes == sizes["image_flash_bytes"]
    stack = sizes_of(folder / "build" / "cnn.elf").stack
    assert stack > 0 and built.ram_bytes == sizes["image_ram_bytes"] - stack + STACK_BYTES
    others = {k: need for k, need in model.needs_of_target.items() if k != key}
    assert others == {k: need for k, need in planned.needs_of_target.items() if k != key}
    assert model_of(NamedNode(model.iri), triples) == model
    assert built.ram_bytes <= before.ram_bytes, "the plan leaves room"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../../etc/passwd"}, "damaged"),
        ({"name": "other"}, "other_graph.npz"),
        ({"target": "toaster"}, "target toaster: not known"),
        ({"target": ["x"]}, "not known"),
        ({"hash": "00" * 16}, "another one than it says"),
        ({"source": {"name": "a", "sha256": "> <urn:evil>"}}, "damaged"),
        ({"source": None}, "damaged"),
        ({"generator": "someone else 1"}, "damaged"),
    ],
)
def test_info_file_of_somebody_else_is_refused(copied, change: dict, words: str) -> None:
    folder = copied("mlp")
    content = {**json.loads(info(folder).read_text()), **change}
    info(folder).write_text(json.dumps(content))
    with pytest.raises(TinylearnError, match=words):
        import_model(info(folder))


@pytest.mark.parametrize("content", ["", "[]", "3", "{", '{"name": "mlp"}', "[" * 100_000])
def test_damaged_info_file_is_refused(copied, content: str) -> None:
    folder = copied("mlp")
    info(folder).write_text(content)
    with pytest.raises(BadInputError, match=r"mlp_info\.json: damaged"):
        import_model(info(folder))


def test_damaged_elf_is_refused(copied) -> None:
    folder = copied("mlp")
    (folder / "build").mkdir(exist_ok=True)
    (folder / "build" / "mlp.elf").write_bytes(b"\x7fELF" + 60 * b"\xff")
    with pytest.raises(BadInputError, match=r"mlp\.elf"):
        import_model(info(folder))


# ---- Keras ----


def test_keras_file_is_described_as_what_it_does(models) -> None:
    model, _ = import_model(models["cnn"])
    assert model.operators == {"Conv2D", "FullyConnected", "Reshape", "Softmax"}
    assert model.arithmetic == "float32" and set(model.needs) == set(Mode)


def test_keras_layer_that_is_not_supported_is_named(tmp_path: Path) -> None:
    layers = [
        layer("InputLayer", "x", batch_shape=[None, 8, 4]),
        layer("LSTM", "memory", units=3),
        layer("Dense", "out", units=2, activation="softmax"),
    ]
    path = tmp_path / "lstm.keras"
    path.write_bytes(keras_bytes(layers, {"dense/vars/0": np.zeros((3, 2), "f4")}))
    model, triples = import_model(path, sensors=["accelerometer"])
    assert model.unsupported == {"LSTM"} and model.operators == {"LSTM", "FullyConnected"}
    assert model.needs == {} and "LSTM" in model.obstacles[Mode.LEARNING]
    shapes = [t.object for t in triples if t.predicate == tl("shape")]
    assert Literal("8x4") in shapes and model_of(NamedNode(model.iri), triples) == model


def test_keras_file_with_code_is_described_and_the_code_not_run(tmp_path: Path) -> None:
    layers = [
        layer("InputLayer", "x", batch_shape=[None, 4]),
        {"module": "evil", "class_name": "Thing", "registered_name": "evil>Thing", "config": {}},
        layer("Lambda", "code", function={"class_name": "__lambda__", "config": {"code": "4wEA"}}),
    ]
    path = tmp_path / "code.keras"
    path.write_bytes(keras_bytes(layers, {}))
    model, _ = import_model(path)
    assert model.unsupported == {"Thing", "Lambda"}


def test_subclassed_keras_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.keras"
    path.write_bytes(keras_bytes([], {}))
    with pytest.raises(TinylearnError, match=r"own\.keras"):
        import_model(path)


# ---- lineage ----


def test_project_comes_from_its_model_file(models, tmp_path: Path) -> None:
    done("generate", models["mlp"], "-o", tmp_path / "p", "--learn", "all")
    source, _ = import_model(models["mlp"])
    model, triples = of_project(tmp_path / "p")
    about, iri = Description(triples), NamedNode(model.iri)
    assert about.nodes(iri, NamedNode(PROV + "wasDerivedFrom")) == [NamedNode(source.iri)]
    (made,) = about.nodes(iri, NamedNode(PROV + "wasGeneratedBy"))
    assert about.text(made, tl("learn")) == "all" and about.text(made, tl("loss")) is not None


def test_project_inherits_what_lies_beside_its_model(models, tmp_path: Path) -> None:
    source = Path(shutil.copy(models["mlp"], tmp_path / "mlp.keras"))
    _, triples = import_model(source, sensors=["gyroscope"], accuracy=0.5)
    (tmp_path / "mlp.keras.ttl").write_bytes(turtle(triples))
    done("generate", source, "-o", tmp_path / "p")
    done("generate", source, "-o", tmp_path / "q", "--head", "dense:2")
    plain, headed = (of_project(tmp_path / name)[0] for name in "pq")
    assert "float32 2 in" in (tmp_path / "q" / "mlp.ttl").read_text(), "described as it is now"
    assert plain.sensors == headed.sensors == {SOSA_EXTEND + "Gyroscope"}
    assert (plain.accuracy, headed.accuracy) == (0.5, None), "a new head has another merit"


@pytest.mark.tensorflow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_quantized_model_knows_its_merit_and_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(dense_net(4, (6, "relu"), (3, "softmax")))
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    np.savez(tmp_path / "d.npz", x=(rng.normal(size=(60, 4)) + y[:, None]).astype("f4"), y=y)
    words = [
        "quantize",
        tmp_path / "net.keras",
        "--data",
        tmp_path / "d.npz",
        "-o",
        tmp_path / "net.tflite",
    ]
    found = done(*words, "--sensor", "accelerometer", "--json").json
    assert found["rdf"] == str(tmp_path / "net.tflite.ttl")
    first = (tmp_path / "net.tflite.ttl").read_bytes()
    assert str(tmp_path).encode() not in first
    done(*words, "--sensor", "accelerometer", "--rdf", tmp_path / "elsewhere.ttl")
    assert (tmp_path / "elsewhere.ttl").read_bytes() == first

    model, triples = import_model(tmp_path / "net.tflite")
    assert model.accuracy == round(found["score_after"], 12)
    assert model.sensors == {SOSA_EXTEND + "Accelerometer"}
    assert set(read(tmp_path / "net.tflite.ttl")) >= {
        t for t in triples if t.predicate != tl("file")
    }, "imported as it was described"
    about = Description(triples)
    values = [about.number(node, NamedNode(MLS + "hasValue"))
              for node in about.nodes(NamedNode(model.iri), NamedNode(NNET + "hasMetric"))]  # fmt: skip
    assert values == [found["score_after"], found["agreement"]]

    done("generate", tmp_path / "net.tflite", "-o", tmp_path / "p", "--learn", "last:1")
    store = Store()
    for made, about_it in ((model, triples), of_project(tmp_path / "p", "net")):
        store.extend(Quad(*triple, NamedNode(made.iri)) for triple in about_it)
    float_model, _ = import_model(tmp_path / "net.keras")
    chain = store.query(
        "SELECT ?from { ?made <urn:tinylearn:ns:learns> 'last:1' ; "
        "<urn:tinylearn:ns:modelHash> ?hash ; <http://www.w3.org/ns/prov#wasDerivedFrom>+ ?from }",
        use_default_graph_as_union=True,
    )
    assert {row["from"].value for row in chain} == {model.iri, float_model.iri}
    assert model_iri(float_model.sha256 or "") == NamedNode(float_model.iri)
