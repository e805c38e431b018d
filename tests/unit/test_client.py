"""The client against a scripted device: retries, late replies, nonsense."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from tinylearn.device import frames
from tinylearn.device.client import Device
from tinylearn.device.messages import (
    INFO,
    IS_REPLY,
    PREDICT_HEAD,
    READ_HEAD,
    STEP,
    Area,
    Event,
    Message,
    Status,
    Type,
)
from tinylearn.errors import DeviceError, RefusedError

Answer = Callable[[Message], list[Message]]


def reply(request: Message, payload: bytes = b"") -> Message:
    return Message(request.type | IS_REPLY, request.sequence, payload)


def info(frame_bytes: int = 256) -> bytes:
    return INFO.pack(1, 3, 0, frame_bytes, 1, 4, 3, 8, 100, 500, 1, 3, bytes(16))


class Scripted:
    """Answers as told, by default as a device of 4 inputs and 3 outputs would."""

    name = "scripted device"

    def __init__(self, answer: Answer | None = None, frame_bytes: int = 256) -> None:
        self.requests: list[Message] = []
        self.answer = answer or self.default
        self.frame_bytes = frame_bytes
        self.line = b""
        self.closed = False

    def default(self, request: Message) -> list[Message]:
        if request.type == Type.INFO:
            return [reply(request, info(self.frame_bytes))]
        if request.type == Type.READ and request.flags == Area.NAME:
            return [reply(request, READ_HEAD.pack(0, 2) + b"ab")]
        if request.type == Type.PREDICT:
            y = np.array([0.5, 0.25, 0.25], "<f4").tobytes()
            return [reply(request, PREDICT_HEAD.pack(0, 3, 0, 0) + y)]
        if request.type == Type.LEARN:
            return [reply(request, STEP.pack(0, 3, 1, 9, 0.5, 11, 12))]
        return [reply(request)]

    def send(self, data: bytes) -> None:
        for content in frames.Decoder().feed(data):
            request = Message.unpack(content)
            self.requests.append(request)
            self.line += b"".join(frames.encode(m.pack()) for m in self.answer(request))

    def receive(self, timeout: float) -> bytes:
        """A few bytes at a time, as a slow line gives them."""
        data, self.line = self.line[:7], self.line[7:]
        return data

    def close(self) -> None:
        self.closed = True


def device(line: Scripted, retries: int = 3) -> Device:
    return Device(line, timeout=0.002, retries=retries)


def test_predict_and_learn() -> None:
    line = Scripted()
    with device(line) as dut:
        assert dut.predict(np.ones((2, 2))).tolist() == [0.5, 0.25, 0.25]
        report = dut.learn([1, 2, 3, 4], label=9)
    assert (report.status, report.events) == (Status.OK, Event.LEARNED | Event.HIT)
    assert (report.output, report.label, report.loss) == (1, 9, 0.5)
    assert report.learned and report.hit and not report.drift
    assert line.closed
    writes = [r for r in line.requests if r.type == Type.WRITE]
    assert writes[1].payload == struct.pack("<I4f", 0, 1, 2, 3, 4)


def test_a_lost_reply_is_asked_for_again_under_the_same_sequence() -> None:
    line = Scripted()
    seen: list[Message] = []

    def lose_first(request: Message) -> list[Message]:
        seen.append(request)
        return line.default(request) if seen.count(request) > 1 else []

    line.answer = lose_first
    device(line).save()
    assert len(seen) == 2 and seen[0] == seen[1]


def test_each_request_has_its_own_sequence() -> None:
    line = Scripted()
    dut = device(line)
    for _ in range(5):
        dut.save()
    numbers = [r.sequence for r in line.requests]
    assert np.diff(numbers).astype(np.uint16).tolist() == [1] * 4


def test_late_replies_and_echoes_are_passed_over() -> None:
    line = Scripted()

    def noisy(request: Message) -> list[Message]:
        late = Message(request.type | IS_REPLY, (request.sequence - 1) & 0xFFFF, b"late")
        other = Message(Type.SAVE | IS_REPLY, request.sequence, b"other")
        return [request, late, other, *line.default(request)]

    line.answer = noisy
    assert device(line).info().name == "ab"


def test_noise_on_the_line_is_passed_over() -> None:
    line = Scripted()
    line.line = b"boot: hello\r\n\x00\x05ab\x00"
    assert device(line).info().inputs == 4


def test_silence_is_an_error_that_names_the_device() -> None:
    line = Scripted(lambda request: [])
    with pytest.raises(DeviceError, match="scripted device: no answer to METRICS in 3 attempts"):
        device(line, retries=2).metrics()
    assert len(line.requests) == 3


def test_a_reply_that_came_while_this_process_slept_counts() -> None:
    line = Scripted()
    assert Device(line, timeout=0.0, retries=0).info().name == "ab"


def test_noise_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Scripted(lambda request: [])
    monkeypatch.setattr(line, "receive", lambda timeout: b"noise")
    with pytest.raises(DeviceError, match="no answer to METRICS in 1 attempts"):
        Device(line, timeout=0.0, retries=0).metrics()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (bytes([6, 13, 0, 0, 0, 0, 0, 0]), "refused SAVE: its model or board cannot"),
        (bytes([5, 13, 0, 0, 20, 0, 0, 0]), "beyond the 20 bytes"),
        (bytes([200, 13, 0, 0, 0, 0, 0, 0]), "unknown code 200"),
        (b"?", "in a way that is unknown"),
    ],
)
def test_refusals(payload: bytes, words: str) -> None:
    line = Scripted(lambda request: [Message(Type.ERROR, request.sequence, payload)])
    with pytest.raises(DeviceError, match=words) as e:
        device(line).save()
    assert isinstance(e.value, RefusedError) == (payload[:1] in b"\x05\x06" and len(payload) == 8)
    assert len(line.requests) == 1  # a refusal is an answer, not a reason to try again


@pytest.mark.parametrize(
    "payload", [b"", bytes(48), info()[:-1], info()[:1] + b"\x09" + info()[2:], info(20)]
)
def test_a_nonsense_info_is_a_device_error(payload: bytes) -> None:
    line = Scripted(lambda request: [reply(request, payload)])
    with pytest.raises(DeviceError, match="scripted device"):
        device(line).info()


@pytest.mark.parametrize("size", [0, 5, 1 << 31])
def test_a_read_without_progress_ends(size: int) -> None:
    line = Scripted()

    def stuck(request: Message) -> list[Message]:
        if request.type == Type.READ and request.flags == Area.WEIGHTS:
            return [reply(request, READ_HEAD.pack(1, size))]
        if request.type == Type.READ and request.flags == Area.TENSORS:
            return [reply(request, READ_HEAD.pack(0, 8) + bytes(8))]
        return line.default(request)

    line.answer = stuck
    with pytest.raises(DeviceError, match="no progress"):
        device(line).read_weights()


def test_large_inputs_go_in_chunks_that_fit_the_frame() -> None:
    line = Scripted(frame_bytes=64)
    whole = info(64)
    line.answer = lambda request: (
        [reply(request, whole[:8] + struct.pack("<I", 100) + whole[12:])]
        if request.type == Type.INFO
        else Scripted.default(line, request)
    )
    x = np.arange(100, dtype="<f4")
    device(line).predict(x)
    chunks = [r.payload for r in line.requests if r.type == Type.WRITE]
    assert all(len(chunk) <= 64 - 12 for chunk in chunks)
    assert b"".join(chunk[4:] for chunk in chunks) == x.tobytes()
    assert [struct.unpack_from("<I", chunk)[0] for chunk in chunks] == list(range(0, 400, 48))
