"""A coordinator's registry: a folder that it writes to, or a directory by HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pyoxigraph import NamedNode
from support.fleet_world import HASH

from tinylearn.errors import BadInputError, DeviceError, UsageError
from tinylearn.fleet.messages import Capability
from tinylearn.fleet.records import Device
from tinylearn.fleet.registries import DirectoryRegistry, FolderRegistry, names_in, open_registry
from tinylearn.fleet.thing import FleetDevice, thing_of
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.store.open import open_store

DEVICE = Device("press-7", HASH, Capability.LEARN, 4096, 18_000, 400, 3, True, 12, ("hall",))
THING = thing_of(FleetDevice(DEVICE), "works", 7)
SELECT = """PREFIX tl: <urn:tinylearn:ns:>
SELECT ?name WHERE { ?device tl:fleetName ?name ; tl:online true ; tl:tag "hall" }"""


def test_devices_in_a_folder_are_things_and_found_by_a_query(tmp_path: Path) -> None:
    registry = FolderRegistry(str(tmp_path / "registry"))
    away = replace(DEVICE, name="press-8", online=False)
    registry.put([THING, thing_of(FleetDevice(away), "works", 7)])
    assert registry.names(SELECT) == {"press-7"}
    registry.put([thing_of(FleetDevice(replace(away, online=True)), "works", 7)])
    assert registry.names(SELECT) == {"press-7", "press-8"}
    registry.close()
    store = open_store(tmp_path / "registry")
    stored = Catalog(store).thing(NamedNode("urn:tinylearn:fleet:works:press-7"))
    assert stored is not None and stored.content == THING
    store.close()


def test_hardware_and_fleet_join_by_name(tmp_path: Path) -> None:
    registry = FolderRegistry(str(tmp_path / "registry"))
    hardware = {**THING, "id": "urn:dev:press", "tl:ramBytes": 262_144}
    for key in [key for key in hardware if key.startswith("tl:")]:
        if key not in ("tl:fleetName", "tl:ramBytes"):
            del hardware[key]
    hardware.pop("@type")
    registry.put([THING, hardware])
    query = """PREFIX tl: <urn:tinylearn:ns:> SELECT ?name WHERE {
      ?board tl:fleetName ?name ; tl:ramBytes ?ram . ?device tl:fleetName ?name ; tl:online true
      FILTER (?ram >= 200000) }"""
    assert registry.names(query) == {"press-7"}
    registry.close()


@pytest.mark.parametrize(
    "query", ["SELECT ?device { ?device ?p ?o }", "ASK {}", "SELECT", "DROP ALL"]
)
def test_a_query_that_selects_no_names_is_refused(query: str, tmp_path: Path) -> None:
    registry = FolderRegistry(str(tmp_path / "registry"))
    with pytest.raises(UsageError):
        registry.names(query)
    registry.close()


@pytest.mark.parametrize(
    "results", [b"", b"[]", b'{"head": {}}', b'{"head": {"vars": 3}}', b"\xff"]
)
def test_an_answer_that_is_no_table_is_refused(results: bytes) -> None:
    with pytest.raises(BadInputError):
        names_in(results)


class Handler(BaseHTTPRequestHandler):
    """A directory that answers as it is told, and remembers what it was asked."""

    asked: list[tuple[str, str, str | None, bytes]]
    status, body = 204, b""

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, self.headers.get("Authorization"), content))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_PUT = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def directory() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Told", (Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


def test_a_directory_is_told_by_put_with_the_token(directory, tmp_path: Path) -> None:
    url, handler = directory
    (tmp_path / "token").write_text("secret\n")
    registry = open_registry(url + "/", tmp_path / "token")
    registry.put([THING])
    ((method, path, authorization, content),) = handler.asked
    assert (method, path) == ("PUT", "/things/urn%3Atinylearn%3Afleet%3Aworks%3Apress-7")
    assert authorization == "Bearer secret" and json.loads(content) == THING
    registry.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host", "neither a folder nor http"),
        ("http://", "neither a folder nor http"),
        ("http://[", "makes no sense"),
        ("http://host:99999", "makes no sense"),
        ("http://me:secret@host", "no user or password in the URL"),
        ("http://host/things", "a token would cross the network in clear"),
    ],
)
def test_an_address_that_is_none_or_gives_secrets_away(url: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with pytest.raises(UsageError, match=said) as error:
        open_registry(url, tmp_path / "token")
    assert "secret" not in str(error.value)


def test_a_directory_is_asked_by_post(directory) -> None:
    url, handler = directory
    handler.status = 200
    handler.body = json.dumps({
        "head": {"vars": ["name"]},
        "results": {"bindings": [{"name": {"type": "literal", "value": "press-7"}}, {}]},
    }).encode()  # fmt: skip
    registry = DirectoryRegistry(url)
    assert registry.names(SELECT) == {"press-7"}
    assert handler.asked[0][1] == "/search/sparql" and handler.asked[0][3].decode() == SELECT
    registry.close()


def test_a_directory_that_says_no_is_quoted(directory) -> None:
    url, handler = directory
    handler.status, handler.body = 401, b'{"title": "Unauthorized", "detail": "give a token"}'
    registry = DirectoryRegistry(url)
    with pytest.raises(DeviceError, match="401 give a token"):
        registry.put([THING])
    registry.close()


def test_nobody_there() -> None:
    registry = DirectoryRegistry("http://127.0.0.1:9")
    with pytest.raises(DeviceError, match="registry http:"):
        registry.put([THING])
    registry.close()


def test_a_token_file_without_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        open_registry("http://127.0.0.1:9", tmp_path / "token")
    with pytest.raises(UsageError, match="no token"):
        open_registry("http://127.0.0.1:9", tmp_path / "none")
    with pytest.raises(UsageError, match="neither"):
        open_registry("ftp://127.0.0.1")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("jsonschema", ["registry", "--store", "r", "import", "devices.jsonld"]),
        ("jsonschema", ["fleet", "register", "--store", "f.db", "--registry", "r"]),
        ("uvicorn", ["serve", "--store", "r"]),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    missing: str, words: list[str], tmp_path: Path
) -> None:
    script = ("import sys; sys.modules[sys.argv[1]] = None\n"
              "from tinylearn.cli.main import main\nsys.exit(main(sys.argv[2:]))")  # fmt: skip
    (tmp_path / "devices.jsonld").write_text("{}")
    command = [sys.executable, "-c", script, missing, *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    end = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "Traceback" not in end.stderr
    assert f"needs {missing}: pip install 'tinylearn[registry]'" in end.stderr
    assert end.returncode == 7


def test_a_folder_needs_at_once_what_telling_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in a thread, much later."""
    monkeypatch.setitem(sys.modules, "tinylearn.registry.td.document", None)
    with pytest.raises(ModuleNotFoundError):
        FolderRegistry(str(tmp_path / "registry"))
