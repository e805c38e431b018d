"""What a coordinator tells: logs, metrics, the run directory, the table."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fleet_cli import RUN, begun, service
from hypothesis import given
from hypothesis import strategies as st
from support.fleet_world import PythonDevice
from support.waiting import until

from tinylearn.errors import BadInputError, DeviceError, UsageError
from tinylearn.fleet import logs
from tinylearn.fleet.config import Config
from tinylearn.fleet.live_table import LiveTable, rows
from tinylearn.fleet.metrics import Metrics
from tinylearn.fleet.observers import Observer, Observers
from tinylearn.fleet.presence import Presence
from tinylearn.fleet.records import Device, Log, PutDevice
from tinylearn.fleet.round_watch import RoundEnd
from tinylearn.fleet.run_directory import RunConfig, RunDirectory
from tinylearn.fleet.snapshot import Snapshot, take
from tinylearn.fleet.store import StoreError, open_store

END = RoundEnd(3, 4, 2, 0.5, 0.25)
VOID = RoundEnd(4, 0, 0, math.nan, 60.0)
SNAPSHOT = Snapshot(
    head=4, last_round=4, rounds=9, paused=True, connected=True,
    devices={"known": 3, "online": 2},
    counters={"updates accepted": 7, "updates late": 1, "refusal model": 2, "given up": 5},
    transport={"received": 11},
)  # fmt: skip


class Collected(Observer):
    """All that it was told."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.ends: list[RoundEnd] = []
        self.snapshots: list[Snapshot] = []
        self.commits: list[float] = []

    def logged(self, entry: Log) -> None:
        self.logs.append(entry)

    def round_ended(self, end: RoundEnd) -> None:
        self.ends.append(end)

    def looked(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def committed(self, seconds: float) -> None:
        self.commits.append(seconds)


def watched(store, **how) -> Collected:
    """A whole run, and what was told of it."""
    running, collected = service(store, **how), Collected()
    hub = Observers([collected], lambda m: take(m, {}, True, 0.0), {})
    running.on_effects, running.on_commit = hub.on_effects, hub.committed
    running.serve(until_done=True)
    return collected


@pytest.fixture
def store(tmp_path: Path):
    begun(str(tmp_path / "fleet.db"))
    opened = open_store(str(tmp_path / "fleet.db"))
    yield opened
    opened.close()


# ---- what is told ----


def test_every_round_is_told_with_its_reports(store) -> None:
    collected = watched(store)
    assert [end.round for end in collected.ends] == [1, 2, 3, 4, 5]
    assert [end.version for end in collected.ends] == [2, 3, 4, 5, 6]
    assert all(end.reports == 1 and math.isfinite(end.mean_loss) for end in collected.ends)
    assert {entry.device for entry in collected.logs if entry.what == "online"} == {
        "d0",
        "d1",
        "d2",
    }
    assert len(collected.commits) >= 5 and min(collected.commits) > 0
    assert collected.snapshots[0].devices["known"] >= 1


class Failing:
    """A store whose every third commit fails before it has taken place."""

    def __init__(self, store) -> None:
        self._store, self._commits = store, 0

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def commit(self, run, changes, shard=0) -> None:
        self._commits += 1
        if self._commits % 3 == 0:
            raise StoreError("the disk is full")
        self._store.commit(run, changes, shard)


def test_rounds_are_told_once_where_commits_fail(store) -> None:
    collected = watched(Failing(store))
    assert [(end.round, end.reports) for end in collected.ends] == [(n, 1) for n in range(1, 6)]


def test_reports_from_before_a_restart_count(store) -> None:
    """One device is silent until another process has taken the round over."""
    run = replace(RUN, id=8, strategy="reptile", parameters={"devices": 3})
    store.create(run, bytes(run.exchanged_bytes))
    first = service(store, rounds=1, run=run)
    silent = first.transport.devices["d1"]
    first.transport.devices["d1"] = PythonDevice("d1", 4096)
    first.transport.devices["d1"].take = lambda content: None
    first.start()
    until(lambda: first.step() or first.counters["updates accepted"] == 2)
    second, collected = service(store, rounds=1, run=run), Collected()
    second.transport.devices["d1"] = silent
    hub = Observers([collected], lambda m: take(m, {}, True, 0.0), second.machine.roster.devices)
    second.on_effects = hub.on_effects
    second.serve(until_done=True)
    assert [(end.round, end.reports, end.version) for end in collected.ends] == [(1, 3, 2)]


def test_who_comes_and_goes_is_told_once() -> None:
    presence = Presence({"a": Device("a", online=True)})
    steps = [("a", True), ("b", False), ("b", True), ("b", True), ("a", False), ("a", True)]
    told = [presence.take([PutDevice(Device(n, online=o))]) for n, o in steps]
    flat = [(entry.device, entry.what) for entries in told for entry in entries]
    assert flat == [("b", "online"), ("a", "offline"), ("a", "online")]


# ---- logs ----


@given(st.text(), st.text(max_size=90), st.text(max_size=2000))
def test_lines_are_one_line_whatever_devices_say(what: str, device: str, detail: str) -> None:
    values = logs.entry(1.5, "info", 7, Log(what, 3, device, detail))
    for line in (logs.json_line(values), logs.text_line(values)):
        assert line.isprintable() and len(line) < 12 * 700
    read = json.loads(logs.json_line(values))
    assert read == values and len(read["detail"]) <= 500 and len(read["device"]) <= 64
    assert read["time"] == "1970-01-01T00:00:01.500Z"


def test_what_modules_log_goes_the_same_way() -> None:
    told = io.StringIO()
    log = logging.getLogger("tinylearn.fleet.service")
    with logs.logging_to(told, 7, as_json=True):
        log.error("not committed: %s", "a\nb")
        log.debug("nothing")
        try:
            raise ValueError("odd")
        except ValueError:
            log.exception("it failed")
    log.error("after the end")
    first, second = map(json.loads, told.getvalue().splitlines())
    assert (first["what"], first["detail"], first["run"]) == ("service", "not committed: a\nb", 7)
    assert (second["level"], second["detail"]) == ("error", "it failed: ValueError: odd")


def test_quiet_logs_tell_of_trouble_alone() -> None:
    told, observer = io.StringIO(), logs.LogObserver()
    with logs.logging_to(told, 7, as_json=False, quiet=True):
        observer.logged(Log("online", 0, "d1"))
        observer.logged(Log("given up", 2, "d1", "left"))
    assert told.getvalue()[9:] == "warning: round 2 d1: given up: left\n"


# ---- the run directory ----


def config(run: int = 7) -> RunConfig:
    return RunConfig(run, "/p", "net", "00", "reptile", {"rate": 0.1}, {"rounds": 5}, 3, "f", "0/1")


@pytest.fixture
def opened() -> Iterator[Callable[..., RunDirectory]]:
    """Run directories, closed in the end."""
    with ExitStack() as stack:

        def made(folder: Path, run: int = 7) -> RunDirectory:
            traffic = iter([(0, 0), (100, 50), (130, 90), (130, 90)])
            directory = RunDirectory(folder, config(run), lambda: next(traffic))
            stack.callback(directory.close)
            return directory

        yield made


def test_a_run_directory_holds_what_happened(opened, tmp_path: Path) -> None:
    directory = opened(tmp_path / "run")
    directory.logged(Log("online", 0, "d1"))
    directory.round_ended(END)
    directory.round_ended(VOID)
    with (tmp_path / "run" / "curve.csv").open() as file:
        first, second = csv.DictReader(file)
    assert first == {"round": "3", "version": "4", "reports": "2", "mean_loss": "0.5",
                     "bytes_up": "100", "bytes_down": "50", "seconds": "0.250000"}  # fmt: skip
    assert (second["mean_loss"], second["bytes_up"], second["version"]) == ("", "30", "0")
    events = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["what"] for line in events] == ["online", "closed", "void"]
    assert RunConfig.load(tmp_path / "run") == config()


def test_a_row_that_was_cut_off_is_removed(opened, tmp_path: Path) -> None:
    opened(tmp_path / "run").round_ended(END)
    for name in ("curve.csv", "events.jsonl"):
        path = tmp_path / "run" / name
        before = path.read_bytes()
        path.write_bytes(before + b"5,6," * 3000)
        opened(tmp_path / "run").round_ended(END)
        assert path.read_bytes().startswith(before) and b"5,6,5" not in path.read_bytes()
        assert path.read_bytes().count(b"\n") == before.count(b"\n") + 1
    (tmp_path / "run" / "curve.csv").write_bytes(b"round,ver")
    opened(tmp_path / "run")
    assert (tmp_path / "run" / "curve.csv").read_text().startswith("round,version,reports,")


def test_folders_of_others_are_left_alone(opened, tmp_path: Path) -> None:
    opened(tmp_path / "run")
    with pytest.raises(UsageError, match="holds run 7, not 8"):
        opened(tmp_path / "run", run=8)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").touch()
    with pytest.raises(UsageError, match="no run directory"):
        opened(tmp_path / "home")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_costs_rows_not_the_run(opened, tmp_path: Path, caplog) -> None:
    directory = opened(tmp_path / "run")
    directory._curve.close()
    directory._curve = io.FileIO("/dev/full", "a")
    directory.round_ended(END)
    assert "/dev/full: a line is lost (No space left on device)" in caplog.text
    assert len((tmp_path / "run" / "events.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 1}', "[" * 9999, "\xff"])
def test_damaged_configurations_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadInputError, match="config"):
        RunConfig.load(tmp_path)


# ---- metrics ----


def told(metrics: Metrics) -> dict[str, float]:
    pytest.importorskip("prometheus_client")
    url = metrics.start(0)
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            lines = answer.read().decode().splitlines()
    finally:
        metrics.close()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_metrics_are_those_of_the_last_snapshot() -> None:
    pytest.importorskip("prometheus_client")
    metrics = Metrics({"run": "7"})
    metrics.round_ended(END)
    metrics.committed(0.002)
    metrics.looked(SNAPSHOT)
    found = told(metrics)
    expected = {
        'updates_total{verdict="accepted"}': 7, 'updates_total{verdict="late"}': 1,
        'refusals_total{fault="model"}': 2, "given_up_total": 5, "malformed_total": 0,
        'transport_total{what="received"}': 11, 'devices{state="online"}': 2, "head_version": 4,
        "paused": 1, "connected": 1, 'round_seconds_bucket{le="0.3"}': 1,
        'round_seconds_bucket{le="0.1"}': 0, "commit_seconds_count": 1, 'run_info{run="7"}': 1,
    }  # fmt: skip
    assert {key: found["tinylearn_fleet_" + key] for key in expected} == expected


def test_metrics_before_the_first_snapshot() -> None:
    pytest.importorskip("prometheus_client")
    assert told(Metrics({}))["tinylearn_fleet_round_seconds_count"] == 0


def test_a_port_that_is_taken_is_told() -> None:
    pytest.importorskip("prometheus_client")
    first, second = Metrics({}), Metrics({})
    port = int(first.start(0).partition("127.0.0.1:")[2].partition("/")[0])
    try:
        with pytest.raises(DeviceError, match="choose another --metrics-port"):
            second.start(port)
    finally:
        first.close()
        first.close()


# ---- the table ----


def test_the_table_shows_what_goes_badly() -> None:
    shown = dict(rows(SNAPSHOT, [END, VOID]))
    assert shown["state"] == "paused" and shown["rounds"] == "4 of 9, version 4"
    assert shown["trouble"] == "5 given up, 1 updates late"
    assert shown["round 3"].startswith("version 4, 2 reports, loss 0.5")
    assert shown["round 4"].startswith("void")


def test_the_table_is_drawn_at_each_look() -> None:
    from rich.console import Console
    from rich.live import Live

    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=100)
    with Live(console=console, auto_refresh=False) as live:
        table = LiveTable(live, "run 7")
        table.round_ended(END)
        table.looked(SNAPSHOT)
    assert "run 7" in drawn.getvalue() and "5 given up" in drawn.getvalue()


def test_run_config_of_a_run(tmp_path: Path) -> None:
    made = RunConfig.of(RUN, Config(rounds=5, tags=("a",)), tmp_path, "f", "0/1")
    RunDirectory(tmp_path / "run", made, lambda: (0, 0)).close()
    read = RunConfig.load(tmp_path / "run")
    assert read.model_hash == RUN.model_hash.hex() and read.config["tags"] == ["a"]
