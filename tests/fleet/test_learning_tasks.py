"""Tasks of the learning benchmark: unseen devices are unseen."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "benchmarks"))
import learning
from networks import Network
from streams import data_folder
from tasks.base import RANDOM, Task

needs_data = pytest.mark.skipif(not data_folder().is_dir(), reason="needs the real data sets")
STRATEGIES = [RANDOM, "fed_sgd", "fed_avg", "reptile", "tiny_reptile", "tiny_meta_fed"]


@pytest.mark.parametrize("name", [*learning.TASKS, *(f"{t}-quick" for t in learning.TASKS)])
def test_each_task_runs_every_strategy_to_its_end(name: str):
    task = learning.load(name)
    assert [setting.strategy for setting in task.settings] == STRATEGIES
    for setting in task.settings[1:]:
        strategy, rounds = setting.built(), setting.visits // setting.built().clients()
        work = strategy.work(1)
        assert work.samples * work.passes % setting.accumulate == 0  # no gradient is left over
        assert strategy.parameters().get("rounds", rounds) == rounds > 0  # annealed to the end


def test_quick_is_shorter():
    for name in learning.TASKS:
        long, short = (learning.load(n) for n in (name, f"{name}-quick"))
        for one, other in zip(long.settings, short.settings, strict=True):
            assert other.visits <= one.visits // 4


def assert_fits(task: Task, count: int) -> None:
    """Samples of a visit and of a trial have the network's shapes."""
    graph, rng = task.network(0), np.random.default_rng(1)
    inputs, outputs = graph[graph.inputs[0]].size, graph[graph.outputs[0]].size
    trial = next(iter(task.trials(1, 0).values()))[0]
    for samples in (task.draw(0)(rng, count), trial.support, trial.query):
        assert samples.x.shape == (len(samples), inputs)
        assert samples.x.dtype == np.float32
        if samples.y.dtype == np.uint32:
            assert samples.y.max() < outputs
        else:
            assert samples.y.shape == (len(samples), outputs)
    assert len(task.draw(0)(rng, count)) == count


@pytest.mark.parametrize("name", [n for n in learning.TASKS if n != "sine"])
@needs_data
def test_samples_fit_the_network(name: str):
    assert_fits(learning.load(name), 12)


def test_waves_are_waves():
    assert_fits(learning.load("sine"), 12)
    trial = learning.load("sine").trials(1, 0)["10 samples"][0]
    assert len(trial.support) == 10
    assert np.abs(trial.query.y).max() <= 5


@needs_data
def test_unseen_characters_are_not_those_of_the_fleet():
    from tasks import omniglot

    known, unseen = omniglot._split()
    assert not set(known) & set(unseen)
    assert set(known) | set(unseen) == set(omniglot.characters())
    drawn = {image.tobytes() for _, drawings in omniglot.alphabets() for image in drawings[:, 0]}
    assert all(omniglot.characters()[key][0].tobytes() not in drawn for key in unseen)


@needs_data
def test_an_unseen_device_is_judged_by_drawings_that_it_has_not_learnt():
    task = learning.load("omniglot")
    for title, shots in (("5-way 5-shot", 5), ("5-way 1-shot", 1)):
        trial = task.trials(3, 0)[title][2]
        assert len(trial.support) == 5 * shots
        assert np.bincount(trial.support.y).tolist() == [shots] * 5
        learnt = {x.tobytes() for x in trial.support.x}
        assert not any(x.tobytes() in learnt for x in trial.query.x)


@needs_data
def test_the_speaker_left_out_is_not_of_the_fleet():
    from tasks import keywords

    left_out = []
    for seed in range(5):
        speakers, takes = keywords._speakers(seed)
        left_out.append(takes.tobytes())
        assert len(speakers) == 4
        assert takes.tobytes() not in {v.tobytes() for v in speakers.values()}
    assert len(set(left_out)) == 5


@needs_data
def test_unseen_days_are_not_of_the_fleet():
    from tasks import presence

    known, new = presence._days()
    assert len(known) >= 5
    assert len(new) >= 2
    rows = {x.tobytes() for day in known for x in day.x}
    shared = sum(x.tobytes() in rows for day in new for x in day.x)
    assert shared < 0.01 * sum(map(len, new))


def test_networks_start_as_keras_starts_them():
    graph = Network("net", (8, 8, 1), 3).conv(4, "relu").dense(5, "softmax", zero=True).graph()
    weights = {t.name: t.data for t in graph.tensors.values() if t.data is not None}
    kernel, bias, last = (weights[k] for k in ("conv_0/kernel", "conv_0/bias", "dense_3/kernel"))
    assert 0 < np.abs(kernel).max() <= np.sqrt(6 / (9 * 1 + 9 * 4))
    assert not bias.any() and not last.any()
    assert last.shape == (5, 64)
