"""What int8 inference may cost on the emulated Cortex-M4F and M55: below CMSIS-NN's count."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import shared

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "benchmarks"))
pytest.importorskip("tensorflow", reason="needs TensorFlow to quantize the workloads")
import models as zoo
import workloads as nets

pytestmark = pytest.mark.emulated
CODE = 10_000


@dataclass(frozen=True)
class Bar:
    """Instructions an inference on the M4F; ``softmax``: whether the net keeps its own."""

    workload: str
    softmax: bool
    instructions: int


BARS = (Bar("W2", True, 9_000), Bar("W2", False, 5_500), Bar("W3", True, 200_000))


@pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None,
    reason="needs qemu-system-arm and gcc-arm-none-eabi",
)
@pytest.mark.parametrize("bar", BARS, ids=lambda b: f"{b.workload}-{b.softmax}")
def test_int8_inference_stays_below_its_bar(bar: Bar, tmp_path: Path) -> None:
    folder = shared.folder("workloads")
    path = tmp_path / "net.tflite"
    nets.save_tflite(nets.load(folder, bar.workload), bar.workload, path, bar.softmax)
    row = zoo.examine(path, 256, "single", list(zoo.CORES))
    assert row.error == ""
    assert row.mismatched_bytes == 0 and set(row.board_mismatched_bytes.values()) == {0}
    assert row.instructions["cortex-m4f"] <= bar.instructions
    assert row.code_bytes <= CODE
    if bar.workload == "W3":
        assert row.instructions["cortex-m55"] * 3 <= row.instructions["cortex-m4f"]
