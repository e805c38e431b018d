"""Emulated boards, with frames of 256 bytes, in rounds of a fleet beside their twins."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.fleet_devices import Coordinator
from support.waiting import until
from test_cores import need, small_cnn, stream

from tinylearn import __version__
from tinylearn.device.client import Device
from tinylearn.device.host import open_device
from tinylearn.device.stream import Stream
from tinylearn.device.twin import load_twin
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.fleet import messages as m
from tinylearn.fleet.agent import Agent, TwinAgent
from tinylearn.fleet.board import SerialBoard
from tinylearn.fleet.feed import from_stream
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import find

pytestmark = pytest.mark.emulated
FRAME = 252  # of 256 bytes, without the CRC
SOURCE = from_stream(Stream(stream()[0], labels=stream()[1]))
SPARSE = m.TaskFlag.SPARSE
_BOARDS = ["cortex-m0", "cortex-m4f"]


def project(name: str, folder: Path) -> Path:
    target = find(name)
    need(target)
    choices = Choices(learn="all", rate=0.05, guard=True)
    compiled = compile_graph(small_cnn(), choices)
    model = EmittedModel("small", compiled, "small.keras", "0" * 64, __version__)
    write_project(folder, project_files(model, target, "makefile", fleet=True))
    return folder


@pytest.fixture(scope="module", params=_BOARDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(request.param, tmp_path_factory.mktemp(request.param) / "p")


def twin_agent(folder: Path) -> TwinAgent:
    target = "cortex-m0" if "cortex-m0" in folder.parts[-2] else "cortex-m4f"
    twin = load_twin(folder, "small", target).open()
    return TwinAgent("d", twin, SOURCE, frame_bytes=FRAME)


def task(agent: Agent, round_: int, **changes: object) -> tuple[m.Task, bytes]:
    """A round from random weights near zero, and the bytes that are exchanged."""
    announced = m.unpack(agent.announce(), m.UP)
    assert isinstance(announced, m.Announce)
    rng = np.random.default_rng(round_)
    weights = rng.normal(0, 0.2, announced.weights_bytes // 4).astype("<f4").tobytes()
    part = weights[: int(changes.pop("size", len(weights)))]  # type: ignore[call-overload]
    fields = {
        "run": 1, "round": round_, "attempt": 0, "flags": m.TaskFlag.NONE, "version": round_,
        "first": 0, "size": len(part), "crc": zlib.crc32(part), "samples": 8, "passes": 2,
        "local_samples": 0, "rate": 0.03, "share": 0.1, "deadline_ms": 0,
        "model_hash": announced.model_hash,
    } | changes  # fmt: skip
    return m.Task(**fields), part  # type: ignore[arg-type]


ROUNDS = [{}, {"flags": SPARSE}, {"size": 400, "local_samples": 5, "flags": SPARSE, "share": 0.5}]


def streams(agent: Agent) -> list[bytes]:
    """The updates of a few rounds, whole."""
    found = []
    for number, changes in enumerate(ROUNDS, 1):
        wanted, part = task(agent, number, **changes)
        coordinator = Coordinator(wanted, part)
        waiting = [coordinator.nudge()]
        while waiting:
            for content in agent.handle(waiting.pop(0)):
                assert len(content) <= FRAME
                waiting += coordinator.take(content)
        assert len(coordinator.updates) == 1 and not coordinator.refusals
        found.append(bytes(coordinator.pieces))
    return found


def test_board_and_twin_send_the_same_updates(folder: Path) -> None:
    twin = twin_agent(folder)
    with open_device("emulator", folder) as device:
        board = Agent("d", SerialBoard(device), SOURCE)
        assert board.announce() == twin.announce()
        assert streams(board) == streams(twin)
        assert device.read_weights().weights == twin.twin.read_weights()


def test_a_board_keeps_what_was_deployed_and_announces_itself_when_it_starts(
    folder: Path,
) -> None:
    with open_device("emulator", folder) as device:
        board = SerialBoard(device)
        held = device.read_weights()
        blob = replace(held, weights=bytes(len(held.weights))).pack()
        deploy = m.Deploy(6, len(blob), zlib.crc32(blob), held.model_hash)
        answers = board.take(deploy.pack())
        while isinstance(pull := m.unpack(answers[0], m.UP), m.Pull):
            data = blob[pull.offset : pull.offset + pull.room]
            answers = board.take(m.Chunk(6, pull.offset, data).pack())
        assert pull == m.Deployed(6, 0)
        device.reset()
        heard: list[bytes] = []
        until(lambda: heard.extend(board.heard(0.2)) or heard)
        announced = m.unpack(heard[0], m.UP)
        assert isinstance(announced, m.Announce)
        assert (announced.births, announced.deployed) == (0, 6)
        assert device.read_weights().weights == bytes(len(held.weights))


def test_twins_in_arrays_and_sample_by_sample_are_one_device(tmp_path: Path) -> None:
    folder = project("cortex-m4f", tmp_path / "cortex-m4f" / "p")
    together, apart = twin_agent(folder), twin_agent(folder)
    board = Agent("d", SerialBoard(Device(apart.twin)), SOURCE)
    assert streams(board) == streams(together)
    assert apart.twin.read_weights() == together.twin.read_weights()
