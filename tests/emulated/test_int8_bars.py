"""What int8 inference may cost on the emulated Cortex-M4F and M55: below CMSIS-NN's count."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import shared
from support.live import largest_pair

from tinylearn.cli.main import main
from tinylearn.device.host import open_device

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "benchmarks"))
pytest.importorskip("tensorflow", reason="needs TensorFlow to quantize the workloads")
import models as zoo
import workloads as nets

pytestmark = pytest.mark.emulated
CODE = 10_000
#: of a step that learns the last layer, to an inference of the int8 model
SHARE_OF_INFERENCE = {"float32": 1.15, "int8": 1.10}


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
    pair = largest_pair(zoo.emitted(path, "single").compiled.program)
    assert row.ram_bytes <= 1.1 * pair
    if bar.workload == "W3":
        assert row.instructions["cortex-m55"] * 3 <= row.instructions["cortex-m4f"]


@pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None,
    reason="needs qemu-system-arm and gcc-arm-none-eabi",
)
@pytest.mark.parametrize("arithmetic", SHARE_OF_INFERENCE)
def test_learning_last_layer_costs_little_more_than_int8_inference(
    arithmetic: str, tmp_path: Path
) -> None:
    folder, path = shared.folder("workloads"), tmp_path / "w3.tflite"
    arrays = nets.load(folder, "W3")
    nets.save_tflite(arrays, "W3", path)
    spent = []
    for name, options in (
        ("inference", ()),
        ("learning", ("--learn", "last:1", "--arithmetic", arithmetic)),
    ):
        assert main(["generate", str(path), "-o", str(tmp_path / name), *options, "--json"]) == 0
        info = json.loads(next((tmp_path / name).glob("*_info.json")).read_text())
        quant = info["input"]
        x = np.clip(np.rint(arrays["X"][0] / quant["scale"]) + quant["zero_point"], -128, 127)
        with open_device("emulator", tmp_path / name) as device:
            if options:
                step = device.learn(x, target=arrays["T"][0], raw=True, measure=True)
                spent.append(step.cost.instructions)
            else:
                spent.append(device.measure_predict(x)[1].instructions)
    assert spent[1] <= SHARE_OF_INFERENCE[arithmetic] * spent[0]
