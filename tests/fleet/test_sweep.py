"""Sweeps: all combinations, over processes or Ray, each the run that it would be alone."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from fleet_cli import fails, fleet, tinylearn
from support import fleet_project

from tinylearn.errors import MissingToolError, TinylearnError, UsageError
from tinylearn.fleet.simulating import SimulateOptions, simulate
from tinylearn.fleet.sweep import Processes, Ray, combinations, sweep, varied


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> SimulateOptions:
    folder = tmp_path_factory.mktemp("sweep")
    fleet_project.write(folder / "p")
    x, y = fleet_project.source("d", 1, 1, 200)
    np.savez(folder / "s.npz", x=x, y=y)
    return SimulateOptions(folder / "p", folder / "s.npz", "fed_avg", {"devices": 3},
                           {"rounds": 3}, devices=5)  # fmt: skip


class Here:
    """A backend of this process."""

    def map(self, work: Any, items: Sequence[Any]) -> Iterator[Any]:
        return map(work, items)


def test_all_combinations_the_last_axis_the_fastest() -> None:
    assert combinations({"a": (1, 2), "b": (3, 4)}) == [
        {"a": 1, "b": 3}, {"a": 1, "b": 4}, {"a": 2, "b": 3}, {"a": 2, "b": 4},
    ]  # fmt: skip


def test_each_name_goes_where_it_belongs(options: SimulateOptions) -> None:
    other = varied(options, {"loss": 0.1, "rounds": 9, "set.devices": "2", "seed": 4, "devices": 6})
    assert other.scenario == {"loss": 0.1} and other.settings == {"rounds": 9}
    assert other.parameters == {"devices": "2"} and (other.seed, other.devices) == (4, 6)
    with pytest.raises(UsageError, match=r"set\.rate"):
        varied(options, {"rate": 0.1})


def test_processes_give_what_single_runs_give(options: SimulateOptions) -> None:
    axes = {"loss": (0.0, 0.3), "strategy": ("fed_avg", "reptile")}
    rows = list(sweep(options, axes, Processes(2)))
    assert [row.varied for row in rows] == combinations(axes)
    assert [row.result for row in rows] == [
        simulate(varied(options, values)) for values in combinations(axes)
    ]
    assert rows[0].result.messages.get("lost", 0) == 0 < rows[2].result.messages["lost"]


def test_what_makes_no_sense_is_told_before_any_work(options: SimulateOptions) -> None:
    for axes, match in (({"loss": (0.0, 2.0)}, "loss"), ({"deadline": (-1.0,)}, "deadline"),
                        ({"set.x": ("1",)}, "no parameter x")):  # fmt: skip
        with pytest.raises(UsageError, match=match):
            list(sweep(options, axes, None))  # type: ignore[arg-type]


def test_an_error_names_its_combination(options: SimulateOptions) -> None:
    with pytest.raises(UsageError, match="devices=2: strategy fed_avg: a round waits for 3"):
        list(sweep(options, {"devices": (4, 2)}, Here()))


def killed(_: int) -> None:
    import os

    os.kill(os.getpid(), 9)


def test_a_process_that_is_killed() -> None:
    with pytest.raises(TinylearnError, match="was killed"):
        list(Processes(1).map(killed, [1]))


# ---- ray ----


def stand_in() -> tuple[types.ModuleType, list[str]]:
    """What of Ray's interface is used; it works when a result is asked for."""
    calls: list[str] = []
    ray = types.ModuleType("ray")
    ray.init = lambda **_: calls.append("init")  # type: ignore[attr-defined]
    ray.shutdown = lambda: calls.append("shutdown")  # type: ignore[attr-defined]

    def remote(work: Any) -> Any:
        def send(item: Any) -> Any:
            calls.append("send")
            return lambda: work(item)

        return types.SimpleNamespace(remote=send)

    ray.remote = remote  # type: ignore[attr-defined]
    ray.get = lambda reference: (calls.append("get"), reference())[1]  # type: ignore[attr-defined]
    return ray, calls


def test_ray_gets_all_work_at_once_and_is_let_go(
    options: SimulateOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray, calls = stand_in()
    monkeypatch.setitem(sys.modules, "ray", ray)
    axes = {"seed": (1, 2)}
    assert list(sweep(options, axes, Ray())) == list(sweep(options, axes, Here()))
    assert calls == ["init", "send", "send", "get", "get", "shutdown"]
    calls.clear()
    with pytest.raises(UsageError, match="devices=2"):
        list(sweep(options, {"devices": (2, 4)}, Ray()))
    assert calls[-1] == "shutdown"


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingToolError, match=r"tinylearn\[ray\]"):
        Ray()


def test_a_real_ray(options: SimulateOptions) -> None:
    pytest.importorskip("ray", reason="needs tinylearn[ray]")
    axes = {"seed": (1, 2)}
    assert list(sweep(options, axes, Ray())) == list(sweep(options, axes, Here()))


# ---- the command ----


def words(options: SimulateOptions, *more: object) -> list[object]:
    return ["simulate", "--model", options.project, "--data", options.data, "--devices", 5,
            "--set", "devices=3", "--rounds", 2, *more]  # fmt: skip


def test_the_command_prints_a_row_each(options: SimulateOptions) -> None:
    out = fleet(*words(options, "--sweep", "strategy=fed_avg,reptile", "--sweep", "held-out=0.1",
                       "--processes", 1)).out.splitlines()  # fmt: skip
    assert out[0].split()[:2] == ["strategy", "held_out"] and len(out) == 3
    assert [line.split()[0] for line in out[1:]] == ["fed_avg", "reptile"]
    found = fleet(*words(options, "--strategy", "fed_avg", "--sweep", "set.samples=4,8",
                         "--processes", 1, "--json")).json  # fmt: skip
    assert [row["varied"] for row in found] == [{"set.samples": "4"}, {"set.samples": "8"}]


def test_the_command_refuses(options: SimulateOptions) -> None:
    twice = ("--sweep", "loss=0", "--sweep", "loss=0.1")
    fails(2, *words(options, "--strategy", "fed_avg", *twice), match="give each option once")
    fails(2, *words(options, "--strategy", "fed_avg", "--sweep", "loss=0", "--plot", "c.png"),
          match="leave --sweep out")  # fmt: skip
    for text, told in (("loss", "OPTION=VALUE"), ("rate=1", "set.PARAMETER"), ("loss=2", "0 to 1"),
                       ("delay=1,2", "cannot be varied"), ("set.=1", "set.PARAMETER")):  # fmt: skip
        result = tinylearn("fleet", *words(options, "--sweep", text))
        assert result.code == 2 and told in result.err, result.err
