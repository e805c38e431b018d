"""Bridges a serial or emulated board to a fleet's link: messages both ways, samples where it has
none of its own, and the board's restarts."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator

from tinylearn.device.client import Device
from tinylearn.errors import DeviceError
from tinylearn.fleet.agent import Agent
from tinylearn.fleet.board import SerialBoard, unpacked
from tinylearn.fleet.feed import Source
from tinylearn.fleet.messages import Announce, Deployed
from tinylearn.fleet.transports.base import DeviceLink

_LOG = logging.getLogger(__name__)
#: a retained announcement can be lost (a broker without persistence that starts again behind a
#: proxy, one that drops what it has acknowledged): seconds until it is given again
_ANNOUNCE_SECONDS = 60.0
#: samples that are taught before the next message down is looked at
_SLICE = 16
_LONGEST_WAIT = 30.0


class Gateway:
    """One board, opened by ``connect``, and its link.

    Without a ``source`` of samples the board learns from its own stream. ``births``: at least as
    many starts as were ever announced for the device; seconds of the clock, if not told.
    ``free_ram`` in bytes, where it is known. ``clock`` gives seconds and never jumps.
    """

    def __init__(
        self, name: str, connect: Callable[[], Device], link: DeviceLink,
        source: Source | None = None, births: int | None = None, free_ram: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._clock, self._state, self._announce_at = clock, b"", 0.0
        self.name, self._connect, self._link = name, connect, link
        self._source, self._free_ram = source, free_ram
        self._births = int(time.time()) if births is None else births
        self._down: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._device: Device | None = None
        self._agent: Agent | None = None
        self._is_linked = False

    # ---- life ----

    def start(self) -> None:
        """Opens the board and the link. Raises DeviceError where either is not there."""
        self._open()

    def serve(self, stop: threading.Event, step: float = 0.02) -> None:
        """Bridges until ``stop``; a board that is lost is looked for again and again."""
        wait = 1.0
        while not stop.is_set():
            try:
                if self._agent is None:
                    self._open()
                self.step(step)
                wait = 1.0
            except DeviceError as error:
                _LOG.warning("%s: %s; trying again in %g s", self.name, error, wait)
                self._lose()
                stop.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT)

    def close(self) -> None:
        """Lets go of board and link."""
        self._lose()

    def _open(self) -> None:
        device = self._connect()
        try:
            board = SerialBoard(device)
            self._agent = Agent(self.name, board, self._source, self._births, self._free_ram)
            self._relink(self._agent)
        except BaseException:
            self._agent = None
            device.close()
            raise
        self._device = device

    def _relink(self, agent: Agent) -> None:
        """A new connection, as the will that it leaves behind names the start."""
        state, will = agent.announce(), agent.will()
        self._unlink()
        self._link.start(state, will, self._down.put)
        self._state, self._announce_at = state, self._clock() + _ANNOUNCE_SECONDS
        self._is_linked = True

    def _unlink(self) -> None:
        if self._is_linked:
            self._is_linked = False
            self._link.close()

    def _lose(self) -> None:
        """The board is gone, and with it its place in the fleet."""
        if self._agent is not None:
            self._births = self._agent.births + 1
        self._agent = None
        self._unlink()
        if self._device is not None:
            with contextlib.suppress(DeviceError):
                self._device.close()
            self._device = None

    # ---- messages ----

    def step(self, timeout: float) -> None:
        """What comes down, within ``timeout`` s where there is nothing to do, then some samples and
        what the board has said by itself. Raises DeviceError where the board is gone.

        It waits for the network, not for the board: in a transfer each piece is the answer to the one
        before it, while a board seldom speaks first.
        """
        agent = self._agent
        if agent is None:
            raise DeviceError(f"{self.name}: its gateway is not started")
        for content in self._arrived(0.0 if agent.wants_samples else timeout):
            self._pass_up(agent, agent.take(content))
        if self._clock() >= self._announce_at:
            self._announce(self._state)
        if agent.wants_samples:
            self._pass_up(agent, agent.learn(_SLICE))
        self._pass_up(agent, agent.sent(agent.board.heard(0.0)))

    def _arrived(self, timeout: float) -> Iterator[bytes]:
        """What has come down, the first of it after at most ``timeout`` s."""
        with contextlib.suppress(queue.Empty):
            yield self._down.get(timeout=timeout)
            while True:
                yield self._down.get_nowait()

    def _pass_up(self, agent: Agent, messages: list[bytes]) -> None:
        for message in messages:
            said = unpacked(message)
            if isinstance(said, Announce) and said.births != agent.births:
                self._restarted(agent)
                continue
            self._link.send(message)
            if isinstance(said, Deployed) and not said.fault:
                self._announce(agent.announce())

    def _announce(self, state: bytes) -> None:
        self._state, self._announce_at = state, self._clock() + _ANNOUNCE_SECONDS
        self._link.announce(state)

    def _restarted(self, agent: Agent) -> None:
        """The first word of a board that starts is an ANNOUNCE, which does not know its births."""
        _LOG.info("%s: the board has restarted", self.name)
        agent.reborn()
        self._relink(agent)
