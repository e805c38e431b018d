"""Emulated boards behind gateways in rounds of the coordinator, with frames of 256 bytes: the same
weights, byte for byte, as with their twins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support import fleet_project
from support.emulated import need

from tinylearn.device.client import Device
from tinylearn.device.host import open_device
from tinylearn.fleet.config import Config
from tinylearn.fleet.gateway import Gateway
from tinylearn.fleet.model import load_project
from tinylearn.fleet.records import Run
from tinylearn.fleet.service import Service
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import find
from tinylearn.fleet.transports.memory import MemoryNetwork
from tinylearn.targets import find as find_target

pytestmark = pytest.mark.emulated
BOARDS = {"m4": "cortex-m4f", "m0": "cortex-m0"}
#: the frame buffer less its CRC
FRAME_BYTES = 252
ROUNDS = 4
STRATEGIES = {
    "fed_avg": {"devices": 2, "samples": 8, "passes": 2},
    "tiny_meta_fed": {"samples": 8, "share": 0.3},
}


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By device; weights that do not fit a frame."""
    found = {}
    for name, target in BOARDS.items():
        need(find_target(target))
        found[name] = tmp_path_factory.mktemp(name) / "p"
        fleet_project.write(found[name], target, (5, 20, 4))
    return found


def service(place: Path, project: Path, strategy: str, network: MemoryNetwork) -> Service:
    model, _ = load_project(project)
    chosen = find(strategy, STRATEGIES[strategy])
    local = set(chosen.local_tensors([name for name, _, _ in model.tensors]))
    exchanged = model.exchanged_bytes(local)
    run = Run(1, strategy, chosen.parameters(), 5, model.name, model.hash, model.weights_bytes,
              exchanged)  # fmt: skip
    store = open_store(str(place))
    store.create(run, model.initial[:exchanged])
    config = Config(rounds=ROUNDS, deadline=1e5, least_devices=2)
    return Service(store, network.coordinator, run, chosen, config, model.blob)


def play(served: Service, gateways: list[Gateway], network: MemoryNetwork) -> None:
    """One thread plays all parts, so that nothing depends on how fast a board is emulated."""
    served.start()
    for gateway in gateways:
        gateway.start()
    while not served.is_done:
        network.run()
        served.step()
        network.run()
        for gateway in gateways:
            gateway.step(0.01)


def learnt(kind: str, projects: dict[str, Path], strategy: str, place: Path) -> list[bytes]:
    """The weights after each round."""
    network = MemoryNetwork()
    served = service(place, projects["m4"], strategy, network)
    openers: dict[str, Callable[[], Device]] = {
        name: partial(open_device, kind, folder) for name, folder in projects.items()
    }
    gateways = [Gateway(name, opener, network.device(name), fleet_project.source, births=1)
                for name, opener in openers.items()]  # fmt: skip
    with contextlib.ExitStack() as parts:
        parts.callback(served.store.close)
        for gateway in gateways:
            parts.callback(gateway.close)
        play(served, gateways, network)
        devices = served.store.devices(1)
        assert {d.frame_bytes for d in devices.values()} == {FRAME_BYTES}
        assert served.run.exchanged_bytes > FRAME_BYTES
        assert not served.counters["rounds void"] and not served.counters["malformed"]
        reports = [version.reports for version in served.store.lineage(1)]
        assert reports == [0] + [STRATEGIES[strategy].get("devices", 1)] * ROUNDS
        return [served.store.weights(1, number) for number in range(1, ROUNDS + 2)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_boards_and_twins_make_the_same_weights(
    strategy: str, projects: dict[str, Path], tmp_path: Path
) -> None:
    boards = learnt("emulator", projects, strategy, tmp_path / "boards.db")
    twins = learnt("twin", projects, strategy, tmp_path / "twins.db")
    assert boards == twins
    assert len(set(boards)) == ROUNDS + 1
