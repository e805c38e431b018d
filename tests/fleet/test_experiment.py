"""Experiments: strategies on twins without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.graphs import mlp

from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.errors import TinylearnError, UsageError
from tinylearn.fleet.experiment import Experiment, Model, Samples, adapted, message_bytes
from tinylearn.fleet.messages import Chunk, Encoding, Next, Pull, Receipt, Task, TaskFlag, Update
from tinylearn.fleet.strategies import find
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import find as find_target

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("experiment") / "net"
    graph = mlp("net", (1, 24, 12, 1), out=None, hidden="tanh")
    emitted = EmittedModel("net", compile_graph(graph, Choices("all")), "net", "0" * 64, "0.0.0")
    write_project(folder, project_files(emitted, find_target("cortex-m4f"), "makefile"))
    return Model.load(folder)


def wave(rng: np.random.Generator, count: int) -> Samples:
    """A wave of its own phase for each device."""
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    return Samples(x, (np.sin(3 * x + rng.uniform(0, 6))).astype(np.float32))


def error(model: Model, weights: np.ndarray) -> float:
    """MSE of unseen waves after a few steps."""
    rng, errors = np.random.default_rng(10**6), []
    for _ in range(20):
        samples = wave(rng, 60)
        twin = adapted(model, weights, samples.part(0, 10), 10, 0.05)
        errors.append(np.mean((twin.predict(samples.x[10:]) - samples.y[10:]) ** 2))
    return float(np.mean(errors))


def played(model: Model, name: str, count: int, seed: int = 1, draw=wave, **given) -> Experiment:
    parameters = {"samples": 16, "rate": 0.05, **given}
    experiment = Experiment(find(name, parameters), model, draw, seed)
    for _ in range(count):
        experiment.play_round()
    return experiment


@pytest.mark.parametrize(
    ("name", "played_rounds", "given"),
    [
        ("tiny_reptile", 800, {"rounds": 800}),
        ("tiny_meta_fed", 800, {"rounds": 800, "local_tensors_kept": 1, "share": 0.3}),
        ("reptile", 200, {"rounds": 200, "devices": 4, "passes": 2}),
    ],
)
def test_new_devices_learn_faster_from_what_a_fleet_has_learnt(
    model: Model, name: str, played_rounds: int, given: dict
):
    experiment = played(model, name, played_rounds, **given)
    assert error(model, experiment.start()) < 0.6 * error(model, model.initial)


def test_the_same_seed_gives_the_same_bytes(model: Model):
    runs = [played(model, "fed_avg", 5, seed, devices=3).weights.tobytes() for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_points_count_rounds_visits_and_bytes(model: Model):
    strategy = find("reptile", {"samples": 4, "devices": 3, "passes": 1})
    experiment = Experiment(strategy, model, wave, 1)
    points = list(experiment.run(5, lambda weights: float(weights[0]), every=2))
    assert [(p.rounds, p.visits) for p in points] == [(0, 0), (2, 6), (4, 12), (5, 15)]
    up, down = message_bytes(4 * model.initial.size, 4 * model.initial.size)
    assert (points[-1].bytes_up, points[-1].bytes_down) == (15 * up, 15 * down)
    assert points[0].metric == model.initial[0] != points[-1].metric


@pytest.mark.parametrize(("weights", "stream"), [(4, 4), (960, 300), (17412, 4700), (100_000, 12)])
@pytest.mark.parametrize("frame", [128, 1024])
def test_counted_bytes_are_those_of_the_messages(weights: int, stream: int, frame: int):
    """The conversation as FORMAT.md has it, with messages that are really packed."""
    hash_ = bytes(16)
    down = [Task(1, 1, 0, TaskFlag.NONE, 1, 0, weights, 0, 8, 1, 0, 0.1, 1.0, 0, hash_).pack()]
    up, at = [], 0
    while at < weights:
        up.append(Pull(1, 1, 1, at, frame).pack())
        room = (frame - len(Chunk(1, at, b"").pack())) & ~3
        down.append(Chunk(1, at, bytes(min(room, weights - at))).pack())
        at += room
    at = 0
    while at < stream:
        down += [Next(1, 1, at).pack()] if at else []
        empty = Update(1, 1, 0, Encoding.WEIGHTS, at, stream, 0, 8, 0.0, b"").pack()
        room = (frame - len(empty)) & ~3
        up.append(empty + bytes(min(room, stream - at)))
        at += room
    down.append(Receipt(1, 1, 0, 0).pack())
    assert max(map(len, (*up, *down))) <= max(frame, len(down[0]))
    assert message_bytes(weights, stream, frame) == (sum(map(len, up)), sum(map(len, down)))


def test_a_local_part_stays_on_its_device_and_is_there_again(model: Model):
    seen: list[str] = []

    def two(rng: np.random.Generator, count: int) -> Samples:
        seen.append("ab"[len(seen) % 2])
        samples = wave(rng, count)
        return Samples(samples.x, samples.y, seen[-1])

    experiment = played(model, "tiny_meta_fed", 4, draw=two, local_samples=3)
    exchanged = experiment.weights.size
    assert exchanged == model.initial.size - 13  # 12 weights and a bias of the last layer
    assert (experiment.start()[exchanged:] == model.initial[exchanged:]).all()
    parts = {name: np.frombuffer(part, "<f4") for name, part in experiment.local_parts.items()}
    assert set(parts) == {"a", "b"}
    assert (parts["a"] != parts["b"]).any()
    assert (parts["a"] != model.initial[exchanged:]).any()


def test_a_sparse_update_moves_few_weights_and_costs_less(model: Model):
    sparse = played(model, "tiny_meta_fed", 1, share=0.1, local_samples=0)
    dense = played(model, "tiny_reptile", 1)
    moved = np.count_nonzero(sparse.weights != model.initial[: sparse.weights.size])
    assert 0 < moved <= 0.1 * sparse.weights.size + 1
    assert sparse.bytes_up < 0.35 * dense.bytes_up


def test_devices_that_diverge_are_refused(model: Model):
    experiment = played(model, "fed_avg", 3, devices=2, rate=900.0, passes=40)
    assert experiment.refused == 6
    assert experiment.weights.tobytes() == model.initial.tobytes()


def test_too_few_samples_are_an_error(model: Model):
    with pytest.raises(TinylearnError, match="came with 3 samples, not 16"):
        played(model, "tiny_reptile", 1, draw=lambda rng, count: wave(rng, 3))


def test_only_a_tail_can_be_local(model: Model):
    class Odd(type(find("fed_avg", {}))):
        def local_tensors(self, tensors):
            return tensors[:1]

    with pytest.raises(UsageError, match="a tail of the weights"):
        Experiment(Odd(), model, wave, 1)


def test_the_benchmark_says_what_is_documented():
    command = [sys.executable, "tools/benchmarks/learning.py", "--task", "sine", "--quick", "--json",
               "--processes", "1", "--strategies", "random,tiny_reptile,tiny_meta_fed"]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    rows = {row["strategy"]: row for row in json.loads(done.stdout)["rows"]}
    assert list(rows) == ["random", "tiny_reptile", "tiny_meta_fed"]
    for row in rows.values():
        assert row["per_seed"] and row["spread"][0] <= row["metric"] <= row["spread"][1]
        assert {"bytes_up", "bytes_down", "device_instructions", "client_visits", "rounds"} <= set(
            row
        )
        assert row["device_ram_bytes"] > 4 * 4353  # 1-64-64-1
    tiny, meta = rows["tiny_reptile"], rows["tiny_meta_fed"]
    assert tiny["metric"] < 0.5 * rows["random"]["metric"]
    assert meta["bytes_up"] <= 0.3 * tiny["bytes_up"]
