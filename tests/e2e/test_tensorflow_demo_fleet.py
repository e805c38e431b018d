"""The demo's fleet act, small: everything real but the emulated board."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn.datasets", reason="needs tinylearn[demo]")
pytest.importorskip("tensorflow", reason="needs tinylearn[train]")
sys.path.append(str(Path(__file__).resolve().parents[2] / "tools" / "lib"))

import demo_fleet

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc, a C compiler"),
]


def test_a_new_device_learns_faster_from_the_fleets_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    act = demo_fleet.Act(tmp_path, 1, emulator=False, twins=8, rounds=40, newcomers=3)
    untrained, fleet = demo_fleet.play(act)
    assert len(fleet) == len(demo_fleet.SHOTS)
    assert fleet[-1] > untrained[-1] + 0.15
    out = capsys.readouterr().out
    assert "the emulated board is left out" in out
    assert "round 40, version 41; 200 updates taken" in out
