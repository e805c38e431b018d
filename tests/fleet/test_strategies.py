"""Strategies: what every aggregation must keep to, whoever answers first and whatever liars send."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.fleet.strategies import all_strategies, all_wrappers, find
from tinylearn.fleet.strategies.base import Report, Strategy

PLAIN = [kind.name for kind in all_strategies()]
AVERAGING = ["fed_avg", "reptile", "fed_sgd"]
ROBUST = [f"{wrapper.name}:{inner}" for wrapper in all_wrappers() for inner in AVERAGING]


def reports_of(seed: int, count: int, size: int = 7) -> list[Report]:
    rng = np.random.default_rng(seed)
    return [
        Report(f"d{i:02d}", rng.normal(0, 1, size).astype(np.float32), int(rng.integers(1, 50)),
               int(rng.integers(0, 4)))
        for i in range(count)
    ]  # fmt: skip


def weights_of(seed: int, size: int = 7) -> np.ndarray:
    return np.random.default_rng(seed + 1000).normal(0, 1, size).astype(np.float32)


def test_the_papers_strategies_are_found():
    wanted = {"reptile", "tiny_reptile", "tiny_meta_fed", "fed_avg", "fed_sgd", "fed_async"}
    assert wanted <= set(PLAIN)
    assert {wrapper.name for wrapper in all_wrappers()} >= {"trimmed_mean", "median"}


@pytest.mark.parametrize("name", PLAIN + ROBUST)
def test_name_and_parameters_make_the_same_strategy_again(name: str):
    strategy = find(name, {"samples": 9, "rate": 0.25})
    assert strategy.name == name
    assert find(strategy.name, strategy.parameters()) == strategy
    text = {key: str(value) for key, value in strategy.parameters().items()}
    assert find(name, text) == strategy


@pytest.mark.parametrize("name", PLAIN)
def test_a_strategy_cannot_be_changed_and_says_what_it_is(name: str):
    strategy = find(name, {})
    with pytest.raises(FrozenInstanceError):
        strategy.rate = 1.0  # type: ignore[attr-defined]
    assert strategy.summary
    assert "20" in type(strategy).__doc__  # the paper's year


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("fed_avg", {"rat": 1}, "no parameter rat; did you mean rate"),
        ("fed_avg", {"rate": 0}, "rate is 0.0; it must be above 0"),
        ("fed_avg", {"rate": "fast"}, "rate is 'fast'; give a number"),
        ("fed_avg", {"devices": 1.5}, "devices is 1.5; give a whole number"),
        ("fed_avg", {"devices": True}, "devices is True"),
        ("fed_avg", {"samples": 10**400}, "samples"),
        ("fed_avg", {"passes": 70000}, "passes is 70000"),
        ("reptile", {"rounds": 0}, "rounds is 0"),
        ("reptile", {"outer_rate": 1.5}, "outer_rate is 1.5"),
        ("tiny_meta_fed", {"share": 0}, "share is 0.0"),
        ("tiny_meta_fed", {"local_tensors_kept": -1}, "local_tensors_kept is -1"),
        ("fed_async", {"exponent": -1}, "exponent is -1.0"),
        ("trimmed_mean:fed_avg", {"trim": 0.5}, "trim is 0.5; it must be at least 0 and below 0.5"),
        ("median:tiny_reptile", {}, "robust aggregation needs 3"),
        ("median:fed_avg", {"devices": 2}, "raise parameter devices"),
        ("median:fed_avg", {"trim": 0.1}, "no parameter trim"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, parameters: dict, said: str):
    with pytest.raises(UsageError, match=said):
        find(name, parameters)


@pytest.mark.parametrize("name", ["fed_avgg", "median", "median:median", "mean:fed_avg", "", ":"])
def test_an_unknown_name_says_what_there_is(name: str):
    with pytest.raises(UnsupportedError, match="tiny_reptile"):
        find(name, {})


@pytest.mark.parametrize("name", PLAIN + ROBUST)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(1, 9), data=st.data())
def test_the_order_of_reports_does_not_matter(
    name: str, seed: int, count: int, data: st.DataObject
):
    strategy, reports = find(name, {}), reports_of(seed, count)
    shuffled = data.draw(st.permutations(reports))
    first = strategy.aggregate(weights_of(seed), reports, 1)
    assert strategy.aggregate(weights_of(seed), shuffled, 1).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", PLAIN + ROBUST)
def test_arguments_are_left_alone_and_results_are_float32(name: str):
    strategy, reports, weights = find(name, {}), reports_of(1, 5), weights_of(1)
    copies = [r.delta.copy() for r in reports]
    for array in (weights, *(r.delta for r in reports)):
        array.setflags(write=False)
    result = strategy.aggregate(weights, reports, 1)
    assert result.dtype == np.float32
    assert not np.shares_memory(result, weights)
    assert all((r.delta == c).all() for r, c in zip(reports, copies, strict=True))


@pytest.mark.parametrize("name", PLAIN + ROBUST)
def test_weights_stay_where_no_device_moved_them(name: str):
    reports = [replace(r, delta=np.where(np.arange(7) < 3, 0, r.delta)) for r in reports_of(2, 6)]
    reports = [replace(r, delta=r.delta.astype(np.float32)) for r in reports]
    result = find(name, {}).aggregate(weights_of(2), reports, 1)
    assert result[:3].tobytes() == weights_of(2)[:3].tobytes()
    assert (result[3:] != weights_of(2)[3:]).any()


@pytest.mark.parametrize("name", PLAIN + ROBUST)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(1, 9), round_=st.integers(1, 2000))
def test_the_result_lies_between_the_present_and_what_devices_report(
    name: str, seed: int, count: int, round_: int
):
    """FedSGD with equal rates is a mean like the others."""
    reports, weights = reports_of(seed, count), weights_of(seed)
    result = find(name, {}).aggregate(weights, reports, round_)
    corners = np.stack([weights, *(weights + r.delta for r in reports)])
    slack = 1e-5
    assert (result >= corners.min(axis=0) - slack).all()
    assert (result <= corners.max(axis=0) + slack).all()


@pytest.mark.parametrize("name", ["reptile", "tiny_reptile", "tiny_meta_fed"])
def test_the_outer_step_anneals_to_nothing(name: str):
    strategy, report, weights = find(name, {"rounds": 10}), reports_of(3, 1), weights_of(3)
    moved = [np.abs(strategy.aggregate(weights, report, r) - weights).sum() for r in (1, 4, 10, 11)]
    assert moved[0] == pytest.approx(np.abs(report[0].delta).sum(), rel=1e-4)
    assert moved[1] == pytest.approx(0.7 * moved[0], rel=1e-4)
    assert moved[2] == pytest.approx(0.1 * moved[0], rel=1e-4)
    assert moved[3] == 0


def test_fed_avg_weighs_samples_and_reptile_devices():
    low, high = np.float32([0.0]), np.float32([1.0])
    reports = [Report("a", low, 10), Report("b", high, 30)]
    assert find("fed_avg", {}).aggregate(low, reports, 1) == pytest.approx(0.75)
    assert find("reptile", {}).aggregate(low, reports, 1) == pytest.approx(0.5)


def test_fed_sgd_goes_as_far_as_the_servers_rate_says():
    gradient = np.float32([2.0, -4.0])
    strategy = find("fed_sgd", {"rate": 0.01, "server_rate": 0.5})
    result = strategy.aggregate(np.zeros(2, np.float32), [Report("a", -0.01 * gradient, 3)], 1)
    assert result == pytest.approx(-0.5 * gradient, rel=1e-5)


def test_an_old_answer_counts_less():
    strategy = find("fed_async", {"mixing": 0.6, "exponent": 0.5})
    weights, delta = np.zeros(1, np.float32), np.float32([1.0])
    moved = [
        float(strategy.aggregate(weights, [Report("a", delta, 1, s)], 1)[0]) for s in (0, 3, 8)
    ]
    assert moved == pytest.approx([0.6, 0.3, 0.2], rel=1e-5)


def test_tiny_meta_fed_keeps_the_tail():
    names = ["w0", "b0", "w1", "b1"]
    assert list(find("tiny_meta_fed", {}).local_tensors(names)) == ["w1", "b1"]
    kept = {
        n: find("tiny_meta_fed", {"local_tensors_kept": n}).local_tensors(names) for n in (0, 9)
    }
    assert (list(kept[0]), list(kept[9])) == ([], ["b0", "w1", "b1"])
    assert list(find("fed_avg", {}).local_tensors(names)) == []


@pytest.mark.parametrize("wrapper", [w.name for w in all_wrappers()])
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    honest=st.integers(7, 18),
    share=st.floats(0.1, 0.3),
    lie=st.sampled_from([1e30, -1e30, 3e38, np.inf, -np.inf, np.nan, 5.0]),
    claim=st.sampled_from([1, 10**6]),
)
def test_liars_do_not_leave_the_range_of_the_honest(
    wrapper: str, seed: int, honest: int, share: float, lie: float, claim: int
):
    """10 to 30 % of the devices send anything, in any direction, claiming any number of samples."""
    liars = int(share * honest / (1 - share))
    reports = reports_of(seed, honest)
    signs = np.random.default_rng(seed).choice([-1, 1], 7)
    for i in range(liars):
        reports.append(Report(f"x{i}", (lie * signs).astype(np.float32), claim, 10**6))
    weights = weights_of(seed)
    result = find(f"{wrapper}:fed_avg", {}).aggregate(weights, reports, 1)
    good = np.stack([weights + r.delta for r in reports[:honest]])
    assert (result >= good.min(axis=0) - 1e-5).all()
    assert (result <= good.max(axis=0) + 1e-5).all()


def test_without_the_wrapper_one_liar_is_enough():
    reports = [*reports_of(4, 9), Report("x", np.full(7, 1e30, np.float32), 1)]
    assert np.abs(find("fed_avg", {}).aggregate(weights_of(4), reports, 1)).max() > 1e20
    wrapped: Strategy = find("trimmed_mean:fed_avg", {"trim": 0.1})
    assert np.abs(wrapped.aggregate(weights_of(4), reports, 1)).max() < 10


def test_a_liar_that_alone_sends_a_coordinate_does_not_rule_it():
    """Sparse reports: what a device leaves out is a vote to stay."""
    sparse = [Report(f"d{i}", np.float32([1.0, 0.0]), 8) for i in range(9)]
    reports = [*sparse, Report("x", np.float32([0.0, 1e9]), 8)]
    result = find("trimmed_mean:tiny_meta_fed", {"devices": 10}).aggregate(
        np.zeros(2, np.float32), reports, 1
    )
    assert result == pytest.approx([1.0, 0.0])


def test_sums_are_the_same_bytes_every_time():
    """Known bytes: whoever changes the order or the precision of summation notices."""
    delta = [np.float32([1e8, 1.0, 0.1]), np.float32([1.0, 1e-8, 0.2]), np.float32([-1e8, 0, 0.7])]
    reports = [Report(name, d, 1) for name, d in zip("abc", delta, strict=True)]
    result = find("fed_avg", {}).aggregate(np.zeros(3, np.float32), reports, 1)
    third = np.float32(1 / 3)
    wanted = (third * delta[0] + third * delta[1]) + third * delta[2]
    assert result.tobytes() == wanted.astype(np.float32).tobytes()
