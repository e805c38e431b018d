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
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from fleet_cli import done, fails, fleet
from mosquitto import free_port
from support import fleet_project
from waiting import until

from tinylearn.device import blob

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc, a C compiler")
ROUNDS = 6
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


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a project, two streams, and room for logs."""
    fleet_project.write(tmp_path / "project")
    for name in ("d1", "d2"):
        x, y = fleet_project.source(name, 1, 1, 64)
        np.savez(tmp_path / f"{name}.npz", x=x, y=y)
    (tmp_path / "logs").mkdir()
    return tmp_path


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    """Whatever happens, none of them outlives the test."""
    with ExitStack() as stack:
        yield stack


def test_a_fleet_from_its_first_to_its_last_day(place: Path, processes: ExitStack) -> None:
    store = ["--store", place / "fleet.db"]
    port, metrics = free_port(), free_port()

    def start(*words: object) -> Process:
        process = Process(place / "logs", *words)
        processes.callback(process.kill)
        return process

    broker = ["--broker-dir", place / "broker", "--port", port]
    server = start(
        "serve", "--model", place / "project", *store, *broker, "--strategy", "reptile",
        "--set", "devices=2", "--set", "samples=8", "--rounds", ROUNDS, "--least-devices", 2,
        "--run-dir", place / "run", "--metrics-port", metrics,
    )  # fmt: skip
    until(lambda: server.says(f"mqtts://127.0.0.1:{port}, a broker in this process"), 60)
    fleet("pause", *store)
    files = fleet("enroll", "d1", "d2", "--broker-dir", place / "broker", "--json").json
    gateways = [
        start("gateway", "--device", f"twin:{place / 'project'}", "--credentials", files[name],
              "--stream", place / f"{name}.npz")
        for name in files
    ]  # fmt: skip

    def status() -> dict:
        return fleet("status", *store, "--json").json

    until(lambda: status()["devices"]["online"] == 2, 60)
    assert status()["last_round"] == 0, "paused"
    fails(1, "serve", "--model", place / "project", *store, "--broker", "mqtt://localhost",
          match="another coordinator has shard 0")  # fmt: skip
    fleet("resume", *store)
    until(lambda: status()["version"] == 1 + ROUNDS, 60)
    until(lambda: scraped(metrics) == METRICS)

    fleet("rollout", 7, "--stages", "0.5,1", *store)
    until(lambda: all(d["deployed"] == 7 for d in fleet("devices", *store, "--json").json), 60)
    fleet("export", *store, "-o", place / "w.blob")
    ran = done("run", place / "project", "--stream", place / "d1.npz", "--weights-in",
               place / "w.blob", "--json")  # fmt: skip
    assert ran.json["learned"] == 64

    ended = server.terminated()
    assert (ended["last_round"], ended["version"], ended["resumed"]) == (ROUNDS, 7, False)
    assert ended["counters"]["updates accepted"] == 2 * ROUNDS
    check_logs(server, place)
    check_run_directory(place / "run", ended["run"])

    # what it left behind is enough to go on, and to have it all again
    resumed = start("serve", "--model", place / "project", *store, *broker, "--until-done")
    assert resumed.result()["resumed"] is True
    again = start("serve", "--from", place / "run", "--store", place / "again.db", *broker,
                  "--until-done")  # fmt: skip
    assert again.result()["version"] == 7
    fleet("export", "--store", place / "again.db", "-o", place / "again.blob")
    assert (place / "again.blob").read_bytes() == (place / "w.blob").read_bytes()
    assert blob.unpack((place / "w.blob").read_bytes(), "w.blob").hash
    passed = [gateway.terminated(signal.SIGINT) for gateway in gateways]
    assert [p["device"] for p in passed] == ["d1", "d2"]


def scraped(port: int) -> dict[str, float]:
    """The values of METRICS that the coordinator tells now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    rows = re.findall(r"^([^#\s]\S*) (\S+)$", text, re.M)
    return {name: float(value) for name, value in rows if name in METRICS}


def check_logs(server: Process, place: Path) -> None:
    """Who came, what was decided; never a secret."""
    entries = server.logged()
    keys = {"time", "level", "run", "round", "device", "what", "detail"}
    assert all(set(entry) == keys for entry in entries)
    assert {e["device"] for e in entries if e["what"] == "online"} == {"d1", "d2"}
    assert [e["round"] for e in entries if e["what"] == "closed"] == list(range(1, ROUNDS + 1))
    assert not [e for e in entries if e["level"] not in ("info", "warning")]
    told = json.dumps(entries)
    for file in (place / "broker" / "credentials").glob("*.json"):
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
