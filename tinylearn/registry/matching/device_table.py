"""Devices as columns: one row a device, numbers only, so that many pairs are compared at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.matching.terms import WORD, Terms

Numbers = NDArray[np.intp]

#: bytes and Hz: -1 where not known; fpu: 1, 0, or -1 where not known; core and target: numbers of names
ROW = np.dtype(
    [("ram", "<i8"), ("flash", "<i8"), ("clock", "<i8"), ("power", "<f8"), ("core", "<i4"),
     ("target", "<i4"), ("fpu", "i1"), ("there", "?")]
)  # fmt: skip
#: a device of which nothing is known
NOTHING = np.array((-1, -1, -1, np.nan, -1, -1, -1, True), ROW)
MOST = 2**62


class DeviceTable:
    """Devices under numbers from 0 on; one that is removed leaves its number to whoever comes back
    under its IRI. ``sensors``: those that matter, which are the ones that some model reads."""

    def __init__(self, sensors: Iterable[str] = ()) -> None:
        self.sensors = Terms(sensors)
        self.targets, self.cores = Terms(), Terms()
        self.iris: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows = np.zeros(0, ROW)
        self._masks = np.zeros((0, self.sensors.words), np.uint64)
        self._order: Numbers | None = None

    @property
    def rows(self) -> NDArray[np.void]:
        """ROW of each number."""
        return self._rows[: len(self.iris)]

    @property
    def masks(self) -> NDArray[np.uint64]:
        """Sensors of each number, as bits."""
        return self._masks[: len(self.iris)]

    @property
    def numbers(self) -> Numbers:
        """Of the devices that are there."""
        return np.flatnonzero(self.rows["there"])

    @property
    def order(self) -> Numbers:
        """Place of each number in the order of the IRIs."""
        if self._order is None or len(self._order) != len(self.iris):
            by_iri = sorted(range(len(self.iris)), key=self.iris.__getitem__)
            self._order = np.empty(len(by_iri), np.intp)
            self._order[by_iri] = np.arange(len(by_iri))
        return self._order

    def number(self, iri: str) -> int | None:
        """Of a device that is there."""
        number = self._numbers.get(iri)
        return number if number is not None and self._rows["there"][number] else None

    def fill(self, iris: list[str], rows: NDArray[np.void], masks: NDArray[np.uint64]) -> None:
        """Takes whole columns into an empty table; the names of cores and targets are added already."""
        assert not self.iris and len(iris) == len(rows) == len(masks)
        self.iris, self._rows, self._masks = iris, rows, masks
        self._numbers = {iri: number for number, iri in enumerate(iris)}
        self._order = None

    def put(self, device: Device) -> None:
        """Adds a device or replaces what was known of it."""
        number = self._number(device.iri)
        self._rows[number] = (
            _count(device.ram_bytes), _count(device.flash_bytes), _count(device.clock_hz),
            np.nan if device.power_watts is None else device.power_watts,
            self.cores.add(device.core), self.targets.add(device.target),
            -1 if device.fpu is None else device.fpu, True,
        )  # fmt: skip
        self._masks[number] = self.sensors.mask(device.sensors, self._masks.shape[1])

    def put_all(self, others: DeviceTable) -> None:
        """The same of many, which have the same sensors under the same bits."""
        assert list(others.sensors) == list(self.sensors)
        rows = others.rows.copy()
        for field, mine, theirs in (("core", self.cores, others.cores),
                                    ("target", self.targets, others.targets)):  # fmt: skip
            rows[field] = np.array([*map(mine.add, theirs), -1])[rows[field]]
        numbers = [self._number(iri) for iri in others.iris]
        self._rows[numbers], self._masks[numbers] = rows, others.masks

    def remove(self, iri: str) -> None:
        """Forgets a device; nothing where there is none."""
        if iri in self._numbers:
            self._rows["there"][self._numbers[iri]] = False

    def add_sensor(self, sensor: str, having: Iterable[str]) -> None:
        """A sensor that matters from now on, and the IRIs of the devices that have it."""
        bit = self.sensors.add(sensor)
        if self.sensors.words > self._masks.shape[1]:
            more = np.zeros((len(self._masks), 1), np.uint64)
            self._masks = np.concatenate([self._masks, more], axis=1)
        numbers = [self._numbers[iri] for iri in having if iri in self._numbers]
        self._masks[numbers, bit // WORD] |= np.uint64(1 << bit % WORD)

    def device(self, number: int) -> Device:
        """What the columns hold of a device: no title, and only the sensors that matter."""
        row = self._rows[number]
        return Device(
            self.iris[number], self.iris[number],
            _known(row["ram"]), _known(row["flash"]), self.cores.name(int(row["core"])),
            None if row["fpu"] < 0 else bool(row["fpu"]), None, _known(row["clock"]),
            None if np.isnan(row["power"]) else float(row["power"]),
            self.sensors.of_mask(self._masks[number]), self.targets.name(int(row["target"])),
        )  # fmt: skip

    def _number(self, iri: str) -> int:
        """Of a device that may be new."""
        number = self._numbers.get(iri)
        if number is None:
            number = self._numbers[iri] = len(self.iris)
            self.iris.append(iri)
            self._grow()
        return number

    def _grow(self) -> None:
        """Room for one more, and as many again, so that adding many is not quadratic."""
        if len(self.iris) > len(self._rows):
            more = max(16, len(self._rows))
            self._rows = np.concatenate([self._rows, np.zeros(more, ROW)])
            self._masks = np.concatenate(
                [self._masks, np.zeros((more, self._masks.shape[1]), np.uint64)]
            )


def _count(value: int | None) -> int:
    """As an int64 that leaves room for differences."""
    return -1 if value is None or value < 0 else min(value, MOST)


def _known(value: np.int64) -> int | None:
    return None if value < 0 else int(value)
