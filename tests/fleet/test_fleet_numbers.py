"""The fleet's messages: the same bytes and numbers on the host and on the device."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fleet_devices import SOFTMAX, SOURCES, FleetHost, c_runtime

from tinylearn.device.messages import Message
from tinylearn.errors import BadInputError
from tinylearn.fleet import messages as m

GOLDEN = json.loads((Path(__file__).parent / "golden_messages.json").read_text())


def shown(body: m.Body) -> dict[str, Any]:
    """A body's fields as JSON has them."""
    values = {field.name: getattr(body, field.name) for field in fields(body)}
    return {name: value.hex() if isinstance(value, bytes) else value
            for name, value in values.items()} | {"kind": type(body).__name__}  # fmt: skip


def contents() -> Iterator[tuple[str, dict[str, Any], dict[int, type[m.Body]]]]:
    for step in GOLDEN:
        for way, known in (("down", m.DOWN), ("up", m.UP)):
            if way in step:
                yield step[way], step[f"{way} says"], known


def test_the_host_reads_and_writes_the_golden_messages() -> None:
    kinds = set()
    for content, says, known in contents():
        body = m.unpack(bytes.fromhex(content), known)
        assert json.loads(json.dumps(shown(body))) == says
        assert body.pack().hex() == content
        kinds.add(type(body))
    assert kinds == {*m.UP.values(), *m.DOWN.values()} - {m.Gone}


def test_the_device_holds_the_golden_conversation() -> None:
    """Whole messages both ways, fixed for ever in protocol version 1."""
    host, samples = FleetHost(), iter(list(zip(*SOURCES[SOFTMAX]("", 1, 1, 6), strict=True)))
    device, said = host.device(), []
    device.on_message = lambda content: said.append(content.hex())
    for step in GOLDEN:
        if "down" in step:
            said += [content.hex() for content in host.tell(bytes.fromhex(step["down"]))]
        for _ in range(step.get("learns", 0)):
            x, label = next(samples)
            device.learn(x, label=int(label))
        device.metrics()
        assert said == ([step["up"]] if "up" in step else []), step["what"]
        said.clear()


@pytest.mark.parametrize(
    ("enum", "prefix"),
    [(m.Phase, "TL_PHASE_"), (m.Verdict, "TL_VERDICT_"), (m.Fault, "TL_FAULT_"),
     (m.Encoding, "TL_ENCODING_"), (m.TaskFlag, "TL_TASK_"), (m.Capability, "TL_FLEET_CAN_")],
)  # fmt: skip
def test_host_and_device_agree_on_every_number(enum: type[IntEnum], prefix: str) -> None:
    there = numbers()
    members = {prefix + member.name: int(member) for member in enum}
    members = {name: value for name, value in members.items() if not name.endswith("_NONE")}
    assert members == {name: there.get(name) for name in members}


def test_host_and_device_agree_on_types_and_sizes() -> None:
    there = numbers()
    for body in (*m.UP.values(), *m.DOWN.values()):
        name = f"TL_FLEET_{body.__name__.upper()}"
        assert there[name] == body.kind
        assert there[f"{name}_BYTES"] == body.layout.size


@given(st.binary(max_size=120), st.sampled_from([*m.UP, *m.DOWN, 0, 255]), st.booleans())
def test_any_bytes_are_a_message_or_bad_input(noise: bytes, kind: int, framed: bool) -> None:
    content = Message(kind, 0, noise).pack() if framed else noise
    for known in (m.UP, m.DOWN):
        try:
            body = m.unpack(content, known)
        except BadInputError:
            continue
        assert m.unpack(body.pack(), known).pack() == body.pack()


def numbers() -> dict[str, int]:
    text = (c_runtime.SOURCES / "tl_fleet_message.h").read_text()
    return {name: int(value, 0) for name, value in re.findall(r"\b(TL_\w+) = (0x\w+|\d+)", text)}
