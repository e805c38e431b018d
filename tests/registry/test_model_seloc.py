"""The models that the SeLoC-ML authors have published, and their queries on models of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad, RdfFormat, Store, Triple, parse
from support import shared

from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.import_model import import_model
from tinylearn.registry.models.read import flat_facts, model_of
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SOSA_EXTEND, TYPE

_OLD, _NEW = "http://tinyml-schema.org/", "https://w3id.org/tinyml-schema/neural-network-schema/"


@pytest.fixture(scope="module")
def triples() -> list[Triple]:
    content = (shared.folder("rdf") / "seloc-ml" / "models.ttl").read_bytes()
    return [
        Triple(q.subject, q.predicate, q.object)
        for q in parse(content, RdfFormat.TURTLE, base_iri="urn:x:")
    ]


@pytest.fixture(scope="module")
def models(triples: list[Triple]) -> dict[str, Model]:
    networks = [t.subject for t in triples if (t.predicate, t.object) == (TYPE, NEURAL_NETWORK)]
    read = [model_of(iri, triples) for iri in networks if isinstance(iri, NamedNode)]
    return {model.title: model for model in read}


def test_nested_needs_are_read_in_bytes(models: dict[str, Model]) -> None:
    assert len(models) == 23
    yes_no = models["Micro_Speech_Yes_No_1"]
    assert yes_no.needs == {Mode.INFERENCE: Need(8_080, 18_712, 336_000)}
    assert all(model.needs[Mode.INFERENCE].ram_bytes > 0 for model in models.values())
    assert not any(Mode.LEARNING in model.needs for model in models.values())


def test_every_model_has_the_sensors_that_provide_its_input(models: dict[str, Model]) -> None:
    counts = Counter(iri.removeprefix(SOSA_EXTEND) for m in models.values() for iri in m.sensors)
    assert counts == {
        "Accelerometer": 8, "Camera": 3, "Gyroscope": 6, "Microphone": 11, "OtherSensor": 1
    }  # fmt: skip


def test_layers_tell_operators_and_arithmetic(models: dict[str, Model]) -> None:
    yes_no = models["Micro_Speech_Yes_No_1"]
    assert yes_no.operators == {"DepthwiseConv2D", "FullyConnected", "Reshape", "Softmax"}
    assert yes_no.arithmetic == "int8"
    assert Counter(m.arithmetic for m in models.values())["float32"] >= 1


def test_accuracy_is_a_share_and_zero_is_not_known(models: dict[str, Model]) -> None:
    assert models["Micro_Speech_Yes_No_1"].accuracy == pytest.approx(0.921)
    assert models["Anomaly_Detection_Autoencoder"].accuracy is None
    assert all(m.accuracy is None or 0.5 < m.accuracy <= 1 for m in models.values())
    assert Counter(m.task for m in models.values()) == {
        "Classification": 21, "Unsupervised": 1, "OtherCategory": 1
    }  # fmt: skip


def test_flat_facts_say_the_same_as_the_nested_form(models: dict[str, Model]) -> None:
    for model in models.values():
        assert model_of(NamedNode(model.iri), flat_facts(model)) == model


# ---- their queries on models of ours ----


def query(number: int) -> str:
    path = shared.folder("rdf") / "seloc-ml" / "queries" / f"query_{number}.rq"
    text = path.read_text().replace(f"{_OLD}networkschema#", f"{_NEW[:-1]}#")
    return text.replace(_OLD, _NEW)


def rows(number: int, models: Iterable[tuple[Model, list[Triple]]]) -> list[tuple[str, ...]]:
    store = Store()
    for model, triples in models:
        store.extend(Quad(*triple, NamedNode(model.iri)) for triple in triples)
    solutions = store.query(query(number), use_default_graph_as_union=True)
    return [tuple(value.value for value in row) for row in solutions]


def file(name: str) -> Path:
    return shared.folder("models") / f"{name}.tflite"


def test_query_for_camera_models_finds_those_that_are_small_enough() -> None:
    camera = import_model(file("Visual_Alarm_Clock"), sensors=["camera"])
    others = [
        import_model(file(name), sensors=["microphone"]) for name in ("Voice_Turn", "Magic_Wand_2")
    ]
    found = rows(2, [camera, *others])
    model = camera[0]
    assert [row[0] for row in found] == [model.sha256]
    need = model.needs[Mode.INFERENCE]
    assert [float(value) for value in found[0][1:4]] == [
        need.macs, need.ram_bytes / 1000, need.flash_bytes / 1000
    ]  # fmt: skip


def test_query_for_speech_models_finds_them_by_accuracy() -> None:
    speech = {"sensors": ["microphone"], "description": "speech commands yes/no",
              "dataset": "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"}  # fmt: skip
    models = [
        import_model(file("Micro_Speech_Yes_No_1"), accuracy=0.921, **speech),
        import_model(file("Micro_Speech_Yes_No_2"), accuracy=0.9, **speech),
        import_model(file("Voice_Turn"), accuracy=0.99, sensors=["microphone"], dataset="turns"),
    ]
    found = rows(3, models)
    assert [row[0] for row in found] == [models[1][0].sha256, models[0][0].sha256]
    assert [float(row[2]) for row in found] == [90, 92.1], "in percent, as the others"
