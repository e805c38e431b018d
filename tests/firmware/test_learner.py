"""The learner in C over softmax and linear regression."""

from __future__ import annotations

import ctypes as c

import numpy as np
import pytest
from c_runtime import (
    INPUTS,
    LINEAR,
    MAX_CLASSES,
    OBSERVED,
    OUTPUTS,
    DriftConfig,
    GateConfig,
    GuardConfig,
    Host,
    Step,
    config,
    library,
)

from tinylearn.device.messages import Event, LearnMode, Reset, Status

NEVER, ALWAYS, GATED = LearnMode.NEVER, LearnMode.ALWAYS, LearnMode.GATED
NO_DRIFT = DriftConfig(0.25, 0, 4, 32, 1024)


class Stream:
    """Gaussian clusters, one a class; ``move`` changes all means at once."""

    def __init__(self, seed: int = 0, classes: int = 3, noise: float = 0.5) -> None:
        self.rng = np.random.default_rng(seed)
        self.means = self.rng.normal(size=(classes, INPUTS))
        self.noise = noise

    def sample(self) -> tuple[np.ndarray, int]:
        label = int(self.rng.integers(len(self.means)))
        return self.means[label] + self.noise * self.rng.normal(size=INPUTS), label

    def move(self) -> None:
        self.means = np.roll(self.means, 1, axis=0)


class Regression:
    """Targets linear in the inputs, with a little noise; ``move`` turns them round."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.true = self.rng.normal(size=(OUTPUTS, INPUTS))

    def run(self, host: Host, n: int) -> list[Step]:
        steps = []
        for _ in range(n):
            x = self.rng.normal(size=INPUTS)
            noise = 0.1 * self.rng.normal(size=OUTPUTS)
            steps.append(host.step(x, target=self.true @ x + noise))
        return steps

    def move(self) -> None:
        self.true = -self.true


def run(host: Host, stream: Stream, n: int) -> list[Step]:
    return [host.step(x, label) for x, label in (stream.sample() for _ in range(n))]


def hits(steps: list[Step]) -> float:
    return float(np.mean([bool(s.events & Event.HIT) for s in steps]))


def first(steps: list[Step], event: Event) -> int | None:
    return next((i for i, step in enumerate(steps) if step.events & event), None)


def frozen(host: Host, mode: LearnMode) -> None:
    host.device().set_mode(mode)


# ---- metrics ----


def test_prequential_metrics_are_those_of_gama_et_al() -> None:
    host = Host(settings=config(ALWAYS, fading=0.9))
    steps = run(host, Stream(), 200)
    metrics = host.device().metrics()
    losses = np.array([s.loss for s in steps], np.float64)
    errors = np.array([s.error for s in steps], np.float64)
    weights = 0.9 ** np.arange(199, -1, -1)
    assert metrics.samples == metrics.learned == 200
    assert metrics.mean_loss == pytest.approx(losses.mean(), rel=1e-5)
    assert metrics.recent_loss == pytest.approx(losses @ weights / weights.sum(), rel=1e-5)
    assert metrics.mean_error == pytest.approx(errors.mean(), rel=1e-5)
    assert metrics.recent_error == pytest.approx(errors @ weights / weights.sum(), abs=1e-6)


def test_the_loss_without_learning_is_the_loss_of_learning() -> None:
    learning, testing = Host(), Host()
    stream = Stream(1)
    for _ in range(40):
        x, label = stream.sample()
        learning.step(x, label)
        testing.step(x, label)
    frozen(testing, NEVER)
    x, label = stream.sample()
    assert testing.step(x, label).loss == pytest.approx(learning.step(x, label).loss, rel=1e-5)


def test_each_sample_is_tested_before_it_is_learnt() -> None:
    host = Host()
    x = np.ones(INPUTS)
    assert not host.step(x, 5).events & Event.HIT  # a new label cannot be a hit
    assert host.step(-x, 6).output == 0  # predicted among the classes known before
    assert host.step(-x, 6).events & Event.HIT


def test_regression_reports_the_mean_absolute_error() -> None:
    host = Host(LINEAR)
    rng = np.random.default_rng(3)
    true = rng.normal(size=(2, INPUTS))
    for i in range(400):
        x = rng.normal(size=INPUTS)
        step = host.step(x, target=true @ x)
        before = np.abs(host.outputs(2) - true @ x)
        assert step.error == pytest.approx(before.mean(), rel=1e-3, abs=1e-5)
        assert step.loss == pytest.approx((before**2).mean(), rel=1e-3, abs=1e-8)
        assert step.output == -1 and not step.events & Event.HIT, i
    metrics = host.device().metrics()
    assert metrics.recent_error < 0.1 * metrics.mean_error


# ---- labels ----


def test_labels_take_outputs_in_order_of_appearance() -> None:
    host = Host()
    labels = [1000, 7, 4_000_000_000, 0, 12]
    opened = [host.step(np.eye(INPUTS)[i], label) for i, label in enumerate(labels)]
    assert all(step.events & Event.NEW_CLASS for step in opened)
    assert host.device().labels() == tuple(labels)
    assert not host.step(np.ones(INPUTS), 7).events & Event.NEW_CLASS


def test_a_label_too_many_is_refused_and_learns_nothing() -> None:
    host = Host()
    for label in range(MAX_CLASSES):
        host.step(np.eye(INPUTS)[label], label)
    before = host.weights()
    step = host.step(np.ones(INPUTS), 99)
    assert step.status == Status.FULL and not step.events & Event.LEARNED
    assert np.isnan(step.loss) and step.error == 1
    np.testing.assert_array_equal(
        np.frombuffer(before, "<f4")[:OBSERVED], np.frombuffer(host.weights(), "<f4")[:OBSERVED]
    )
    assert host.device().metrics().samples == MAX_CLASSES + 1


def test_a_fixed_output_knows_its_own_labels_only() -> None:
    host = Host(LINEAR)
    assert host.step(np.ones(INPUTS), 1).status == Status.OK
    assert host.step(np.ones(INPUTS), 2).status == Status.FULL
    assert host.device().labels() == (0, 1)


def test_nothing_moves_while_learning_is_off() -> None:
    host = Host()
    run(host, Stream(), 50)
    frozen(host, NEVER)
    before = host.weights()
    steps = run(host, Stream(5), 50)
    assert host.step(np.ones(INPUTS), 77).status == Status.UNKNOWN_LABEL
    assert host.weights() == before
    assert not any(s.events & Event.LEARNED for s in steps)
    assert host.device().labels() == tuple(host.device().labels()[:3])


# ---- refusals ----


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -3e14])
@pytest.mark.parametrize("at", [0, INPUTS - 1])
def test_a_sample_that_is_not_finite_changes_nothing(bad: float, at: int) -> None:
    host = Host()
    run(host, Stream(), 20)
    before, metrics = host.weights(), host.device().metrics()
    x = np.zeros(INPUTS)
    x[at] = bad
    assert host.step(x, 0).status == Status.REFUSED
    assert host.step(x, 1234).status == Status.REFUSED  # opens no class either
    assert host.weights() == before
    after = host.device().metrics()
    assert (after.refused, after.samples, after.classes) == (2, metrics.samples, metrics.classes)
    assert host.step(np.ones(INPUTS), 0).status == Status.OK


def test_a_target_that_is_not_finite_changes_nothing() -> None:
    host = Host(LINEAR)
    before = host.weights()
    assert host.step(np.ones(INPUTS), target=[0, np.nan]).status == Status.REFUSED
    assert host.weights() == before


# ---- drift ----


def test_the_detector_fires_soon_after_the_stream_moves_and_not_before() -> None:
    host, stream = Host(), Stream(2)
    run(host, stream, 600)
    frozen(host, NEVER)
    quiet = run(host, stream, 2000)
    assert first(quiet, Event.DRIFT) is None
    stream.move()
    found = first(run(host, stream, 100), Event.DRIFT)
    assert found is not None and 5 < found < 60


def test_gated_learning_starts_at_a_drift_and_ends_when_the_loss_is_back() -> None:
    host, stream = Host(snapshot=False), Stream(3)
    run(host, stream, 800)
    frozen(host, GATED)
    quiet = run(host, stream, 1000)
    assert first(quiet, Event.LEARNED) is None and first(quiet, Event.DRIFT) is None
    stream.move()
    moved = run(host, stream, 1500)
    drift = first(moved, Event.DRIFT)
    learns = first(moved, Event.LEARNED)
    assert drift is not None and learns == drift + 1
    assert hits(moved[:drift]) < 0.5 * hits(quiet)
    assert not host.gate_open
    learnt = sum(bool(s.events & Event.LEARNED) for s in moved)
    assert 64 <= learnt < 1000
    assert hits(moved[-300:]) > 0.9 * hits(quiet)


def test_the_gate_closes_after_the_declared_most_samples() -> None:
    settings = config(GATED, gate=GateConfig(0.0, 10, 40))
    host = Host(settings=settings, snapshot=False)
    steps = run(host, Stream(classes=1), 60)  # a new label opens the gate
    assert [bool(s.events & Event.LEARNED) for s in steps] == [True] * 40 + [False] * 20


def test_a_new_head_starts_with_the_gate_open() -> None:
    gate = GateConfig(1.25, 10, 300)
    closed, host = (
        Host(LINEAR, settings=config(GATED, gate=gate, starts_open=start)) for start in (0, 1)
    )
    stream = Regression(8)
    assert first(stream.run(closed, 600), Event.LEARNED) is None  # what a new head must not do
    steps = stream.run(host, 600)
    assert [bool(s.events & Event.LEARNED) for s in steps] == [True] * 300 + [False] * 300
    assert bool(steps[0].events & Event.GATE_OPEN) and not host.gate_open
    assert np.mean([s.loss for s in steps[300:]]) < 0.05 * steps[0].loss


def test_labels_do_not_give_a_new_head_a_goal() -> None:
    settings = config(GATED, gate=GateConfig(1e9, 10, 200), starts_open=1)  # any goal is met
    steps = run(Host(settings=settings, snapshot=False), Stream(classes=2), 300)
    last_label = max(i for i, s in enumerate(steps) if s.events & Event.NEW_CLASS)
    learnt = [bool(s.events & Event.LEARNED) for s in steps]
    assert learnt == [i < last_label + 200 for i in range(300)]


def test_a_new_head_that_is_only_tested_at_first_learns_later() -> None:
    host, stream = Host(LINEAR, settings=config(GATED, starts_open=1)), Regression(8)
    frozen(host, NEVER)
    quiet = stream.run(host, 100)
    assert not any(s.events & (Event.LEARNED | Event.GATE_OPEN) for s in quiet)
    assert not host.device().metrics().gate_open
    frozen(host, GATED)
    assert all(s.events & Event.LEARNED for s in stream.run(host, 100))


def test_stored_weights_have_learnt_and_start_with_the_gate_closed() -> None:
    host, stream = Host(LINEAR, settings=config(GATED, starts_open=1)), Regression(8)
    stream.run(host, 200)
    host.save()
    host.restart()
    assert not host.gate_open
    assert first(stream.run(host, 100), Event.LEARNED) is None
    host.device().reset(Reset.WEIGHTS)
    assert host.gate_open


LOSSES = {
    "exponential": lambda rng, n: rng.exponential(size=n),
    "squared normal": lambda rng, n: rng.normal(size=n) ** 2,
    "log-normal": lambda rng, n: np.exp(rng.normal(size=n)),
    "rare errors": lambda rng, n: np.where(rng.random(n) < 0.05, 3.0, 0.05),
    "nearly constant": lambda rng, n: 0.3 + 0.01 * rng.normal(size=n),
}


def detect(losses: np.ndarray, settings: DriftConfig) -> int:
    array = np.ascontiguousarray(losses, np.float32)
    return int(library().drift_run(c.byref(settings), array.ctypes, len(array)))


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_the_detector_is_free_of_scale(kind: str, scale: float) -> None:
    rng = np.random.default_rng(7)
    defaults = DriftConfig(0.25, 25, 4, 32, 1024)
    calm, after = LOSSES[kind](rng, 5000), 5 * LOSSES[kind](rng, 500)
    if kind == "rare errors":
        after = np.where(rng.random(500) < 0.4, 3.0, 0.05)
    assert detect(scale * calm, defaults) == -1
    found = detect(scale * np.concatenate([calm[:1500], after]), defaults)
    assert 1500 < found < 1600


def test_one_outlier_is_no_drift() -> None:
    losses = np.random.default_rng(1).exponential(size=3000)
    losses[1000::400] = 1e6
    assert detect(losses, DriftConfig(0.25, 25, 4, 32, 1024)) == -1


# ---- guard ----


def test_the_guard_takes_back_what_learning_has_spoilt() -> None:
    settings = config(ALWAYS, drift=NO_DRIFT, guard=GuardConfig(2, 32, 50))
    host, stream = Host(settings=settings), Stream(4)
    good = run(host, stream, 600)
    assert first(good, Event.ROLL_BACK) is None
    assert first(good, Event.SNAPSHOT) is not None
    host.set_rate(50.0)
    bad = run(host, stream, 400)
    back = first(bad, Event.ROLL_BACK)
    assert back is not None and 50 <= back < 120
    assert host.device().metrics().roll_backs >= 1


def test_a_roll_back_puts_the_snapshot_back_bit_for_bit() -> None:
    settings = config(ALWAYS, drift=NO_DRIFT, guard=GuardConfig(2, 32, 20))
    host, stream = Host(settings=settings), Stream(4)
    kept = host.weights()
    for _ in range(600):
        if host.step(*stream.sample()).events & Event.SNAPSHOT:
            kept = host.weights()
    host.set_rate(50.0)
    for _ in range(200):
        step = host.step(*stream.sample())
        assert not step.events & Event.SNAPSHOT
        if step.events & Event.ROLL_BACK:
            break
    assert host.weights() == kept


def test_a_world_that_changed_is_not_rolled_back_for_ever() -> None:
    settings = config(ALWAYS, drift=NO_DRIFT, guard=GuardConfig(1.5, 32, 30))
    host, stream = Host(settings=settings), Stream(5)
    run(host, stream, 600)
    host.set_rate(0.002)  # so slow that the guard must think learning made things worse
    stream.move()
    run(host, stream, 6000)
    metrics = host.device().metrics()
    assert 1 <= metrics.roll_backs <= 3
    assert hits(run(host, stream, 300)) > 0.8


def test_without_memory_there_is_no_guard() -> None:
    host, stream = Host(snapshot=False), Stream(4)
    run(host, stream, 300)
    host.set_rate(50.0)
    steps = run(host, stream, 600)
    assert first(steps, Event.ROLL_BACK) is None and first(steps, Event.SNAPSHOT) is None


def test_the_gate_stays_open_for_the_declared_least_samples() -> None:
    settings = config(ALWAYS, gate=GateConfig(1e9, 50, 2000))  # recovered at once
    host, stream = Host(settings=settings, snapshot=False), Stream(6)
    run(host, stream, 100)
    frozen(host, GATED)
    opening = host.step(np.ones(INPUTS), 77)
    assert opening.events & Event.NEW_CLASS and opening.events & Event.LEARNED
    after = run(host, stream, 80)
    assert [bool(s.events & Event.LEARNED) for s in after] == [True] * 49 + [False] * 31


def test_an_outlier_does_not_blind_the_detector() -> None:
    rng = np.random.default_rng(1)
    losses = np.concatenate([rng.exponential(size=1500), 5 * rng.exponential(size=300)])
    losses[1400] = 1e6
    assert 1500 < detect(losses, DriftConfig(0.25, 25, 4, 32, 1024)) < 1560


def test_a_new_class_is_no_reason_to_roll_back() -> None:
    settings = config(ALWAYS, fading=0.95, drift=NO_DRIFT, guard=GuardConfig(1.5, 32, 40))
    host, stream = Host(settings=settings), Stream(4, classes=2, noise=0.1)
    run(host, stream, 800)
    host.set_rate(0.0005)
    third = np.mean(stream.means, axis=0)
    steps = []
    for _ in range(150):
        steps.append(host.step(third, 99))
        steps += run(host, stream, 1)
    assert steps[0].events & Event.NEW_CLASS
    assert steps[-2].loss > 0.5  # the loss stays high, and still
    assert first(steps, Event.ROLL_BACK) is None


# ---- divergence ----


@pytest.mark.parametrize("rate", [0.3, 0.45, 1.0, 30.0])
@pytest.mark.parametrize("diverging", [40, 200, 900])
def test_divergence_is_undone_and_the_model_works_again(rate: float, diverging: int) -> None:
    host, stream = Host(LINEAR), Regression(9)
    host.set_rate(0.01)
    stream.run(host, 800)
    calm = np.mean([s.loss for s in stream.run(host, 100)])
    host.set_rate(rate)
    stream.run(host, diverging)
    host.set_rate(0.01)
    after = stream.run(host, 900)
    metrics = host.device().metrics()
    assert metrics.roll_backs >= 1 and metrics.snapshot_held
    assert sum(s.status == Status.REFUSED for s in after) <= 1
    assert np.mean([s.loss for s in after[-300:]]) < 2 * calm
    assert metrics.recent_loss < 2 * calm and np.isfinite(metrics.mean_loss)


def test_a_loss_that_is_not_finite_rolls_back_at_once() -> None:
    host, stream = Host(LINEAR), Regression(9)
    stream.run(host, 400)
    host.set_rate(1e3)
    steps = stream.run(host, 100)
    refused = [i for i, s in enumerate(steps) if s.status == Status.REFUSED]
    assert refused and all(steps[i].events & Event.ROLL_BACK for i in refused)
    assert not any(steps[i].events & Event.LEARNED for i in refused)
    after = steps[refused[0] + 1 : refused[0] + 65]  # the snapshot, tested and not learnt
    assert not any(s.events & Event.LEARNED for s in after)
    assert np.mean([s.loss for s in after]) < 0.1
    metrics = host.device().metrics()
    assert metrics.roll_backs == metrics.refused == len(refused)


def test_a_device_that_must_not_learn_does_not_roll_back_either() -> None:
    host, stream = Host(LINEAR), Regression(9)
    stream.run(host, 400)
    host.set_rate(1e3)
    while stream.run(host, 1)[0].loss < 1e25:
        pass
    frozen(host, NEVER)
    before = host.weights()
    huge = [host.step(np.full(INPUTS, 1e10), target=np.zeros(OUTPUTS)) for _ in range(3)]
    assert all(s.status == Status.REFUSED and not s.events for s in huge)
    assert host.weights() == before and host.device().metrics().roll_backs == 0


def test_without_a_guard_the_averages_stay_finite_and_come_back() -> None:
    host, stream = Host(LINEAR, snapshot=False), Regression(9)
    stream.run(host, 400)
    host.set_rate(30.0)
    while stream.run(host, 1)[0].loss < 1e30:
        pass
    metrics = host.device().metrics()
    assert 1e12 < metrics.recent_loss < 2e18 and 1e12 < metrics.mean_loss < 2e18
    host.set_rate(0.05)
    stream.run(host, 6000)
    metrics = host.device().metrics()
    assert metrics.refused == metrics.roll_backs == 0
    assert metrics.recent_loss < 0.1


def test_the_detector_survives_losses_of_any_size() -> None:
    rng = np.random.default_rng(1)
    huge = np.full(32, 3e38)
    calm, after = rng.exponential(size=100_000), 5 * rng.exponential(size=500)
    found = detect(np.concatenate([huge, calm, after]), DriftConfig(0.25, 25, 4, 32, 1024))
    assert 100_032 < found < 100_100


def test_a_world_that_keeps_changing_costs_a_detour_a_change_at_the_most() -> None:
    host, stream = Host(LINEAR), Regression(10)
    for _ in range(5):
        stream.run(host, 1000)
        assert host.device().metrics().recent_loss < 0.1
        stream.move()
    stream.run(host, 1000)
    metrics = host.device().metrics()
    assert metrics.drifts == 5 and metrics.roll_backs <= 5  # and the detector sees each


def test_slow_learning_of_a_changed_world_costs_one_detour_with_the_detector_on() -> None:
    host, stream = Host(LINEAR), Regression(10)
    stream.run(host, 1000)
    host.set_rate(0.002)
    stream.move()
    steps = stream.run(host, 6000)
    assert first(steps, Event.DRIFT) is not None
    assert host.device().metrics().roll_backs == 1
    assert np.mean([s.loss for s in steps[-300:]]) < 0.1
