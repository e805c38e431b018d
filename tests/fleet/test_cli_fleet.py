"""Every verb of ``tinylearn fleet``: what it does, says, and refuses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from fleet_cli import RUN, begun, fails, fleet, served
from support import fleet_project
from support.ports import free_port
from support.waiting import until

from tinylearn.cli.fleet_settings import SETTINGS
from tinylearn.device import blob
from tinylearn.fleet.begin import Wanted, begin
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import load_project
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.store import open_store

DEVICES = ("evict", "admit", "hold", "release")


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A store with a run that nobody serves."""
    where = str(tmp_path / "fleet.db")
    begun(where)
    return where


@pytest.fixture(scope="module")
def done_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store whose run is served and over; its devices are there."""
    where = str(tmp_path_factory.mktemp("run") / "fleet.db")
    begun(where)
    with served(where):
        store = open_store(where)
        until(lambda: store.head(RUN.id).number == 6)
        store.close()
        yield where


def device(place: str, name: str) -> dict:
    rows = fleet("devices", "--store", place, "--json").json
    return next(row for row in rows if row["name"] == name)


# ---- look ----


def test_status(done_run: str) -> None:
    found = fleet("status", "--store", done_run, "--json").json
    assert (found["run"], found["version"], found["last_round"]) == (7, 6, 5)
    assert found["strategy"] == "tiny_reptile" and found["parameters"]["samples"] == 8
    assert found["devices"] == {"known": 3, "online": 3, "isolated": 0, "held": 0, "evicted": 0}
    assert found["open_rounds"] == [] and found["paused"] is False
    text = fleet("status", "--store", done_run).out
    assert "tiny_reptile: " in text and "3 online" in text and re.search(r"version +6\n", text)


def test_status_of_a_run_that_nobody_has_served(place: str) -> None:
    assert fleet("status", "--store", place, "--json").json["last_round"] == 0
    assert "none yet" in fleet("status", "--store", place).out
    fails(2, "status", "--store", place, "--watch", "--json", match="--watch is for people")


def test_devices(done_run: str) -> None:
    rows = fleet("devices", "--store", done_run, "--json").json
    assert [row["name"] for row in rows] == ["d0", "d1", "d2"]
    assert rows[0]["online"] and rows[0]["same_model"] and "learn" in rows[0]["capabilities"]
    assert re.search(r"^d1 +online", fleet("devices", "--store", done_run).out, re.M)


def test_strategies_have_parameters_and_papers() -> None:
    rows = {row["name"]: row for row in fleet("strategies", "--json").json}
    assert {"reptile", "tiny_reptile", "tiny_meta_fed", "fed_avg", "fed_sgd"} <= rows.keys()
    assert rows["reptile"]["parameters"]["outer_rate"] == 1.0
    assert all(re.search(r"\b(19|20)\d\d\b", row["summary"]) for row in rows.values())
    assert "trimmed_mean:STRATEGY" in fleet("strategies").out


@pytest.mark.parametrize("verb", ["status", "devices", "history", "pause", "export"])
def test_stores_that_are_not_there(verb: str, tmp_path: Path) -> None:
    out = ["-o", tmp_path / "w"] if verb == "export" else []
    fails(1, verb, "--store", tmp_path / "no.db", *out, match="no.db: is not there")
    assert list(tmp_path.iterdir()) == []


def test_stores_without_the_run(place: str, tmp_path: Path) -> None:
    fails(2, "status", "--store", place, "--run", 8, match="no run 8; there are 7")
    open_store(str(tmp_path / "empty.db")).close()
    fails(2, "status", "--store", tmp_path / "empty.db", match="holds no run")
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at")
    fails(1, "status", "--store", tmp_path / "text.db", match="text.db")


# ---- ask ----


def test_pause_and_resume(done_run: str) -> None:
    for verb, paused in (("pause", True), ("resume", False)):
        said = fleet(verb, "--store", done_run, "--json").json
        assert said == {"do": verb, "run": 7, "carried_out": True}
        assert fleet("status", "--store", done_run, "--json").json["paused"] is paused


@pytest.mark.parametrize(
    ("verb", "key", "value"),
    [("evict", "evicted", True), ("admit", "evicted", False), ("hold", "held", True),
     ("release", "held", False)],
)  # fmt: skip
def test_devices_are_taken_out_and_in(done_run: str, verb: str, key: str, value: bool) -> None:
    assert fleet(verb, "d2", "--store", done_run).out == "run 7: carried out\n"
    assert device(done_run, "d2")[key] is value


def test_tags(done_run: str) -> None:
    fleet("tag", "d1", "lab", "hall", "--store", done_run)
    assert device(done_run, "d1")["tags"] == ["hall", "lab"]
    fleet("tag", "d1", "--store", done_run)
    assert device(done_run, "d1")["tags"] == []
    for tag in ("lab,hall", " lab", ""):
        fails(2, "tag", "d1", tag, "--store", done_run, match=f"tag {tag!r}: without commas")


def test_pins(done_run: str) -> None:
    fleet("pin", "d0", 2, "--store", done_run)
    assert device(done_run, "d0")["pinned"] == 2
    fleet("pin", "d0", 0, "--store", done_run)
    assert device(done_run, "d0")["pinned"] == 0
    fails(2, "pin", "d0", 99, "--store", done_run, match="no version 99")


def test_rollouts(done_run: str) -> None:
    fails(2, "rollout", "--abort", "--store", done_run, match="nothing is being rolled out")
    fails(2, "rollout", "--store", done_run, match="which version?")
    fleet("rollout", 3, "--stages", "0.5,1", "--most-errors", "0.4", "--store", done_run)
    for change, state in (("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        fleet("rollout", 3, f"--{change}", "--store", done_run)
        rows = fleet("status", "--store", done_run, "--json").json["rollouts"]
        assert rows[-1]["version"] == 3
        assert rows[-1]["state"] in (state, "done"), "a fleet may be through with it meanwhile"
    fails(2, "rollout", 99, "--store", done_run, match="no version 99")


def test_what_the_coordinator_refuses_is_told(done_run: str) -> None:
    words = ["rollout", 2, "--stages", "1,0.5", "--store", done_run]
    line = fails(2, *words, match="the coordinator refuses it: stages [1.0, 0.5]: rising shares")
    assert "token" not in line and "Error(" not in line


@pytest.mark.parametrize("verb", [*DEVICES, "tag"])
def test_devices_that_nobody_knows(done_run: str, verb: str) -> None:
    fails(2, verb, "d9", "--store", done_run, match="device 'd9': run 7 does not know it")


def test_restore(tmp_path: Path) -> None:
    where = str(tmp_path / "fleet.db")
    begun(where)
    with served(where):
        store = open_store(where)
        until(lambda: store.head(RUN.id).number == 6)
        fleet("restore", 2, "--store", where)
        until(lambda: store.head(RUN.id).number == 7)
        assert store.weights(RUN.id, 7) == store.weights(RUN.id, 2)
        store.close()
    fails(2, "restore", 44, "--store", where, match="no version 44")


def test_requests_that_nobody_takes_wait(place: str) -> None:
    line = fails(6, "pause", "--store", place, "--wait", "0.3", match="no coordinator has taken it")
    assert "the request waits" in line
    assert fleet("resume", "--store", place, "--wait", 0).out == "run 7: left for its coordinator\n"
    with served(place):
        until(lambda: len(fleet("history", "--store", place, "--json").json) >= 2)
    told = [row["detail"] for row in fleet("history", "--store", place, "--json").json]
    assert "'pause'" in told[0] and "'resume'" in told[1]


# ---- history ----


def test_history(done_run: str) -> None:
    fleet("tag", "d1", "x\x1b[31m", "--store", done_run)
    rows = fleet("history", "--store", done_run, "-n", 1, "--json").json
    assert len(rows) == 1 and rows[0]["device"] == "d1" and rows[0]["what"] == "request"
    text = fleet("history", "--store", done_run, "-n", 1).out
    assert "\x1b" not in text and "d1: request: " in text
    assert "\x1b" not in fleet("devices", "--store", done_run).out
    fleet("tag", "d1", "--store", done_run)


# ---- the broker's users ----


def test_broker_folder_enroll_revoke(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    where = ["--broker-dir", folder]
    fails(2, "enroll", "d1", *where, match="broker-config makes one")
    said = fleet("broker-config", folder, "--port", 9000, "--fleet", "lab", "--json").json
    assert said["url"] == "mqtts://127.0.0.1:9000" and Path(said["config"]).is_file()
    made = fleet("enroll", "d1", "d2", *where, "--json").json
    secret = json.loads(Path(made["d1"]).read_text())["password"]
    assert Path(made["d1"]).stat().st_mode & 0o077 == 0
    fails(2, "enroll", "d3", "d1", *where, match="enrolled already")
    assert not (folder / "credentials" / "d3.json").exists()
    fails(2, "enroll", "coordinator", *where, match="kept for coordinators")
    fails(2, "enroll", "a/b", *where, match="letters")
    assert secret not in fleet("enroll", "d4", *where).out
    assert fleet("revoke", "d1", *where, "--json").json == {"revoked": "d1"}
    assert not Path(made["d1"]).exists()
    fails(2, "revoke", "d1", *where, match="not enrolled")
    fails(2, "broker-config", tmp_path / "c", "--host", "0.0.0.0", match="--name")


# ---- serve and gateway: what they refuse before they begin ----


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("needs cc, a C compiler")
    return fleet_project.write(tmp_path_factory.mktemp("fleet") / "p")


def test_serve_says_what_is_missing(project: Path, tmp_path: Path) -> None:
    store = ["--store", tmp_path / "f.db", "--broker-dir", tmp_path / "b"]
    fails(2, "serve", *store, match="which model?")
    fails(2, "serve", "--model", tmp_path, *store, match="not a project")
    assert list(tmp_path.iterdir()) == []
    model = ["--model", project, "--broker", "mqtt://localhost"]
    fails(2, "serve", *model, *store, match="needs --strategy")
    fails(3, "serve", *model, *store, "--strategy", "reptil", match="did you mean reptile?")
    wrong = ["--strategy", "reptile", "--set", "devises=3"]
    fails(2, "serve", *model, *store, *wrong, match="did you mean devices?")
    wrong = ["--strategy", "reptile", "--least-share", "0"]
    fails(2, "serve", *model, *store, *wrong, match="least_share")
    fails(2, "serve", "--from", tmp_path / "no", *store, match="config.json: cannot be read")


def test_serve_without_a_broker_that_answers(project: Path, tmp_path: Path) -> None:
    store = ["--store", tmp_path / "f.db", "--strategy", "tiny_reptile"]
    url = f"mqtt://127.0.0.1:{free_port()}"
    fails(6, "serve", "--model", project, *store, "--broker", url, match=f"broker {url}", logs=True)
    url = "mqtt://user:secret@localhost"
    line = fails(2, "serve", "--model", project, *store, "--broker", url, match="--credentials")
    assert "secret" not in line
    fails(2, "serve", "--model", project, *store, "--shard", "0/2", match="give --broker")


def test_serve_goes_on_with_the_same_run_alone(project: Path, place: str) -> None:
    """The store's run is of another model."""
    words = ["serve", "--model", project, "--store", place, "--broker", "mqtt://localhost"]
    line = fails(2, *words, match="run 7 learns model net")
    assert "--new begins another run" in line


@pytest.mark.parametrize("device", ["toaster", "twin", "twin:", "serial:", "emulator"])
def test_gateway_devices_that_there_are_not(device: str) -> None:
    words = ["gateway", "--device", device, "--broker", "mqtt://localhost", "--name", "d"]
    fails(2, *words, match="twin:PROJECT, emulator:PROJECT, serial:PORT")


def test_gateway_says_what_is_missing(project: Path, tmp_path: Path) -> None:
    words = ["gateway", "--device", f"twin:{project}"]
    fails(2, *words, match="which broker?")
    url = f"mqtt://127.0.0.1:{free_port()}"
    fails(2, *words, "--broker", url, match="which device is it?")
    fails(2, *words, "--broker", url, "--name", "a/b", match="letters")
    fails(6, *words, "--broker", url, "--name", "d1", match=f"broker {url}", logs=True)
    fleet("broker-config", tmp_path / "b")
    file = fleet("enroll", "d1", "--broker-dir", tmp_path / "b", "--json").json["d1"]
    fails(2, *words, "--credentials", file, "--name", "d2", match="those of d1")


def test_gateway_refuses_samples_that_its_device_would_not_count(
    project: Path, tmp_path: Path
) -> None:
    """It would wait for the others, and its rounds for it."""
    words = ["gateway", "--device", f"twin:{project}", "--broker", "mqtt://localhost"]
    x, y = fleet_project.source("d", 1, 1, 8)
    for name, samples, match in (("label", (x, y * 0 + 4), "label 4; model mlp knows 0 to 3"),
                                 ("nan", (x * np.nan, y), "NaN")):  # fmt: skip
        np.savez(tmp_path / f"{name}.npz", x=samples[0], y=samples[1])
        fails(2, *words, "--name", "d", "--stream", tmp_path / f"{name}.npz", match=match)


# ---- export ----


def test_export(project: Path, tmp_path: Path, done_run: str) -> None:
    fails(2, "export", "--store", done_run, "-o", tmp_path / "w", match="give --model PROJECT")
    words = ["export", "--store", done_run, "--model", project, "-o", tmp_path / "w"]
    fails(2, *words, match="is not the one of run 7, net")
    fails(2, *words[:-1], tmp_path / "no" / "w", match="cannot be written")
    assert list(tmp_path.iterdir()) == []


def test_export_of_a_model(project: Path, tmp_path: Path) -> None:
    model, _ = load_project(project)
    store = open_store(str(tmp_path / "f.db"))
    begin(store, "f.db", model, project, Wanted("tiny_reptile"), Shard())
    store.close()
    words = ["export", "--store", tmp_path / "f.db", "-o", tmp_path / "w"]
    said = fleet(*words, "--json").json
    assert said["version"] == 1
    assert blob.unpack((tmp_path / "w").read_bytes(), "w").weights == model.initial
    fails(2, *words, "--version", 2, match="no version 2")


# ---- options ----


def test_settings_are_the_fields_of_config_and_tell_their_defaults() -> None:
    assert list(SETTINGS) and set(SETTINGS) == {field.name for field in fields(Config)}
    for name, setting in SETTINGS.items():
        default = getattr(Config(), name)
        told = "none" if default == () else f"{default:g}"
        assert setting.help.endswith(f"({told})"), name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "a"], "is not NAME=VALUE"),
        (["--shard", "2/2"], "0/2, the first of two"),
        (["--shard", "x"], "0/2"),
        (["--metrics-port", "65536"], "65535"),
        (["--least-share", "2"], "from 0 to 1"),
        (["--rounds", "0"], "from 1 on"),
        (["--seed", "-1"], "from 0 on"),
    ],
)
def test_options_that_are_none(words: list[str], told: str) -> None:
    from cli_tools import tinylearn

    result = tinylearn("fleet", "serve", "--model", "p", *words)
    assert result.code == 2 and told in result.err and result.out == ""
    assert "see tinylearn fleet serve --help" in result.err
