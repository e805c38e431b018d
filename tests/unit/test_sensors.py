from __future__ import annotations

import pytest

from tinylearn.emit.sensors import Sensor, layout

ACCELEROMETER = Sensor("accelerometer", 3, "x, y, z")
GYROSCOPE = Sensor("gyroscope", 3, "x, y, z")
CAMERA = Sensor("camera", 0, "pixels")


@pytest.mark.parametrize(
    ("shape", "sensors", "rows", "offsets"),
    [
        ((128, 6), (ACCELEROMETER, GYROSCOPE), 128, [(0, 3), (3, 3)]),
        ((12,), (ACCELEROMETER, GYROSCOPE), 2, [(0, 3), (3, 3)]),
        ((128, 3), (ACCELEROMETER,), 128, [(0, 3)]),
        ((3,), (ACCELEROMETER,), 1, [(0, 3)]),
        ((96, 96, 1), (CAMERA,), 1, [(0, 9216)]),
        ((32, 32, 3), (CAMERA, ACCELEROMETER), 1, [(0, 3072), (0, 3072)]),
        ((13,), (ACCELEROMETER,), 1, [(0, 13)]),
    ],
)
def test_how_sensors_share_an_input(
    shape: tuple[int, ...], sensors: tuple[Sensor, ...], rows: int, offsets: list[tuple[int, int]]
) -> None:
    found = layout(shape, sensors)
    assert found.rows == rows
    assert [(part.offset, part.values) for part in found.parts] == offsets
    assert found.shared == (len(sensors) > 1 and found.parts[-1].offset == 0)


def test_functions_have_names_of_their_own_that_c_takes() -> None:
    strange = (Sensor("int", 1, ""), Sensor("light sensor", 1, ""), Sensor("Licht?!", 1, ""))
    names = [part.function for part in layout((3,), strange).parts]
    assert names == ["sensors_read_n_int", "sensors_read_light_sensor", "sensors_read_licht"]
