"""What fleets go through, with a real broker: everything that can be killed is killed."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mosquitto import FLEET, MosquittoServer, plain_mosquitto
from proxy import LossyProxy
from rig import CoordinatorProcess, Plan, twins
from support import fleet_project
from support.waiting import until

from tinylearn.fleet.config import Config
from tinylearn.fleet.store import open_store

NAMES = [f"d{i:03d}" for i in range(6)]
CONFIG = Config(rounds=400, retry=0.3, most_retry=1.0, deadline=1e6, least_devices=len(NAMES),
                most_births=10**6)  # fmt: skip
KILLS = 50


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet_project.write(tmp_path_factory.mktemp("killed") / "p")


def plan_of(project: Path, place: Path, url: str, config: Config = CONFIG) -> Plan:
    plan = Plan(project, str(place), url, FLEET, None, "fed_avg",
                {"devices": 3, "samples": 2, "passes": 1}, config)  # fmt: skip
    plan.create()
    return plan


def unbroken(project: Path, folder: Path, url: str, config: Config = CONFIG) -> bytes:
    plan = plan_of(project, folder / "whole.db", url, config)
    with twins(plan, NAMES):
        CoordinatorProcess(plan).wait()
    return plan.final()


def versions(plan: Plan) -> list[int]:
    store = open_store(plan.place)
    reports = [version.reports for version in store.lineage(1)]
    store.close()
    return reports


def test_coordinator_killed_at_fifty_instants_loses_and_repeats_nothing(
    project: Path, tmp_path: Path
) -> None:
    """Byte for byte the weights of the unbroken run, so each update is in them exactly once."""
    instants = random.Random(1)
    with plain_mosquitto(tmp_path) as url:
        plan = plan_of(project, tmp_path / "killed.db", url)
        with twins(plan, NAMES):
            coordinator = CoordinatorProcess(plan)
            for _ in range(KILLS):
                time.sleep(instants.uniform(0.0, 0.03))
                assert not coordinator.is_done(), "the run was over before all kills"
                coordinator.kill_and_restart()
            coordinator.wait()
        assert plan.final() == unbroken(project, tmp_path, url)
    assert versions(plan)[1:] == [3] * CONFIG.rounds


def test_broker_killed_again_and_again(project: Path, mosquitto: MosquittoServer,
                                       tmp_path: Path) -> None:  # fmt: skip
    config = replace(CONFIG, rounds=60)
    credentials = {name: mosquitto.credentials(name) for name in NAMES}
    plan = replace(plan_of(project, tmp_path / "a.db", mosquitto.url, config),
                   credentials=mosquitto.credentials())  # fmt: skip
    mosquitto.reload()
    with twins(plan, NAMES, credentials):
        coordinator = CoordinatorProcess(plan)
        for _ in range(4):
            time.sleep(0.15)
            mosquitto.kill()
            time.sleep(0.1)
            mosquitto.start()
        coordinator.wait()
    with plain_mosquitto(tmp_path) as url:
        assert plan.final() == unbroken(project, tmp_path, url, config)


def test_a_fifth_is_lost_doubled_or_overtaken(project: Path, tmp_path: Path) -> None:
    """Between each device and the broker, both ways."""
    config = replace(CONFIG, rounds=30, retry=0.1, most_retry=0.3)
    with plain_mosquitto(tmp_path) as url:
        plan = plan_of(project, tmp_path / "a.db", url, config)
        with LossyProxy(url, loss=0.2, duplication=0.2, reordering=0.2, seed=3) as proxy:
            with twins(plan, NAMES, url=proxy.url):
                CoordinatorProcess(plan).wait()
            assert min(proxy.counts[k] for k in ("lost", "doubled", "overtaken")) > 10
        assert plan.final() == unbroken(project, tmp_path, url, config)


def test_rounds_end_when_a_third_of_the_devices_dies(project: Path, tmp_path: Path) -> None:
    """Without a word: their wills tell."""
    config = replace(CONFIG, rounds=40, deadline=5.0, least_devices=3)
    with plain_mosquitto(tmp_path) as url:
        plan = plan_of(project, tmp_path / "a.db", url, config)
        with twins(plan, NAMES) as fleet:
            coordinator = CoordinatorProcess(plan)
            store = open_store(plan.place)
            until(lambda: store.head(1).number > 3)
            for name in NAMES[:2]:
                fleet[name].link.close()
            coordinator.wait()
            store.close()
    assert versions(plan)[-10:] == [3] * 10


def test_two_coordinators_on_one_store_are_refused(project: Path, tmp_path: Path) -> None:
    from tinylearn.fleet.store import StoreError

    with plain_mosquitto(tmp_path) as url:
        plan = plan_of(project, tmp_path / "a.db", url)
        first = plan.service()
        with pytest.raises(StoreError, match="another coordinator"):
            plan.service()
        first.store.close()
