"""The session in C, driven by the Python client."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from c_runtime import INPUTS, LINEAR, MAX_CLASSES, OBSERVED, Host, config

from tinylearn.device import frames
from tinylearn.device.client import Device
from tinylearn.device.messages import (
    Capability,
    Cost,
    Flag,
    LearnMode,
    Loss,
    Message,
    Reset,
    Status,
    Type,
)
from tinylearn.errors import DeviceError, RefusedError, UsageError

SMALL = ("TL_FRAME_BYTES=64",)


def ask(host: Host, message: Message) -> Message:
    (content,) = frames.Decoder().feed(host.exchange(frames.encode(message.pack())))
    return Message.unpack(content)


class LossyLine:
    """Loses, repeats or damages whole frames both ways, by a fixed dice."""

    name = "lossy line"

    def __init__(self, host: Host, seed: int) -> None:
        self.host = host
        self.dice = random.Random(seed)

    def _mangled(self, data: bytes) -> bytes:
        fate = self.dice.random()
        if fate < 0.2:
            return b""
        if fate < 0.3:
            at = self.dice.randrange(1, len(data))
            return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        return data * 2 if fate < 0.4 else data

    def send(self, data: bytes) -> None:
        self.host.send(self._mangled(data))

    def receive(self, timeout: float) -> bytes:
        data = self.host.receive(timeout)
        return self._mangled(data) if data else b""

    def close(self) -> None:
        pass


def test_info_says_who_the_device_is() -> None:
    info = Host().device().info()
    assert (info.name, info.inputs, info.outputs, info.max_classes) == ("softmax", 6, 5, 5)
    assert info.model_hash == b"softmax" + bytes(range(1, 10))
    assert (info.loss, info.frame_bytes, info.classes) == (Loss.CATEGORICAL, 256, 0)
    assert info.capabilities == Capability(127)
    linear = Host(LINEAR, flash_bytes=0, snapshot=False).device().info()
    assert linear.capabilities == (
        Capability.LEARN | Capability.COUNT | Capability.STACK | Capability.RESTART
    )


@pytest.mark.parametrize("defines", [(), SMALL])
def test_predict_and_learn_are_the_learners(defines: tuple[str, ...]) -> None:
    near, far = Host(defines=defines), Host(defines=defines)
    device = far.device()
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, label = rng.normal(size=INPUTS).astype(np.float32), int(rng.integers(3)) * 1000
        step, report = near.step(x, label), device.learn(x.reshape(2, 3), label=label)
        assert report.loss == step.loss and int(report.events) == step.events
        assert report.output == (step.output if step.output >= 0 else None)
    assert far.weights() == near.weights()
    y = device.predict(x)
    assert y.shape == (MAX_CLASSES,) and y.sum() == pytest.approx(1)
    assert report.label == device.labels()[report.output]


def test_learning_from_a_target() -> None:
    host = Host(LINEAR)
    device = host.device()
    x = np.arange(6) / 6
    losses = [device.learn(x, target=[1, -1]).loss for _ in range(50)]
    assert losses[0] == pytest.approx(1) and losses[-1] < 1e-3
    np.testing.assert_allclose(device.predict(x), [1, -1], atol=0.05)


def test_costs_are_measured_only_when_asked_and_without_the_counters_own() -> None:
    device = Host().device()
    x = np.ones(INPUTS)
    assert device.learn(x, label=1).cost == Cost(0, 0)
    # The simulated counter advances at each reading by 7 and by nothing else.
    assert device.learn(x, label=1, measure=True).cost == Cost(0, 96)
    assert device.measure_predict(x)[1] == Cost(0, 96)


def test_a_raw_step_bypasses_the_learner() -> None:
    host = Host()
    device = host.device()
    device.learn(np.ones(INPUTS), label=8)
    device.learn(-np.ones(INPUTS), label=9)
    before, weights = device.metrics(), host.weights()
    report = device.learn(np.ones(INPUTS), label=1, raw=True)
    assert report.learned and report.output is None and host.weights() != weights
    assert device.metrics() == before
    with pytest.raises(RefusedError, match="no sense"):
        device.learn(np.ones(INPUTS), label=2, raw=True)  # not in use
    weights = host.weights()
    refused = device.learn(np.full(INPUTS, 3e38), label=1, raw=True)
    assert refused.status == Status.REFUSED
    assert host.weights()[: 4 * OBSERVED] == weights[: 4 * OBSERVED]


def test_observe_moves_the_statistics_and_predict_does_not() -> None:
    host = Host()
    device = host.device()
    device.predict(np.ones(INPUTS))
    assert np.frombuffer(host.weights(), "<f4")[OBSERVED] == 0
    device.predict(np.ones(INPUTS), observe=True)
    assert np.frombuffer(host.weights(), "<f4")[OBSERVED] == 1
    with pytest.raises(RefusedError, match="not finite"):
        device.predict([np.nan] * INPUTS, observe=True)
    assert np.frombuffer(host.weights(), "<f4")[OBSERVED] == 1


def test_settings() -> None:
    host = Host()
    device = host.device()
    device.set_learning_rate(0.25)
    device.set_mode(LearnMode.NEVER)
    metrics = device.metrics()
    assert (metrics.learning_rate, metrics.mode) == (0.25, LearnMode.NEVER)
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(RefusedError, match="no sense"):
            device.set_learning_rate(bad)
    assert device.metrics().learning_rate == 0.25
    device.set_mode(LearnMode.ALWAYS)
    device.learn(np.ones(INPUTS), label=0)
    device.clear_metrics()
    assert device.metrics().samples == 0


def test_snapshot_and_rollback_by_hand() -> None:
    host = Host()
    device = host.device()
    with pytest.raises(RefusedError, match="snapshot"):
        device.rollback()
    device.learn(np.ones(INPUTS), label=0)
    kept = host.weights()
    device.snapshot()
    device.learn(np.ones(INPUTS), label=1)
    device.rollback()
    assert host.weights() == kept
    with pytest.raises(RefusedError, match="cannot do that"):
        Host(snapshot=False).device().snapshot()


def test_resets() -> None:
    host = Host()
    device = host.device()
    initial = host.weights()
    device.learn(np.ones(INPUTS), label=3)
    device.learn(np.ones(INPUTS), label=4)
    device.save()
    saved = host.weights()
    device.reset(Reset.WEIGHTS)
    assert host.weights() == initial and device.labels() == ()
    device.load()
    assert host.weights() == saved and device.labels() == (3, 4)
    device.reset(Reset.FACTORY)
    assert host.weights() == initial
    with pytest.raises(RefusedError):
        device.load()
    device.reset()  # answers before it restarts


def test_a_request_with_effects_is_carried_out_once() -> None:
    host = Host()
    device = host.device()
    device.learn(np.ones(INPUTS), label=3)
    device.learn(-np.ones(INPUTS), label=4)
    learn = Message(Type.LEARN, 500, struct.pack("<I", 3), Flag.MEASURE)
    first = ask(host, learn)
    after = host.weights()
    assert [ask(host, learn) for _ in range(3)] == [first] * 3
    assert host.weights() == after
    other = Message(Type.LEARN, 501, struct.pack("<I", 3), Flag.MEASURE)
    assert ask(host, other) != first and host.weights() != after
    observe = Message(Type.PREDICT, 502, b"", Flag.OBSERVE)
    replies, statistics = [], []
    for _ in range(3):
        replies.append(ask(host, observe))
        statistics.append(host.weights())
    assert len(set(map(Message.pack, replies))) == 1 and len(set(statistics)) == 1


def test_a_new_client_is_not_answered_with_anothers_reply() -> None:
    host = Host()
    learn = Message(Type.LEARN, 7, struct.pack("<I", 3))
    host.device().learn(np.ones(INPUTS), label=3)
    ask(host, learn)
    before = host.weights()
    host.device().info()
    ask(host, learn)
    assert host.weights() != before


@pytest.mark.parametrize("seed", range(5))
def test_a_lossy_line_changes_nothing_but_the_time(seed: int) -> None:
    near, far = Host(defines=SMALL), Host(defines=SMALL)
    device = Device(LossyLine(far, seed), timeout=0.0005, retries=40)
    rng = np.random.default_rng(seed)
    for _ in range(30):
        x, label = rng.normal(size=INPUTS), int(rng.integers(4))
        assert device.learn(x, label=label).loss == near.step(x, label).loss
    assert far.weights() == near.weights()
    device.write_weights(device.read_weights())
    assert far.weights() == near.weights() == device.read_weights().weights
    assert far.flash.misuse == 0


def test_errors_name_what_is_wrong() -> None:
    host = Host()
    device = host.device()
    with pytest.raises(UsageError, match="5 values, not 6"):
        device.predict(np.ones(5))
    with pytest.raises(UsageError, match="either"):
        device.learn(np.ones(6))
    with pytest.raises(UsageError, match="label -1"):
        device.learn(np.ones(6), label=-1)
    assert ask(host, Message(99, 1)).payload[:2] == bytes([2, 99])
    assert ask(host, Message(Type.LEARN, 1, b"12345")).payload[0] == 3
    assert ask(host, Message(Type.READ, 1, bytes(4), 1)).payload[0] == 4
    assert ask(host, Message(Type.READ, 1, struct.pack("<I", 21), 3)).payload == bytes(
        [5, 2, 0, 0, 20, 0, 0, 0]
    )


def test_another_protocol_version_is_named() -> None:
    request = bytearray(Message(Type.INFO, 1).pack())
    request[0] = 9
    (content,) = frames.Decoder().feed(Host().exchange(frames.encode(bytes(request))))
    assert Message.unpack(content).payload == bytes([1, 1, 0, 0, 1, 0, 0, 0])


def test_golden_exchanges() -> None:
    """Whole frames both ways, fixed for ever in protocol version 1."""
    path = Path(__file__).parent / "golden_exchanges.json"
    host = Host(settings=config(LearnMode.ALWAYS))
    for exchange in json.loads(path.read_text()):
        reply = host.exchange(bytes.fromhex(exchange["request"]))
        assert reply.hex() == exchange["reply"], exchange["what"]
        content = frames.Decoder().feed(bytes.fromhex(exchange["request"]))[0]
        assert frames.encode(content).hex() == exchange["request"]


def test_a_silent_device() -> None:
    class Silent(LossyLine):
        def send(self, data: bytes) -> None:
            pass

    with pytest.raises(DeviceError, match=r"lossy line: no answer to INFO in 3 attempts"):
        Device(Silent(Host(), 0), timeout=0.001, retries=2).info()
