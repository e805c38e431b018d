"""What the page asks the service: lists, details, matches, queries, projects; and the page's own files."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from directory_service import Service, created, put, served, td, visited
from page_registry import (
    ACCELEROMETER,
    EVIL_MODEL,
    EVIL_THING,
    FLEET,
    MARKUP,
    NANO,
    SENSE,
    UNO,
    fill,
    fleet_device,
)
from pyoxigraph import Literal, NamedNode, Triple
from support.waiting import until

from tinylearn.directory.api.roll import Roll
from tinylearn.directory.settings import Settings
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.models.facts import Model
from tinylearn.registry.projects.make import Wanted, project
from tinylearn.registry.query import named
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.vocabulary import SMART_SENSOR, TD, TYPE, tl
from tinylearn.targets import all_targets

TOLD = {"Authorization": "Bearer one-token"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("page")
    with served(folder / "store") as service:
        yield service, fill(service.store, folder)


@pytest.fixture
def models(filled: tuple[Service, dict[str, str]]) -> dict[str, str]:
    return filled[1]


@pytest.fixture
def service(filled: tuple[Service, dict[str, str]]) -> Service:
    return filled[0]


def get(client: httpx.Client, name: str, **parameters: Any) -> Any:
    answer = client.get(f"/api/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def refused(client: httpx.Client, name: str, **parameters: Any) -> tuple[int, str]:
    answer = client.get(f"/api/{name}", params=parameters)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def test_devices_are_listed_by_title_and_found_by_words(client):
    found = get(client, "devices")
    titles = [one["title"] for one in found["items"]]
    assert found["total"] == len(all_targets()) + 1 and titles == sorted(titles, key=str.casefold)
    nano = next(one for one in found["items"] if one["iri"] == NANO)
    assert nano["hardware"]["ramBytes"] == 262_144 and nano["hardware"]["fpu"] is True
    assert {s["name"] for s in nano["hardware"]["sensors"]} >= {"accelerometer", "gyroscope"}
    names = {one["iri"] for one in get(client, "devices", q="NANO ble")["items"]}
    assert names == {NANO, SENSE}
    assert get(client, "devices", q="no such thing") == {
        "total": 0, "offset": 0, "limit": 50, "items": [],
    }  # fmt: skip


def test_lists_come_in_pages(client):
    all_of_them = [one["iri"] for one in get(client, "devices")["items"]]
    pages = [get(client, "devices", offset=at, limit=5)["items"] for at in range(0, 25, 5)]
    assert [one["iri"] for page in pages for one in page] == all_of_them
    assert len(get(client, "devices", limit=10**8)["items"]) == len(all_of_them)
    for wrong in ("-1", "x", "1.5", "٣", "9" * 99):
        assert refused(client, "devices", offset=wrong)[0] == 400


def test_devices_with_a_sensor(client):
    found = get(client, "devices", sensor=ACCELEROMETER)["items"]
    assert {one["iri"] for one in found} == {NANO, SENSE}
    sensors = {one["iri"]: one["devices"] for one in get(client, "sensors")["sensors"]}
    assert sensors[ACCELEROMETER] == 2
    assert refused(client, "devices", sensor="> } DROP")[0] == 400


def test_what_a_fleet_says(client):
    (one,) = get(client, "devices", q="press-7")["items"]
    (said,) = one["fleet"]
    assert one["kinds"] == ["fleet", "thing"] and one["hardware"] is None
    assert (said["online"], said["modelVersion"], said["lastRound"], said["lastLoss"]) == (
        True, 31, 40, 0.25,
    )  # fmt: skip
    hardware = td("urn:test:press", title="the press itself", **{
        "@context": ["https://www.w3.org/2022/wot/td/v1.1", {"tl": "urn:tinylearn:ns:"}],
        "tl:fleetName": "press-7"})  # fmt: skip
    assert put(client, hardware).status_code == 201
    assert get(client, "device", iri="urn:test:press")["fleet"][0]["iri"] == FLEET
    assert put(client, fleet_device(**{"tl:online": False})).status_code == 204
    assert get(client, "device", iri=FLEET)["fleet"][0]["online"] is False


def test_changes_are_seen_at_once(client, service):
    before = get(client, "overview")["things"]
    thing = created(client, title="Newly come")
    assert get(client, "things", q="newly come")["total"] == 1
    assert get(client, "overview")["things"] == before + 1
    assert put(client, {**thing, "title": "Renamed"}).status_code == 204
    assert get(client, "things", q="newly come")["total"] == 0
    assert get(client, "things", q="renamed")["items"][0]["iri"] == thing["id"]
    client.delete(f"/things/{thing['id']}")
    assert get(client, "things", q="renamed")["total"] == 0


def test_what_others_write_to_the_store_is_seen(client, service):
    assert get(client, "models", q="brought in")["total"] == 0
    Catalog(service.store).put_model(Model("urn:test:brought", "Brought in"), ())
    assert get(client, "models", q="brought in")["total"] == 1
    Catalog(service.store).delete("urn:test:brought")
    assert get(client, "models", q="brought in")["total"] == 0


def test_all_of_a_device(client):
    found = get(client, "device", iri=SENSE)
    assert found["document"] == f"/things/{SENSE}" and found["hardware"]["core"] == "Cortex-M4F"
    assert client.get(found["document"]).json()["id"] == SENSE
    assert ["IRI", SENSE] in found["facts"]
    assert refused(client, "device", iri="urn:not:there")[0] == 404
    assert refused(client, "device")[0] == 400
    assert get(client, "device", iri=EVIL_THING)["title"] == MARKUP


def test_all_of_a_model(client, models):
    listed = {one["iri"]: one for one in get(client, "models")["items"]}
    assert set(listed) == {*models.values(), EVIL_MODEL}
    found = get(client, "model", iri=models["motion"])
    assert [layer["type"] for layer in found["layers"]] == [
        "FullyConnected", "FullyConnected", "Softmax",
    ]  # fmt: skip
    assert sum(layer["macs"] or 0 for layer in found["layers"]) >= 12 * 6 + 6 * 3
    assert found["accuracy"] == 0.9 and found["metrics"][0]["value"] == 0.9
    assert found["inference"]["ramBytes"] < found["learning"]["ramBytes"]
    assert len(found["needsOfTargets"]) == 2 * len(all_targets())
    assert listed[models["motion"]]["learning"] == found["learning"]
    assert refused(client, "model", iri=NANO)[0] == 404


def test_the_matrix_says_why(client, models):
    found = get(client, "match", deviceWords="nano", modelWords="o")
    titles = [model["title"] for model in found["models"]["items"]]
    rows = {row["iri"]: dict(zip(titles, row["cells"], strict=True))
            for row in found["devices"]["items"]}  # fmt: skip
    assert rows[NANO]["motion"] == {"fits": True} == rows[SENSE]["words"]
    assert rows[NANO]["words"] == {"fits": False, "reasons": ["no microphone"], "kinds": ["sensor"]}
    assert [row["fitting"] for row in found["devices"]["items"]] == [1, 2]
    (uno,) = get(client, "match", deviceWords="atmega", mode="learning")["devices"]["items"]
    reasons = [" ".join(cell["reasons"]) for cell in uno["cells"]]
    assert "learning" in reasons[0] and all("no " in text for text in reasons[1:])


def test_a_part_of_the_matrix(client):
    whole = get(client, "match", devices=100, models=100)
    part = get(client, "match", devices=3, models=1, deviceOffset=4, modelOffset=1)
    rows = whole["devices"]["items"][4:7]
    assert [(one["iri"], one["cells"]) for one in part["devices"]["items"]] == [
        (one["iri"], one["cells"][1:2]) for one in rows
    ]
    assert part["devices"]["total"] == len(whole["devices"]["items"])
    large = get(client, "match", devices=10**6, models=10**6)
    assert large["devices"]["limit"] * large["models"]["limit"] <= 5000


def test_rankings_and_pairs(client, models):
    found = get(client, "match", device=SENSE)
    assert (found["total"], found["fitting"]) == (3, 2)
    assert [one["modelTitle"] for one in found["items"]] == ["motion", "words", MARKUP]
    best = get(client, "match", model=models["motion"], by="ram", limit=1)["items"][0]
    pair = get(client, "match", model=models["motion"], device=best["device"])
    assert pair == best and pair["fits"] and pair["ramLeft"] > 0
    assert "flash short by" in get(client, "match", model=EVIL_MODEL, device=UNO)["reasons"][0]
    assert refused(client, "match", device="urn:not:there")[0] == 404
    assert refused(client, "match", device=models["motion"])[0] == 404
    status, text = refused(client, "match", mode="sleeping")
    assert status == 400 and "inference, learning" in text


def ask(client: httpx.Client, **said: Any) -> httpx.Response:
    return client.post("/api/query", json=said)


def test_queries_by_name(client, models):
    listed = {one["name"]: one for one in get(client, "queries")["queries"]}
    assert set(listed) == set(named.names())
    parameters = {one["name"]: one for one in listed["models-for-device"]["parameters"]}
    assert parameters["mode"]["default"] == "inference"
    answer = ask(client, name="models-for-device", values={"device": NANO, "mode": ""})
    rows = answer.json()["results"]["bindings"]
    assert [row["model"]["value"] for row in rows] == [models["motion"]]
    answer = ask(client, name="model", values={"model": EVIL_MODEL})
    assert answer.headers["content-type"].startswith("application/n-triples")
    changed = ask(client, name="sensors", query="SELECT (1 AS ?one) {}").json()
    assert changed["results"]["bindings"][0]["one"]["value"] == "1"


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        ({"query": "SELECT nonsense"}, 400, "line 1"),
        ({"query": "DELETE WHERE { ?s ?p ?o }"}, 400, "only reads"),
        ({"query": "SELECT * { SERVICE <http://x.example/> { ?s ?p ?o } }"}, 400, "SERVICE"),
        ({"query": "ASK {}" + " " * 70_000}, 413, ""),
        ({"query": 1}, 400, "give a query"),
        ({}, 400, "give a query"),
        ({"name": "nothing"}, 400, "no query 'nothing'"),
        ({"name": "model", "values": {}}, 400, "is missing"),
        ({"name": "model", "values": {"model": "x> } #"}}, 400, "is not an IRI"),
        ({"name": "model", "values": {"model": 3}}, 400, "text"),
        ({"name": "model", "values": []}, 400, "object"),
        ({"name": "model", "values": {"other": "urn:x:y"}}, 400, "no parameter"),
    ],
)
def test_questions_that_are_none(client, said, status, detail):
    answer = ask(client, **said)
    assert answer.status_code == status and detail in answer.json()["detail"]


def test_a_question_is_json(client):
    for body in (b"", b"{", b"[]", b'{"query": "ASK {}", "query": "ASK {}"}', b"[" * 100_000):
        answer = client.post(
            "/api/query", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, body[:20]
    assert client.post("/api/query", content=b"ASK {}").status_code == 415
    assert client.get("/api/query").status_code == 405


def test_mended_namespaces_are_told(client):
    old = "http://tinyml-schema.org/networkschema#NeuralNetwork"
    answer = ask(client, query=f"SELECT ?m {{ ?m a <{old}> }}")
    assert len(answer.json()["results"]["bindings"]) == 3
    assert "deprecated" in answer.headers["tinylearn-notes"]


def test_a_project_is_what_generate_writes(client, service, models):
    asked = {"model": models["motion"], "device": NANO}
    answer = client.get("/api/project", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="motion.zip"'
    wanted = project(service.store, models["motion"], NANO, Wanted())
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {f"motion/{name}": content for name, content in wanted.files.items()}
    assert client.get("/api/project", params=asked).content == answer.content
    more = {"format": "platformio", "mode": "learning"}
    learning = client.get("/api/project", params={**asked, **more})
    names = zipfile.ZipFile(io.BytesIO(learning.content)).namelist()
    assert "motion/platformio.ini" in names


def test_no_project_of_what_does_not_fit(client, models):
    status, text = refused(client, "project", model=models["words"], device=NANO)
    assert status == 422 and "no microphone" in text
    assert refused(client, "project", model=EVIL_MODEL, device=SENSE)[0] == 422
    status, text = refused(client, "project", model=models["motion"], device=NANO, format="zip")
    assert status == 501 and "makefile" in text
    assert refused(client, "project", model=models["motion"], device=FLEET)[0] == 422
    assert refused(client, "project", model=models["motion"])[0] == 400
    assert refused(client, "project", model="../../etc", device=NANO)[0] == 400


def test_the_page_is_guarded(client):
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "onclick" not in answer.text and "<style" not in answer.text
    again = client.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/page/main.js").headers["content-type"] == "text/javascript; charset=utf-8"
    for path in ("/page/", "/page/../auth.py", "/page/%2e%2e/auth.py", "/page//etc/passwd"):
        assert client.get(path).status_code == 404
    assert client.post("/").status_code == 405


def test_no_markup_is_made_of_texts() -> None:
    folder = Path(__file__).resolve().parents[2] / "tinylearn" / "directory" / "page"
    for path in folder.rglob("*.js"):
        text = path.read_text()
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
        ):
            assert word not in text, f"{path.name}: {word}"


def test_reading_needs_the_token_where_it_does(tmp_path):
    settings = Settings(tokens=("one-token",), read="token")
    with visited(tmp_path / "s", settings) as (_, client):
        assert client.get("/").status_code == client.get("/page/theme.css").status_code == 200
        for name in ("overview", "devices", "match", "queries", "choices", "project"):
            assert client.get(f"/api/{name}").status_code == 401, name
        assert ask(client, query="ASK {}").status_code == 401
        assert client.get("/api/overview", headers=TOLD).json()["devices"] == 0
        assert client.post("/api/query", json={"query": "ASK {}"}, headers=TOLD).json()["boolean"]


def test_long_texts_are_cut(tmp_path):
    long = "x" * 200_000
    iri, sensors = NamedNode("urn:test:long"), [NamedNode(f"urn:s:{n}") for n in range(500)]
    facts = [(TYPE, SMART_SENSOR), (NamedNode(TD + "title"), Literal(long)),
             (tl("core"), Literal(long)), (tl("fleetName"), Literal(long)),
             (NamedNode(TD + "description"), Literal(long)),
             *((tl("sensor"), sensor) for sensor in sensors)]  # fmt: skip
    with visited(tmp_path / "s") as (service, client):
        Catalog(service.store).put_triples(iri, [Triple(iri, *fact) for fact in facts])
        (one,) = get(client, "devices")["items"]
        assert len(one["title"]) == 200 and one["title"].endswith("x…")
        assert len(client.get("/api/devices").content) < 10_000
        assert len(client.get("/api/device", params={"iri": iri.value}).content) < 50_000
        assert get(client, "devices", q="y" * 10**4)["total"] == 0


def test_an_empty_registry(fresh):
    for name in ("devices", "things", "models"):
        assert get(fresh, name)["items"] == []
    assert get(fresh, "match")["devices"]["items"] == []
    assert get(fresh, "sensors") == {"sensors": []}


# ---- before anybody asks ----


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[int], threading.Event]]:
    """One entry for each reading of everything, which goes on when the event is set."""
    begun, go_on, load = list[int](), threading.Event(), Roll.load

    def waiting(store: Any) -> Roll:
        begun.append(1)
        assert go_on.wait(20)
        return load(store)

    monkeypatch.setattr(Roll, "load", waiting)
    yield begun, go_on
    go_on.set()


def test_everything_is_read_before_the_first_visitor(tmp_path, reading):
    begun, go_on = reading
    go_on.set()
    with visited(tmp_path / "store") as (_, client):
        until(lambda: begun)
        created(client, title="a press")
        assert get(client, "overview")["things"] == 1
        assert [one["title"] for one in get(client, "things")["items"]] == ["a press"]
    assert len(begun) == 1


def test_nobody_else_waits_while_everything_is_read(tmp_path, reading):
    begun, go_on = reading
    with visited(tmp_path / "store") as (_, client):
        until(lambda: begun)
        thing = created(client)
        assert client.get(f"/things/{thing['id']}").status_code == 200
        go_on.set()
        assert get(client, "overview")["things"] == 1


def test_where_it_cannot_be_read_whoever_asks_is_told(tmp_path, monkeypatch, caplog):
    def fail(_store: Any) -> Roll:
        raise StoreError("a disk that is damaged")

    monkeypatch.setattr(Roll, "load", fail)
    with visited(tmp_path / "store") as (_, client):
        until(lambda: "a disk that is damaged" in caplog.text)
        assert created(client)
        assert client.get("/api/overview").status_code >= 500
        monkeypatch.undo()
        assert get(client, "overview")["things"] == 1
