"""A fleet as one would try it: a coordinator, two devices, everything that an operator does."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fleet_cli import done, fails, fleet
from support import fleet_project
from support.ports import free_port
from support.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc, a C compiler")
ROUNDS = 6
DEVICES = ("d1", "d2")
METRICS = {
    'tinylearn_fleet_updates_total{verdict="accepted"}': 12, 'tinylearn_fleet_malformed_total': 0,
    'tinylearn_fleet_rounds_total{result="closed"}': ROUNDS, 'tinylearn_fleet_head_version': 7,
    'tinylearn_fleet_devices{state="online"}': 2, "tinylearn_fleet_round_seconds_count": ROUNDS,
    "tinylearn_fleet_open_rounds": 0, "tinylearn_fleet_paused": 0,
}  # fmt: skip


class Process:
    """A ``tinylearn fleet`` that serves until it is told to end."""

    def __init__(self, folder: Path, *words: object) -> None:
        self._log = folder / f"{words[0]}-{len(list(folder.iterdir()))}.log"
        command = [sys.executable, "-m", "tinylearn", "fleet", *map(str, words), "--json"]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )  # fmt: skip

    def logged(self) -> list[dict]:
        """Every whole line; all of them are JSON."""
        return [json.loads(line) for line in self._log.read_text().splitlines(keepends=True)
                if line.endswith("\n")]  # fmt: skip

    def says(self, what: str) -> bool:
        assert self._process.poll() in (None, 0), self._log.read_text()
        return any(what in entry["detail"] for entry in self.logged())

    def result(self) -> dict:
        """Waits for its end, which must be a good one; what it printed."""
        out, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, self._log.read_text()
        return json.loads(out)

    def terminated(self, number: signal.Signals = signal.SIGTERM) -> dict:
        self._process.send_signal(number)
        return self.result()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


class Lab:
    """A folder with a project, two streams, a store, a broker's folder, and what runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project, self.broker = folder, folder / "project", folder / "broker"
        self.store = ["--store", folder / "fleet.db"]
        self.model = ["--model", self.project]
        self.embedded = ["--broker-dir", self.broker, "--port", free_port()]
        self._running: list[Process] = []
        fleet_project.write(self.project)
        (folder / "logs").mkdir()
        for name in DEVICES:
            x, y = fleet_project.source(name, 1, 1, 64)
            np.savez(folder / f"{name}.npz", x=x, y=y)

    def start(self, *words: object) -> Process:
        self._running.append(Process(self.folder / "logs", *words))
        return self._running[-1]

    def gateways(self) -> list[Process]:
        """One for each device."""
        files = fleet("enroll", *DEVICES, "--broker-dir", self.broker, "--json").json
        device = ["gateway", "--device", f"twin:{self.project}"]
        return [
            self.start(*device, "--credentials", file, "--stream", self.folder / f"{name}.npz")
            for name, file in files.items()
        ]

    def status(self) -> dict:
        return fleet("status", *self.store, "--json").json

    def deployed(self) -> set[int]:
        return {row["deployed"] for row in fleet("devices", *self.store, "--json").json}

    def close(self) -> None:
        for process in self._running:
            process.kill()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Whatever happens, nothing that runs there outlives the test."""
    made = Lab(tmp_path)
    yield made
    made.close()


def test_a_fleet_from_its_first_to_its_last_day(lab: Lab) -> None:
    port = free_port()
    server = lab.start(
        "serve", *lab.model, *lab.store, *lab.embedded, "--strategy", "reptile", "--set",
        "devices=2", "--set", "samples=8", "--rounds", ROUNDS, "--least-devices", 2, "--run-dir",
        lab.folder / "run", "--metrics-port", port,
    )  # fmt: skip
    until(lambda: server.says("a broker in this process"), 60)
    gateways = paused_and_resumed(lab)
    until(lambda: lab.status()["version"] == 1 + ROUNDS, 60)
    until(lambda: scraped(port) == METRICS)
    fleet("rollout", 7, "--stages", "0.5,1", *lab.store)
    until(lambda: lab.deployed() == {7}, 60)
    check_export(lab)
    ended = server.terminated()
    assert (ended["last_round"], ended["version"], ended["resumed"]) == (ROUNDS, 7, False)
    assert ended["counters"]["updates accepted"] == 2 * ROUNDS
    check_logs(server, lab)
    check_run_directory(lab.folder / "run", ended["run"])
    check_what_it_left_behind(lab)
    assert [g.terminated(signal.SIGINT)["device"] for g in gateways] == list(DEVICES)


def paused_and_resumed(lab: Lab) -> list[Process]:
    """The devices come while the run is paused, and no round is opened before it goes on."""
    fleet("pause", *lab.store)
    gateways = lab.gateways()
    until(lambda: lab.status()["devices"]["online"] == 2, 60)
    assert lab.status()["last_round"] == 0
    second = ["serve", *lab.model, *lab.store, "--broker", "mqtt://localhost"]
    fails(1, *second, match="another coordinator has shard 0")
    fleet("resume", *lab.store)
    return gateways


def check_export(lab: Lab) -> None:
    """What is exported is what a device starts from."""
    out = lab.folder / "w.blob"
    fleet("export", *lab.store, "-o", out)
    data = ["--stream", lab.folder / "d1.npz", "--weights-in", out]
    assert done("run", lab.project, *data, "--json").json["learned"] == 64


def check_what_it_left_behind(lab: Lab) -> None:
    """Enough to go on, and to have it all again, byte for byte."""
    resumed = lab.start("serve", *lab.model, *lab.store, *lab.embedded, "--until-done")
    assert resumed.result()["resumed"] is True
    store = ["--store", lab.folder / "again.db"]
    again = lab.start("serve", "--from", lab.folder / "run", *store, *lab.embedded, "--until-done")
    assert again.result()["version"] == 7
    fleet("export", *store, "-o", lab.folder / "again.blob")
    assert (lab.folder / "again.blob").read_bytes() == (lab.folder / "w.blob").read_bytes()


def scraped(port: int) -> dict[str, float]:
    """The values of METRICS that the coordinator tells now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    rows = re.findall(r"^([^#\s]\S*) (\S+)$", text, re.M)
    return {name: float(value) for name, value in rows if name in METRICS}


def check_logs(server: Process, lab: Lab) -> None:
    """Who came, what was decided; never a secret."""
    entries = server.logged()
    keys = {"time", "level", "run", "round", "device", "what", "detail"}
    assert all(set(entry) == keys for entry in entries)
    assert {e["device"] for e in entries if e["what"] == "online"} == set(DEVICES)
    assert [e["round"] for e in entries if e["what"] == "closed"] == list(range(1, ROUNDS + 1))
    assert not [e for e in entries if e["level"] not in ("info", "warning")]
    told = json.dumps(entries)
    for file in (lab.broker / "credentials").glob("*.json"):
        assert json.loads(file.read_text())["password"] not in told


def check_run_directory(folder: Path, run: int) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert (config["run"], config["strategy"], config["seed"]) == (run, "reptile", 0)
    assert config["parameters"]["rounds"] == ROUNDS == config["config"]["rounds"]
    with (folder / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["round"]) for row in rows] == list(range(1, ROUNDS + 1))
    assert [int(row["version"]) for row in rows] == list(range(2, ROUNDS + 2))
    for row in rows:
        assert int(row["reports"]) == 2 and float(row["mean_loss"]) > 0
        assert int(row["bytes_up"]) > 0 and int(row["bytes_down"]) > 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert {"request", "online", "closed", "rollout"} <= {event["what"] for event in events}
    assert all(event["run"] == run for event in events)


SELECT = """PREFIX tl: <urn:tinylearn:ns:>
SELECT ?name WHERE { ?board tl:fleetName ?name ; tl:ramBytes ?ram FILTER (?ram >= 65536) }"""
LINEAGE = """PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX tl: <urn:tinylearn:ns:>
SELECT ?number WHERE { ?version prov:wasDerivedFrom+ ?model ; tl:version ?number .
  ?model a <https://w3id.org/tinyml-schema/neural-network-schema#NeuralNetwork> } ORDER BY ?number"""


def board(name: str, ram: int) -> dict:
    """Hardware, as an operator describes it."""
    return {
        "@context": ["https://www.w3.org/2022/wot/td/v1.1", {"tl": "urn:tinylearn:ns:"}],
        "id": f"urn:board:{name}", "title": name, "tl:fleetName": name, "tl:ramBytes": ram,
        "securityDefinitions": {"nosec": {"scheme": "nosec"}}, "security": "nosec",
    }  # fmt: skip


def registry(folder: Path, *words: object) -> Any:
    """The JSON of a ``tinylearn registry``."""
    command = [sys.executable, "-m", "tinylearn", "registry", "--store", str(folder)]
    ended = subprocess.run([*command, *map(str, words), "--json"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return json.loads(ended.stdout)


def test_a_registry_says_who_may_learn_and_is_told_what_came_of_it(lab: Lab) -> None:
    folder, query = lab.folder / "registry", lab.folder / "select.rq"
    query.write_text(SELECT)
    for name, ram in zip(DEVICES, (262_144, 32_768), strict=True):
        described = lab.folder / f"{name}.jsonld"
        described.write_text(json.dumps(board(name, ram)))
        registry(folder, "import", described)
    server = lab.start(
        "serve", *lab.model, *lab.store, *lab.embedded, "--strategy", "tiny_reptile", "--set",
        "samples=8", "--rounds", 4, "--registry", folder, "--select", query,
    )  # fmt: skip
    until(lambda: server.says("a broker in this process"), 60)
    lab.gateways()
    until(lambda: lab.status()["version"] == 5, 60)
    until(lambda: len(fleet("devices", *lab.store, "--json").json) == 2, 60)
    server.terminated()
    known = {r["name"]: r for r in rows(registry(folder, "query", "fleet-status"))}
    assert set(known) == set(DEVICES)
    assert known["d1"]["lastRound"] == "4" and float(known["d1"]["lastLoss"]) > 0
    assert "lastRound" not in known["d2"]
    told = fleet("register", *lab.store, "--registry", folder, "--json").json
    assert (told["versions"], told["devices"]) == (5, 2)
    assert rows(registry(folder, "query", "fleet-status")) == list(known.values())
    numbers = [r["number"] for r in rows(registry(folder, "query", "-e", LINEAGE))]
    assert numbers == ["1", "2", "3", "4", "5"]


def rows(results: dict) -> list[dict[str, str]]:
    """SPARQL 1.1 JSON results, plainly."""
    return [{k: v["value"] for k, v in row.items()} for row in results["results"]["bindings"]]
