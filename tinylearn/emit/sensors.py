"""Which sensors give a model its input on the device, and how they share it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tinylearn.emit.names import unique_identifiers


@dataclass(frozen=True)
class Sensor:
    """``name``: in words; ``channels``: values of one reading, 0 where a reading is the whole input, such as
    an image; ``values``: what they are, in words."""

    name: str
    channels: int
    values: str


@dataclass(frozen=True)
class Part:
    """A sensor's function, and where in a row its values are."""

    sensor: Sensor
    function: str
    offset: int
    values: int


@dataclass(frozen=True)
class Layout:
    """An input is ``rows`` readings of all sensors, one after the other. ``shared``: nobody knows how the
    sensors share the input, so each of them is given all of it."""

    rows: int
    values: int
    parts: tuple[Part, ...]
    shared: bool


def layout(shape: tuple[int, ...], sensors: tuple[Sensor, ...]) -> Layout:
    """Rows of one reading each where the last axis, or a flat input's length, goes with the sensors'
    channels; else the whole input at once."""
    names = unique_identifiers([sensor.name for sensor in sensors])
    channels, size = sum(sensor.channels for sensor in sensors), prod(shape)
    known = all(sensor.channels for sensor in sensors)
    in_rows = known and (shape[-1] == channels or (len(shape) == 1 and size % channels == 0))
    parts, at = list[Part](), 0
    for sensor in sensors:
        taken = sensor.channels if in_rows else size
        parts.append(Part(sensor, f"sensors_read_{names[sensor.name]}", at, taken))
        at += taken if in_rows else 0
    rows = size // channels if in_rows else 1
    return Layout(rows, size // rows, tuple(parts), not in_rows and len(sensors) > 1)
