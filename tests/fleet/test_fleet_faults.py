"""Loss, repetition, reordering and resets between a coordinator and the C device: always the same
weights, and one update."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fleet_devices import (
    INPUTS,
    LINEAR,
    SMALL,
    SOFTMAX,
    Coordinator,
    FleetHost,
    play,
    task,
    version,
)

from tinylearn.fleet import messages as m
from tinylearn.fleet.agent import Agent

SPARSE = m.TaskFlag.SPARSE


def local(kind: int) -> m.Task:
    return task(kind, size=4 * INPUTS, local_samples=2)


TASKS = [task(SOFTMAX), task(LINEAR), task(SOFTMAX, flags=SPARSE), local(LINEAR)]
KINDS = [SOFTMAX, LINEAR, SOFTMAX, LINEAR]


@dataclass
class Line:
    """What is on its way, both ways, and who takes it."""

    host: FleetHost
    agent: Agent
    coordinator: Coordinator
    down: list[bytes] = field(default_factory=list)
    up: list[bytes] = field(default_factory=list)

    def deliver_down(self, at: int) -> None:
        if self.down:
            self.up += self.agent.take(self.down.pop(at % len(self.down)))

    def deliver_up(self, at: int) -> None:
        if self.up:
            self.down += self.coordinator.take(self.up.pop(at % len(self.up)))

    def lose(self, queue: list[bytes], at: int) -> None:
        if queue:
            queue.pop(at % len(queue))

    def repeat(self, queue: list[bytes], at: int) -> None:
        if queue:
            queue.append(queue[at % len(queue)])

    def reset(self) -> None:
        """As after a power cut; the agent knows, by the board's first word."""
        self.host.restart()
        self.agent.reborn()

    def act(self, what: int, at: int) -> None:
        actions = [
            lambda: self.deliver_down(at), lambda: self.deliver_up(at),
            lambda: self.lose(self.down, at), lambda: self.lose(self.up, at),
            lambda: self.repeat(self.down, at), lambda: self.repeat(self.up, at),
            lambda: self.down.append(self.coordinator.nudge()),
            lambda: self.up.extend(self.agent.learn(1 + at % 3)), self.reset,
        ]  # fmt: skip
        actions[what]()

    def settle(self) -> None:
        """From now on nothing is lost: a few nudges, and all is delivered."""
        for _ in range(4):
            self.down.append(self.coordinator.nudge())
            while self.down or self.up or self.agent.wants_samples:
                self.deliver_down(0)
                self.up += self.agent.learn()
                self.deliver_up(0)


def line(which: int) -> Line:
    wanted, kind = TASKS[which], KINDS[which]
    host = FleetHost(kind, defines=SMALL)
    part = version(kind)[wanted.first : wanted.first + wanted.size]
    return Line(host, host.agent(), Coordinator(wanted, part))


def reference(which: int) -> tuple[bytes, bytes]:
    """The update's stream and the weights after a round without faults."""
    calm = line(which)
    play(calm.agent, calm.coordinator)
    return bytes(calm.coordinator.pieces), calm.host.weights()


REFERENCES: dict[int, tuple[bytes, bytes]] = {}


def check(shaken: Line, which: int) -> None:
    if which not in REFERENCES:
        REFERENCES[which] = reference(which)
    stream, weights = REFERENCES[which]
    assert len(shaken.coordinator.updates) == 1 and not shaken.coordinator.refusals
    assert bytes(shaken.coordinator.pieces) == stream
    assert shaken.host.weights() == weights
    assert shaken.host.phase is m.Phase.DONE


ACTIONS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), max_size=60)


@given(which=st.integers(0, 3), actions=ACTIONS)
@settings(max_examples=150)
def test_loss_repetition_and_reordering_end_in_the_same(
    which: int, actions: list[tuple[int, int]]
) -> None:
    shaken = line(which)
    for what, at in actions:
        shaken.act(what, at)
    shaken.settle()
    check(shaken, which)


@pytest.mark.parametrize("which", range(4))
def test_long_storms_with_resets_end_in_the_same(which: int) -> None:
    for seed in range(12):
        dice, shaken = random.Random(seed), line(which)
        for _ in range(120):
            what = dice.choices(range(9), [6, 6, 2, 2, 1, 1, 2, 3, 0.5])[0]
            shaken.act(what, dice.randrange(10))
        shaken.settle()
        check(shaken, which)


@pytest.mark.parametrize("which", range(4))
def test_a_reset_at_every_step_of_the_protocol(which: int) -> None:
    steps = _steps_without_reset(which)
    for at in range(steps):
        shaken = line(which)
        _run(shaken, at)
        shaken.settle()
        check(shaken, which)


def _run(shaken: Line, reset_at: int) -> int:
    """One message or sample a step; a reset before one of them. Gives the steps taken."""
    shaken.down.append(shaken.coordinator.nudge())
    step = 0
    while shaken.down or shaken.up or shaken.agent.wants_samples:
        if step == reset_at:
            shaken.reset()
        if shaken.agent.wants_samples:
            shaken.up += shaken.agent.learn(1)
        elif shaken.down:
            shaken.deliver_down(0)
        else:
            shaken.deliver_up(0)
        step += 1
    return step


def _steps_without_reset(which: int) -> int:
    steps = _run(line(which), -1)
    assert steps > 10
    return steps


def test_repeated_messages_do_not_multiply() -> None:
    """A conversation of which each message comes twice ends, with few messages more."""
    shaken, sent = line(0), 0
    shaken.down.append(shaken.coordinator.nudge())
    while shaken.down or shaken.up or shaken.agent.wants_samples:
        shaken.repeat(shaken.down, 0)
        for _ in range(2):
            sent += bool(shaken.down)
            shaken.deliver_down(0)
        shaken.up += shaken.agent.learn()
        while shaken.up:
            shaken.deliver_up(0)
        assert sent < 200
    shaken.settle()
    check(shaken, 0)


def test_a_deployment_and_tasks_at_once_come_to_an_end() -> None:
    """A device that is asked for both does both, whatever is repeated."""
    host = FleetHost(LINEAR)
    agent, weights = host.agent(), version(LINEAR, 9)
    blob = replace(host.device().read_weights(), weights=weights).pack()
    deploy = m.Deploy(3, len(blob), zlib.crc32(blob), task(LINEAR).model_hash).pack()
    coordinator, done = Coordinator(task(LINEAR), version(LINEAR)), []
    for _ in range(6):
        waiting = [coordinator.nudge(), *([] if done else [deploy])]
        while waiting:
            for content in agent.handle(waiting.pop(0)):
                said = m.unpack(content, m.UP)
                if isinstance(said, m.Pull) and said.run == 0:
                    data = blob[said.offset : said.offset + said.room]
                    waiting.append(m.Chunk(3, said.offset, data).pack())
                else:
                    done += [said] if isinstance(said, m.Deployed) else []
                    waiting += coordinator.take(content)
    assert done and done[0] == m.Deployed(3, 0)
    assert len(coordinator.updates) == 1
