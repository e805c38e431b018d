"""Twins in a fleet: direct calls with messages and arrays."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from support import graphs, harness

from tinylearn.device.client import Device
from tinylearn.device.messages import Reset
from tinylearn.device.twin import ROOM, Twin, TwinLibrary, load_twin
from tinylearn.emit.fleet import fleet_target, switched_on
from tinylearn.emit.generate import project_files
from tinylearn.emit.write import write_project
from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.fleet import messages as m
from tinylearn.fleet.agent import TwinAgent
from tinylearn.fleet.board import SerialBoard
from tinylearn.fleet.updates import encode_sparse
from tinylearn.pipeline import Choices
from tinylearn.targets import find

RNG = np.random.default_rng(3)
X, LABELS = RNG.normal(size=(12, 5)).astype("f4"), RNG.integers(0, 4, 12)
INLINE, SPARSE = m.TaskFlag.INLINE, m.TaskFlag.SPARSE


def library(folder: Path, choices: Choices) -> TwinLibrary:
    model = harness.emitted(graphs.mlp(), choices, "mlp")
    write_project(folder, project_files(model, find("cortex-m4f"), "makefile"))
    return load_twin(folder, "mlp", "cortex-m4f")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> TwinLibrary:
    return library(tmp_path_factory.mktemp("f") / "p", Choices(learn="all", guard=True))


@pytest.fixture
def twin(twins: TwinLibrary) -> Twin:
    return twins.open()


def task(twin: Twin, **changes: object) -> tuple[bytes, np.ndarray]:
    """Round 1 on 12 samples, and its version's weights."""
    weights = np.random.default_rng(1).normal(0, 0.3, twin.info.weights_bytes // 4).astype("<f4")
    part = weights.tobytes()
    fields = {
        "run": 1, "round": 1, "attempt": 0, "flags": INLINE, "version": 1, "first": 0,
        "size": len(part), "crc": zlib.crc32(part), "samples": len(X), "passes": 1, "local_samples": 0,
        "rate": 0.1, "share": 0.2, "deadline_ms": 0, "model_hash": twin.info.hash, "data": part,
    } | changes  # fmt: skip
    return m.Task(**fields).pack(), weights  # type: ignore[arg-type]


def body(content: bytes | None) -> m.Body:
    assert content is not None
    return m.unpack(content, m.UP)


def test_a_round_in_two_calls(twin: Twin) -> None:
    wanted, weights = task(twin, flags=INLINE | SPARSE)
    assert not twin.is_wanting_samples and twin.fleet_learn(X, LABELS) == (0, None)
    progress = body(twin.fleet(wanted))
    assert isinstance(progress, m.Progress) and progress.phase is m.Phase.LEARNING
    assert twin.is_wanting_samples
    assert twin.fleet_learn(X[:5], LABELS[:5]) == (5, None)
    used, message = twin.fleet_learn(np.tile(X[5:], (3, 1)), np.tile(LABELS[5:], 3))
    update = body(message)
    assert used == 7 and isinstance(update, m.Update)
    now = np.frombuffer(twin.read_weights(), "<f4")
    assert update.data == encode_sparse(now - weights, 0.2)
    assert twin.fleet(m.Receipt(1, 1, 0, m.Verdict.ACCEPTED).pack()) is None


def test_the_room_is_the_callers(twin: Twin) -> None:
    announced = body(twin.announce(2, 300, 100))
    assert isinstance(announced, m.Announce)
    assert (announced.births, announced.free_ram, announced.frame_bytes) == (2, 300, 100)
    most = body(twin.announce(frame_bytes=m.MOST_BYTES))
    assert isinstance(most, m.Announce) and most.frame_bytes == ROOM
    pull = body(twin.fleet(task(twin, flags=m.TaskFlag.NONE, data=b"")[0], 100))
    assert isinstance(pull, m.Pull) and pull.room == 84
    largest = body(twin.fleet(task(twin, flags=m.TaskFlag.NONE, data=b"")[0], m.MOST_BYTES))
    assert isinstance(largest, m.Pull) and largest.room == 0xFFFF // 4 * 4 - 8
    with pytest.raises(UsageError, match="need 72 bytes, not 71"):
        twin.fleet(m.Who().pack(), 71)
    with pytest.raises(UsageError, match="12 samples but 3 targets"):
        twin.fleet_learn(X, LABELS[:3])


def test_targets_and_labels_teach_the_same(twins: TwinLibrary) -> None:
    by_label, by_target = twins.open(), twins.open()
    for device, y in ((by_label, LABELS), (by_target, np.eye(4, dtype="f4")[LABELS])):
        device.fleet(task(device)[0])
        device.fleet_learn(X, y)
    a, b = (np.frombuffer(t.read_weights(), "<f4") for t in (by_label, by_target))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_restart_forgets_the_task_and_a_deployment_stays(twins: TwinLibrary) -> None:
    agent = TwinAgent("d", twins.open(), lambda *_: (X, LABELS))
    agent.take(task(agent.twin)[0])
    agent.restart()
    assert not agent.wants_samples and not agent.twin.is_wanting_samples
    announced = body(agent.announce())
    assert isinstance(announced, m.Announce) and (announced.births, announced.run) == (2, 0)
    messages = [body(content) for content in agent.handle(task(agent.twin)[0])]
    assert isinstance(messages[-1], m.Update)
    assert agent.board.heard(0) == []


def test_a_gateway_that_starts_again_goes_on_with_the_next_sample(twins: TwinLibrary) -> None:
    ends = []
    for pieces in ((12,), (7, 5)):
        twin = twins.open()
        for count in pieces:  # a gateway each, for a board that goes on
            agent = TwinAgent("d", twin, lambda *_: (X, LABELS))
            agent.take(task(twin)[0])
            messages = agent.learn(count)
        assert isinstance(body(messages[-1]), m.Update)
        ends.append(twin.read_weights())
    assert ends[0] == ends[1]


def test_a_reset_through_the_protocol_is_announced(twin: Twin) -> None:
    device = Device(twin)
    board = SerialBoard(device)
    device.reset(Reset.PROGRAM)
    (first,) = board.heard(0.0)
    assert isinstance(body(first), m.Announce)


class InPieces:
    """A line that brings one byte at a time."""

    def __init__(self, twin: Twin) -> None:
        self.name, self.send, self.close = twin.name, twin.send, twin.close
        self._twin, self._rest = twin, b""

    def receive(self, timeout: float) -> bytes:
        data = self._rest or self._twin.receive(timeout)
        self._rest = data[1:]
        return data[:1]


def test_a_message_in_many_pieces_is_heard_as_one(twin: Twin) -> None:
    device = Device(InPieces(twin))
    board = SerialBoard(device)
    device.reset(Reset.PROGRAM)
    (first,) = board.heard(10.0)
    assert isinstance(body(first), m.Announce)
    assert board.heard(0.0) == []


def test_without_the_guard_there_is_nothing_sparse(tmp_path: Path) -> None:
    plain = library(tmp_path / "p", Choices(learn="all")).open()
    announced = body(plain.announce())
    assert isinstance(announced, m.Announce)
    assert announced.capabilities == m.Capability.LEARN | m.Capability.STORE
    refused = body(plain.fleet(task(plain, flags=INLINE | SPARSE)[0]))
    assert isinstance(refused, m.Refusal) and refused.fault is m.Fault.UNSUPPORTED
    assert isinstance(body(plain.fleet(task(plain)[0])), m.Progress)


@pytest.mark.parametrize(
    "choices",
    [Choices(), Choices(learn="all", arithmetic="int8", guard=True)],
    ids=["frozen", "int8"],
)
def test_a_model_without_float_weights_to_learn_takes_no_task(
    choices: Choices, tmp_path: Path
) -> None:
    still = library(tmp_path / "p", choices).open()
    announced = body(still.announce())
    assert isinstance(announced, m.Announce)
    assert not announced.capabilities & (m.Capability.LEARN | m.Capability.SPARSE)
    refused = body(still.fleet(task(still, size=4, data=bytes(4))[0]))
    assert isinstance(refused, m.Refusal)
    assert (refused.fault, refused.detail) == (m.Fault.UNSUPPORTED, 1)


def test_a_project_is_switched_on_and_needs_frames_that_are_large_enough() -> None:
    model = harness.emitted(graphs.mlp(), Choices(learn="all"), "mlp")
    for name in ("makefile", "arduino", "library"):
        off = project_files(model, find("cortex-m4f"), name)
        on = project_files(model, find("cortex-m4f"), name, fleet=True)
        changed = [path.rpartition("/")[2] for path in on if on[path] != off[path]]
        assert changed == ["mlp_info.json", "tl_config.h"]
    assert switched_on({"a.c": b"#define TL_FLEET 0"}) == {"a.c": b"#define TL_FLEET 0"}
    target = find("cortex-m0")
    assert fleet_target(target).program_flash > target.program_flash
    with pytest.raises(UnsupportedError, match="frames of 64 bytes are too small"):
        fleet_target(find("atmega328p"))
