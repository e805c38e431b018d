"""What people type, and what it means: the same for all verbs, on both kinds of store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.cli.main import main
from tinylearn.errors import BadInputError
from tinylearn.registry.matching.nearest import Named, nearest
from tinylearn.registry.matching.resolve import ANY, DEVICE, MODEL, resolve
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SCHEMA, SMART_SENSOR, TD, THING, TYPE

TITLE, NAME = NamedNode(TD + "title"), NamedNode(SCHEMA + "name")
OWL = NamedNode("http://www.w3.org/2002/07/owl#Ontology")


def fill(store: GraphStore) -> None:
    said = {
        "urn:d:press-1": (SMART_SENSOR, TITLE, Literal("Big press")),
        "urn:d:press-2": (SMART_SENSOR, TITLE, Literal("Big press")),
        "urn:d:oven": (SMART_SENSOR, TITLE, Literal("Tunnel oven", language="en")),
        "urn:d:ofen": (SMART_SENSOR, TITLE, Literal("Durchlaufofen", language="de")),
        "urn:d:mute": (SMART_SENSOR, TYPE, THING),
        "https://x.test/m#wand": (NEURAL_NETWORK, NAME, Literal("Magic wand")),
        "urn:m:press-1": (NEURAL_NETWORK, NAME, Literal("Press noise")),
        "urn:t:lamp": (THING, TITLE, Literal("Lamp")),
        "tag:x.test,2024:scale": (THING, TITLE, Literal("Scale, new")),
        "urn:v:terms": (OWL, TITLE, Literal("Terms")),
    }
    graphs = {}
    for iri, (of_class, predicate, value) in said.items():
        node = NamedNode(iri)
        graphs[node] = [Triple(node, TYPE, of_class), Triple(node, predicate, value)]
    store.upsert(graphs)


@pytest.fixture
def filled(store: GraphStore) -> Iterator[GraphStore]:
    fill(store)
    return store


@pytest.mark.parametrize(
    ("kind", "name", "iri"),
    [
        (DEVICE, "urn:d:press-1", "urn:d:press-1"),
        (DEVICE, "press-1", "urn:d:press-1"),
        (MODEL, "press-1", "urn:m:press-1"),
        (DEVICE, "d:press-1", "urn:d:press-1"),
        (MODEL, "x.test/m#wand", "https://x.test/m#wand"),
        (DEVICE, "Tunnel oven", "urn:d:oven"),
        (DEVICE, "tunnel OVEN", "urn:d:oven"),
        (DEVICE, "Durchlaufofen", "urn:d:ofen"),
        (DEVICE, "Big press (press-2)", "urn:d:press-2"),
        (DEVICE, "tunn", "urn:d:oven"),
        (MODEL, "press", "urn:m:press-1"),
        (DEVICE, "mute", "urn:d:mute"),
        (ANY, "Lamp", "urn:t:lamp"),
        (ANY, "Scale, new", "tag:x.test,2024:scale"),
        (ANY, "scale", "tag:x.test,2024:scale"),
        (ANY, "wand", "https://x.test/m#wand"),
        (ANY, "urn:v:terms", "urn:v:terms"),
    ],
)
def test_a_name_means_one(filled: GraphStore, kind: object, name: str, iri: str) -> None:
    assert resolve(filled, kind, name) == iri


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (DEVICE, "Big press", "2 devices go by that name: urn:d:press-1, urn:d:press-2; give the"),
        (DEVICE, "big pr", "2 devices go by that name"),
        (
            ANY,
            "press-1",
            "2 devices, models or things go by that name: urn:d:press-1, urn:m:press-1",
        ),
        (DEVICE, "urn:m:press-1", "no device of that title, IRI or end of one"),
        (DEVICE, "urn:t:lamp", "no device"),
        (ANY, "urn:tinylearn:registry", "no device, model or thing"),
        (ANY, "ess-1", "no device, model or thing"),
        (ANY, "tun", "no device, model or thing"),
        (DEVICE, "Tunel ofen", "near it: Tunnel oven (urn:d:oven)"),
        (MODEL, "wnad", r"near it: Magic wand \(https://x.test/m#wand\)"),
        (ANY, "zzz", "tinylearn registry devices and models list what is there"),
        (ANY, "", "no device, model or thing"),
        (ANY, '"} DROP ALL #', "no device, model or thing"),
        (DEVICE, "(" * 100_000, "no device"),
    ],
)
def test_a_name_means_none_or_several(
    filled: GraphStore, kind: object, name: str, said: str
) -> None:
    with pytest.raises(BadInputError, match=said.replace("(urn:d:oven)", r"\(urn:d:oven\)")):
        resolve(filled, kind, name)


def test_what_cannot_be_undone_is_not_guessed(filled: GraphStore) -> None:
    for name in ("Tunnel oven", "oven", "urn:d:oven"):
        assert resolve(filled, ANY, name, certain=True) == "urn:d:oven"
    for name in ("tunnel oven", "Tunnel", "Big press (press-2)"):
        with pytest.raises(BadInputError, match="no device, model or thing"):
            resolve(filled, ANY, name, certain=True)


def test_all_verbs_understand_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "registry")
    with_things = open_store(Path(place))
    fill(with_things)
    with_things.close()

    def said(*words: str) -> tuple[int, str]:
        code = main(["registry", "--store", place, *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    assert "urn:t:lamp" in said("show", "lamp")[1]
    assert said("delete", "Tunnel oven", "nothing")[0] == 2
    code, told = said("delete", "Tunnel oven", "oven", "lamp", "--json")
    assert code == 0 and json.loads(told) == {"deleted": ["urn:d:oven", "urn:t:lamp"]}
    assert said("show", "oven")[0] == 2


def test_the_nearest_come_first_and_are_few() -> None:
    many = [Named(f"urn:d:{n:04}", f"press {n}") for n in range(1000)]
    assert nearest("press 77x", many)[0].title == "press 77"
    assert nearest("PRESS 7", many)[0] == many[7] and len(nearest("press", many)) == 50
    assert nearest("", many) == nearest("oven", many) == []
