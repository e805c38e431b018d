"""The device below an agent: a twin in this process, or a board behind a serial line."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.client import Device
from tinylearn.device.messages import Loss, Status, StepReport
from tinylearn.device.twin import ROOM, Twin
from tinylearn.errors import BadInputError, DeviceError, RefusedError
from tinylearn.fleet.messages import UP, Announce, Who, unpack


class Board(Protocol):
    """What takes part: fleet messages in and out, and samples."""

    name: str

    def take(self, content: bytes) -> list[bytes]:
        """One message down; what the device answers."""

    def learn(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[int, list[bytes]]:
        """Samples for the task; how many were used, and what the device then sends."""

    def announce(self, births: int, free_ram: int) -> bytes:
        """The device's ANNOUNCE with the numbers that it does not know itself."""

    def heard(self, timeout: float) -> list[bytes]:
        """What the device sent unasked within ``timeout`` s."""


class TwinBoard:
    """A twin. ``room``: the largest message that it takes."""

    def __init__(self, twin: Twin, room: int = ROOM) -> None:
        self.name, self.twin, self._room = twin.name, twin, room

    def take(self, content: bytes) -> list[bytes]:
        """See Board."""
        answer = self.twin.fleet(content, self._room)
        return [answer] if answer is not None else []

    def learn(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[int, list[bytes]]:
        """See Board; stops where there is something to send."""
        used, message = self.twin.fleet_learn(x, y, self._room)
        return used, [message] if message is not None else []

    def announce(self, births: int, free_ram: int) -> bytes:
        """See Board."""
        return self.twin.announce(births, free_ram, self._room)

    def heard(self, timeout: float) -> list[bytes]:
        """A twin says nothing unasked."""
        return []


class SerialBoard:
    """A board that serves the device protocol over any transport. What it answers to a message
    comes before the reply to the request after it, which marks the end."""

    def __init__(self, device: Device) -> None:
        self.name, self._device = device.transport.name, device
        self._messages: list[bytes] = []
        device.on_message = self._messages.append
        self._info = device.info()
        self._messages.clear()

    def take(self, content: bytes) -> list[bytes]:
        """See Board."""
        self._device.pass_on(content)
        self._device.metrics()
        return self._taken()

    def learn(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[int, list[bytes]]:
        """See Board; stops at a sample that the device refuses, and where no task is learning."""
        used = 0
        with contextlib.suppress(RefusedError):
            for row, target in zip(x, y, strict=True):
                report = self._learn(row, target)
                used += 1
                if report.status is Status.REFUSED or self._messages:
                    break
        self._device.metrics()
        return used, self._taken()

    def _learn(self, x: NDArray[Any], y: Any) -> StepReport:
        if np.ndim(y) == 0 and np.asarray(y).dtype.kind in "iu" and self._info.loss != Loss.MSE:
            return self._device.learn(x, label=int(y), task=True)
        return self._device.learn(x, target=np.ravel(y), task=True)

    def announce(self, births: int, free_ram: int) -> bytes:
        """See Board. Raises DeviceError where the firmware has no part in a fleet."""
        for message in self.take(Who().pack()):
            said = unpacked(message)
            if isinstance(said, Announce):
                return replace(said, births=births, free_ram=free_ram).pack()
        raise DeviceError(
            f"{self.name}: does not answer as a device of a fleet; generate its firmware with "
            "--fleet"
        )

    def heard(self, timeout: float) -> list[bytes]:
        """See Board; a message may come in many pieces."""
        deadline = time.monotonic() + timeout
        while not self._messages:
            left = deadline - time.monotonic()
            if not self._device.listen(max(left, 0.0)) or left <= 0:
                break
        return self._taken()

    def _taken(self) -> list[bytes]:
        messages = self._messages.copy()
        self._messages.clear()
        return messages


def unpacked(message: bytes) -> object:
    """A message up of a device; None for what is none."""
    try:
        return unpack(message, UP)
    except BadInputError:
        return None
