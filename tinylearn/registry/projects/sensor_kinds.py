"""What one reading of a sensor is, by its class: how many values, and which."""

from __future__ import annotations

from tinylearn.emit.sensors import Sensor
from tinylearn.registry.matching import words

#: channels and their meaning; the unit is the usual one, as the model may be trained with another
_KINDS = {
    "accelerometer": (3, "x, y, z in m/s2 (or in g, if the model was trained so)"),
    "gyroscope": (3, "x, y, z in degrees/s (or in rad/s, if the model was trained so)"),
    "magnetometer": (3, "x, y, z in microtesla"),
    "microphone": (0, "samples or their features, as the model was trained"),
    "camera": (0, "pixels row by row, as the model was trained"),
    "thermometer": (1, "degrees Celsius"),
    "hygrometer": (1, "% relative humidity"),
    "barometer": (1, "hPa"),
    "light sensor": (1, "lux"),
    "proximity sensor": (1, "as the sensor counts"),
}
_ANY = (0, "as the model was trained")


def sensor_of(iri: str) -> Sensor:
    """Of a sensor class."""
    name = words.sensor(iri)
    channels, values = _KINDS.get(name, _ANY)
    return Sensor(name, channels, values)


def sensors_of(iris: frozenset[str]) -> tuple[Sensor, ...]:
    """In the order of their names, two of the same name once."""
    found = {sensor.name: sensor for sensor in map(sensor_of, iris)}
    return tuple(found[name] for name in sorted(found))
