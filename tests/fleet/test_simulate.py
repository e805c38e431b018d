"""A fleet in virtual time: the real coordinator, twins of the generated C, a bad network."""

from __future__ import annotations

import numpy as np
import pytest
from support import fleet_project

from tinylearn.errors import UsageError
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import load_project
from tinylearn.fleet.records import Run
from tinylearn.fleet.scenario import Scenario
from tinylearn.fleet.simulate import Outcome, Simulation
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import find


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory):
    return load_project(fleet_project.write(tmp_path_factory.mktemp("fleet") / "p"))


def simulated(project, strategy: str, config: Config, scenario: Scenario, **parameters) -> Outcome:
    model, library = project
    found, store = find(strategy, parameters), open_store(":memory:")
    local = set(found.local_tensors([name for name, _, _ in model.tensors]))
    exchanged = model.exchanged_bytes(local)
    run = Run(1, strategy, parameters, 0, model.name, model.hash, model.weights_bytes, exchanged)
    store.create(run, model.initial[:exchanged])
    return Simulation(
        model, library, fleet_project.source, run, found, config, scenario, store
    ).go()


def test_same_scenario_same_bytes(project) -> None:
    scenario = Scenario(
        devices=12, loss=0.1, duplication=0.1, reordering=0.2, churn=1.0, resets=0.02
    )
    runs = [simulated(project, "fed_avg", Config(rounds=8, deadline=300), scenario, devices=4)
            for _ in range(2)]  # fmt: skip
    assert runs[0].weights == runs[1].weights
    assert runs[0].points == runs[1].points


def test_the_fleet_learns(project) -> None:
    outcome = simulated(project, "fed_avg", Config(rounds=30), Scenario(devices=10), devices=5,
                        rate=0.1)  # fmt: skip
    losses = [point.loss for point in outcome.points]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])


@pytest.mark.parametrize("strategy", ["tiny_reptile", "fed_avg", "tiny_meta_fed"])
def test_loss_repetition_and_reordering_change_no_byte(project, strategy: str) -> None:
    asked = {"devices": 3} if strategy == "fed_avg" else {}
    config = Config(rounds=12, deadline=1e6, least_devices=6)
    calm = simulated(project, strategy, config, Scenario(devices=6), **asked)
    rough = simulated(project, strategy, config,
                      Scenario(devices=6, loss=0.2, duplication=0.2, reordering=0.3), **asked)  # fmt: skip
    assert rough.weights == calm.weights and rough.network["lost"] > 10


def test_resets_at_every_turn_change_no_byte(project) -> None:
    config = Config(rounds=12, deadline=1e6, least_devices=6, most_births=10**6)
    calm = simulated(project, "fed_avg", config, Scenario(devices=6), devices=3)
    rough = simulated(project, "fed_avg", config, Scenario(devices=6, resets=0.3), devices=3)
    assert rough.resets > 10 and rough.weights == calm.weights


def test_every_round_ends_when_devices_leave(project) -> None:
    config = Config(rounds=20, deadline=60)
    outcome = simulated(project, "fed_avg", config,
                        Scenario(devices=20, churn=1.0, away=60, stragglers=0.2), devices=6)  # fmt: skip
    assert len(outcome.points) == 20 and outcome.departures > 5
    assert outcome.counters["rounds void"] <= 2


def test_a_tenth_that_lies_does_little_harm(project) -> None:
    """What is large is refused; what is within the guard's limit a robust mean takes."""
    config, learnt = Config(rounds=30), {"devices": 10, "rate": 0.1}
    honest = simulated(project, "fed_avg", config, Scenario(devices=20), **learnt)
    for strategy, lie in (("fed_avg", 1000.0), ("trimmed_mean:fed_avg", -5.0)):
        scenario = Scenario(devices=20, liars=0.1, lie=lie, seed=3)
        poisoned = simulated(project, strategy, config, scenario, **learnt)
        gap = np.mean([p.loss for p in poisoned.points[-5:]])
        assert gap < 1.3 * np.mean([p.loss for p in honest.points[-5:]]) + 0.05


def test_asynchronous_rounds_do_not_wait_for_stragglers(project) -> None:
    scenario = Scenario(devices=20, stragglers=0.3, slowness=50)
    waiting = simulated(project, "tiny_reptile", Config(rounds=40, deadline=1e4), scenario)
    flowing = simulated(
        project, "fed_async", Config(rounds=40, concurrency=10, deadline=1e4), scenario
    )
    assert flowing.seconds < waiting.seconds / 1.5


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="loss"):
        Scenario(loss=1.5)
    with pytest.raises(UsageError, match="devices"):
        Scenario(devices=0)
