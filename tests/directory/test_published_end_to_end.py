"""The published descriptions, from files to answers, as a user has them: over a folder and over an
endpoint, by the command line and by HTTP."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from directory_service import served
from pyoxigraph import CanonicalizationAlgorithm, Dataset, parse
from support import shared
from support.sparql_server import SparqlServer

#: fits of the devices that the authors began with, all sensors of a model required
FITS = {"Arduino-Nano-BLE-33-Tinyml-Kit_1": 21, "Arduino-Nano-BLE-33_1": 19,
        "Syntiant-TinyML-Board_1": 16, "adafruit_tflite_micro_kit_1": 12, "SSI-Web_1": 8,
        "Adafruit-Pybadge_1": 2}  # fmt: skip
ROWS = [(1, 2), (2, 2), (3, 4)]


def tinylearn(where: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tinylearn", "registry", "--store", where, *map(str, arguments)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["folder", "endpoint"])
def where(request, tmp_path_factory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("published") / "store"
    server = SparqlServer(folder=place) if request.param == "endpoint" else None
    found = str(place) if server is None else server.url
    tinylearn(found, "import", shared.folder("rdf") / "seloc-ml")
    yield found
    if server is not None:
        server.stop()


def published(number: int):
    return shared.folder("rdf") / "seloc-ml" / "queries" / f"query_{number}.rq"


@pytest.mark.parametrize(("number", "count"), ROWS)
def test_the_authors_queries_by_the_command_line(where, number, count):
    answer = tinylearn(where, "query", published(number), "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(answer)))) == count


def test_the_authors_queries_by_http(where):
    with served(where) as found, httpx.Client(base_url=found.url, timeout=20) as client:
        for number, count in ROWS:
            text = published(number).read_bytes()
            answer = client.post("/search/sparql", content=text,
                                 headers={"Content-Type": "application/sparql-query"})  # fmt: skip
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["results"]["bindings"]) == count
        assert len(client.get("/things").json()) == 9


def test_78_of_138_pairs_fit(where):
    found = json.loads(tinylearn(where, "match", "--json"))
    labels = [device["label"] for device in found["devices"]]
    fitting = dict(zip(labels, map(sum, found["fits"]), strict=True))
    assert {label: fitting[label] for label in FITS} == FITS
    assert len(found["models"]) == 23 and sum(FITS.values()) == 78


@pytest.mark.parametrize("end", [".nq", ".trig"])
def test_a_whole_registry_goes_elsewhere(where, tmp_path, end):
    files = [tmp_path / f"{name}{end}" for name in ("one", "two")]
    tinylearn(where, "export", "-o", files[0])
    tinylearn(str(tmp_path / "other"), "import", files[0])
    tinylearn(str(tmp_path / "other"), "export", "-o", files[1])
    datasets = [Dataset(parse(path=str(file))) for file in files]
    for dataset in datasets:
        dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    assert datasets[0] == datasets[1] and len(datasets[0]) > 3000
    before, after = (tinylearn(at, "match", "--json") for at in (where, str(tmp_path / "other")))
    assert json.loads(before) == json.loads(after)
