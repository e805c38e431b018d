"""``tinylearn fleet simulate``: in memory, and the devices alone in front of a broker."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from brokers import Broker
from fleet_cli import fails, fleet, snapshot, tinylearn
from mosquitto import FLEET
from support import fleet_project
from support.ports import free_port

from tinylearn.cli.fleet_scenario import SCENARIO
from tinylearn.errors import UsageError
from tinylearn.fleet import open_files
from tinylearn.fleet.begin import Wanted, new_run
from tinylearn.fleet.broker.credentials import enroll_many
from tinylearn.fleet.model import load_project
from tinylearn.fleet.scenario import Scenario
from tinylearn.fleet.service import Service
from tinylearn.fleet.store import open_store
from tinylearn.fleet.transports.mqtt import open_coordinator_transport


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, and samples of eight devices in one file."""
    where = tmp_path_factory.mktemp("fleet")
    fleet_project.write(where / "p")
    parts = [fleet_project.source(f"d{i}", 1, 1, 50) for i in range(8)]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    np.savez(where / "plain.npz", x=x, y=y)
    np.savez(where / "owned.npz", x=x, y=y, device=np.repeat(np.arange(8), 50))
    return where


def words(folder: Path, *more: object, data: str = "plain") -> list[object]:
    return ["simulate", "--model", folder / "p", "--data", folder / f"{data}.npz", *more]


LEARNING = ("--strategy", "fed_avg", "--set", "devices=4", "--set", "rate=0.1")
ROUGH = ("--loss", "0.2", "--duplication", "0.1", "--reordering", "0.2", "--resets", "0.02",
         "--churn", "0.5", "--away", "20", "--stragglers", "0.2", "--slowness", "5",
         "--delay", "0.05,0.2")  # fmt: skip


# ---- one run ----


def test_a_fleet_learns(folder: Path) -> None:
    found = fleet(*words(folder, *LEARNING, "--devices", 10, "--rounds", 30, "--json")).json
    assert (found["rounds"], found["rounds_void"], found["devices"]) == (30, 0, 10)
    assert found["updates"]["accepted"] == 120 and len(found["curve"]) == 30
    assert found["loss_last"] < 0.8 * found["loss_first"]
    assert found["accuracy"] > found["accuracy_before"] + 0.2
    assert found["bytes_up"] > 120 * 4 * 64 and found["messages"]["sent"] > 480


def test_a_bad_network_is_told(folder: Path) -> None:
    out = fleet(*words(folder, *LEARNING, *ROUGH, "--devices", 10, "--rounds", 10, "--liars",
                       "0.3", "--lie=-50", "--seed", 2)).out  # fmt: skip
    rows = {line.rsplit(maxsplit=1)[0].strip(): line for line in out.splitlines()}
    for row in ("messages lost", "messages duplicated", "resets", "departures", "updates refused"):
        assert row in rows, out
    assert out.splitlines()[1].split() == ["rounds", "10", "of", "10"]


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs tinylearn[plots]")
    said = []
    for run in ("a", "b"):
        place = tmp_path / run
        place.mkdir()
        said.append(fleet(*words(folder, *LEARNING, *ROUGH, "--skew", "0.5", "--devices", 9,
                                 "--rounds", 8, "--seed", 4, "--run-dir", place / "run",
                                 "--plot", place / "c.png", "--json")).out)  # fmt: skip
    assert said[0] == said[1]
    made = snapshot(tmp_path / "a")
    assert made == snapshot(tmp_path / "b")
    assert set(made) == {"c.png", "run/config.json", "run/curve.csv", "run/events.jsonl"}
    other = fleet(*words(folder, *LEARNING, *ROUGH, "--skew", "0.5", "--devices", 9, "--rounds", 8,
                         "--seed", 5, "--json")).out  # fmt: skip
    assert other != said[0]


def test_the_run_directory_is_that_of_serve(folder: Path, tmp_path: Path) -> None:
    found = fleet(*words(folder, *LEARNING, "--devices", 5, "--rounds", 4, "--run-dir",
                         tmp_path / "run", "--json")).json  # fmt: skip
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["strategy"], config["config"]["rounds"]) == ("fed_avg", 4)
    rows = list(csv.DictReader((tmp_path / "run" / "curve.csv").read_text().splitlines()))
    assert [float(row["mean_loss"]) for row in rows] == pytest.approx(found["curve"], rel=1e-6)
    assert sum(int(row["bytes_up"]) for row in rows) <= found["bytes_up"]
    again = ["--run-dir", tmp_path / "run"]
    fails(2, *words(folder, *LEARNING, "--devices", 5, *again), match="not empty")


def test_the_column_device_says_whose_samples_they_are(folder: Path) -> None:
    found = fleet(*words(folder, *LEARNING, "--rounds", 2, "--json", data="owned")).json
    assert found["devices"] == 8
    fails(2, *words(folder, *LEARNING, "--devices", 9, data="owned"), match="of 8 devices")


def test_time_that_is_up_ends_a_run(folder: Path) -> None:
    found = fleet(*words(folder, *LEARNING, "--devices", 5, "--seconds", 20, "--json")).json
    assert 0 < found["rounds"] < found["rounds_wanted"] and 20 <= found["seconds"] < 22


def test_options_tell_the_defaults_of_the_scenario() -> None:
    for name, option in SCENARIO.items():
        default = getattr(Scenario(), name)
        told = ",".join(f"{v:g}" for v in default) if name == "delay" else f"{default:g}"
        assert option.help.endswith(f"({told})"), name


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ((), "which strategy?"),
        (("--strategy", "fed_avg", "--set", "x=1"), "no parameter x"),
        (("--strategy", "fed_avg", "--devices", 3), "waits for 5 devices, there are 3"),
        ((*LEARNING, "--slowness", "0.5"), "slowness from 1"),
        ((*LEARNING, "--devices", 1000), "too few for 1000 devices"),
        ((*LEARNING, "--plot", "curve.txt"), "PNG"),
        ((*LEARNING, "--plot", "no/where.png"), "cannot be written"),
        ((*LEARNING, "--broker", "mqtts://h"), "--strategy: is not for devices in front of"),
        (("--loss", "0.1", "--broker", "mqtts://h"), "--loss: is not"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(folder: Path, more: tuple, match: str) -> None:
    fails(2, *words(folder, *more), match=match)


def test_a_strategy_that_is_not_known(folder: Path) -> None:
    fails(3, *words(folder, "--strategy", "fed_av"), match="did you mean fed_avg")


def test_options_that_are_none(folder: Path) -> None:
    for more, told in ((("--delay", "2,1"), "A up to B"), (("--lie", "x"), "not a number"),
                       (("--loss", "2"), "from 0 to 1"), (("--devices", "0"), "from 1 on")):  # fmt: skip
        result = tinylearn("fleet", *words(folder, *more))
        assert result.code == 2 and told in result.err and result.out == ""


def test_samples_that_no_device_learns_are_refused(folder: Path, tmp_path: Path) -> None:
    good = np.load(folder / "plain.npz")
    bad = {
        "nan": ({"x": np.full((40, 5), np.nan), "y": np.zeros(40)}, "NaN"),
        "label": ({"x": good["x"], "y": good["y"] + 1}, "label 4; model mlp knows 0 to 3"),
        "owner": ({"x": good["x"], "y": good["y"], "device": np.zeros(3, int)}, "one entry a sample"),
        "kind": ({"x": good["x"], "y": good["y"], "device": np.zeros(400)}, "whole numbers or names"),
        "wide": ({"x": np.zeros((40, 6)), "y": np.zeros(40)}, "6 values"),
    }  # fmt: skip
    for name, (arrays, match) in bad.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        data = ["--data", tmp_path / f"{name}.npz"]
        fails(2, "simulate", "--model", folder / "p", *LEARNING, *data, match=match)


# ---- in front of a broker ----


class Coordinator:
    """Five rounds of all devices, in a thread of its own; then a signal that ends the devices."""

    def __init__(self, folder: Path, broker: Broker, devices: int) -> None:
        self._args = folder, broker, devices
        self.counters: dict[str, int] = {}
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        folder, broker, devices = self._args
        model, _ = load_project(folder / "p")
        store = open_store(":memory:")
        wanted = Wanted("fed_avg", {"devices": devices}, {"rounds": 5, "retry": 0.2})
        begun = new_run(store, 1, model, wanted)
        transport = open_coordinator_transport(broker.url, FLEET, broker.credentials())
        self.service = Service(
            store, transport, begun.run, begun.strategy, begun.config, model.blob
        )
        self.service.serve(until_done=True)
        os.kill(os.getpid(), signal.SIGTERM)
        transport.close()
        store.close()

    def end(self) -> int:
        self.service.stop()
        self._thread.join(60)
        return self.service.counters["updates accepted"]


def test_devices_serve_the_coordinator_of_a_real_broker(folder: Path, broker: Broker) -> None:
    enroll_many(broker.folder, [f"d{i}" for i in range(12)])
    broker.reload()
    coordinator = Coordinator(folder, broker, 12)
    found = fleet(*words(folder, "--credentials-dir", broker.folder / "credentials", "--broker",
                         broker.url, "--seconds", 300, "--quiet", "--json"))  # fmt: skip
    assert coordinator.end() == 60
    assert (found.json["devices"], found.json["connected"], found.json["lost"]) == (12, 12, 0)
    assert found.json["up"] >= 12 * (1 + 5)


def test_credentials_that_are_not_there(folder: Path, tmp_path: Path) -> None:
    fails(2, *words(folder, "--credentials-dir", tmp_path), match="of 0 devices, not of any")


def test_no_broker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinylearn.fleet.crowd._CONNECT_SECONDS", 0.5)
    url = f"mqtt://127.0.0.1:{free_port()}"
    fails(6, *words(folder, "--broker", url, "--devices", 3), match="does not answer")


def test_more_connections_than_the_system_allows() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("the limit of open files is infinite here")
    with pytest.raises(UsageError, match="ulimit -Hn"):
        open_files.allow_connections(1 << 40)
