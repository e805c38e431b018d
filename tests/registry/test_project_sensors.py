"""Projects that read sensors: their C compiles without a warning, and gathers what it should."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from cli_tools import NETS, dense_net
from support import shared

from tinylearn.device.build import build_project
from tinylearn.device.host import open_device
from tinylearn.emit import packaging
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.sensors import Sensor
from tinylearn.emit.write import write_project
from tinylearn.errors import UsageError
from tinylearn.importers import keras, tflite
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import all_targets, find

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
TWO = (
    Sensor("accelerometer", 3, "x, y, z in m/s2"),
    Sensor("gyroscope", 3, "x, y, z in degrees/s"),
)

#: the accelerometer has a value each time it is asked, the gyroscope every third time
FILLED = """
static int count_a, count_g, asked;
int sensors_read_accelerometer(float *to) {
  for (int i = 0; i < 3; i++) to[i] = 0.1f * (float)(count_a * 3 + i);
  count_a++;
  return 1;
}
int sensors_read_gyroscope(float *to) {
  if (++asked % 3) return 0;
  for (int i = 0; i < 3; i++) to[i] = -0.1f * (float)(count_g * 3 + i);
  count_g++;
  return 1;
}
"""
MAIN = """
#include <stdio.h>
#include "sensors.h"
static int results;
void sensors_result(const float *y) {
  results++;
  for (int i = 0; i < 3; i++) printf("%.9g ", (double)y[i]);
  printf("\\n");
}
static void write_line(void *c, const uint8_t *b, size_t n) { (void)c; (void)b; (void)n; }
int main(void) {
  static const tl_session_port_t port = {write_line, NULL, NULL, NULL, NULL, NULL};
  static tl_session_t session;
  tl_session_init(&session, &tl_device, &port, NULL);
  for (int i = 0; i < 1000 && results < 3; i++) sensors_run(&session);
  printf("%u %u\\n", (unsigned)session.learner.learnt, (unsigned)results);
  return 0;
}
"""


def emitted(net: bytes, learn: str = "none", sensors: tuple[Sensor, ...] = TWO) -> EmittedModel:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motion.keras"
        path.write_bytes(net)
        compiled = compile_graph(keras.load(path), Choices(learn))
    return EmittedModel("motion", compiled, "motion.keras", 64 * "0", "0", sensors)


def project(
    folder: Path, model: EmittedModel, target: str = "cortex-m4f", form: str = "makefile"
) -> Path:
    write_project(folder, project_files(model, find(target), form))
    return folder


def host_program(folder: Path, more: str) -> list[list[float]]:
    """Builds the project's own sources with sensors filled in, runs it; the numbers it prints."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    (folder / "sensors.c").write_text('#include "sensors.h"\n' + FILLED + more)
    (folder / "test_main.c").write_text(MAIN)
    sources = [*folder.glob("*.c"), *(folder / "tinylearn").glob("*.c")]
    sources = [str(path) for path in sources if path.name != "main.c"]
    command = ["gcc", *STRICT, *SANITIZED, "-O1", "-DTL_USE_FMA=0", f"-I{folder}",
               f"-I{folder}/tinylearn", *sources, "-lm", "-o", str(folder / "program")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    ran = subprocess.run([str(folder / "program")], check=True, capture_output=True, text=True)
    return [[float(word) for word in line.split()] for line in ran.stdout.splitlines()]


def inputs(count: int) -> np.ndarray:
    """What the filled in sensors give, reading by reading: two of each make an input."""
    readings = 0.1 * np.arange(count * 6, dtype=np.float32).reshape(count * 2, 3)
    return np.concatenate([readings, -readings], axis=1).reshape(count, 12)


def test_inputs_are_gathered_and_run(tmp_path: Path) -> None:
    model = emitted(dense_net(12, (5, "relu"), (3, "softmax")))
    *outputs, counts = host_program(project(tmp_path / "p", model), "")
    with open_device("twin", project(tmp_path / "twin", model)) as twin:
        wanted = [twin.predict(x) for x in inputs(3)]
    np.testing.assert_allclose(outputs, wanted, rtol=1e-5, atol=1e-7)
    assert counts == [0, 3]


@pytest.mark.parametrize(("given", "learnt"), [("1", 3), ("0", 0), ("count_a == 4", 1)])
def test_what_is_known_is_learnt(tmp_path: Path, given: str, learnt: int) -> None:
    model = emitted(dense_net(12, (5, "relu"), (3, "softmax")), "all")
    label = f"int sensors_label(uint32_t *label) {{ *label = 1; return {given}; }}\n"
    *outputs, counts = host_program(project(tmp_path / "p", model), label)
    assert len(outputs) == 3 and counts[1] == 3
    assert counts[0] == learnt


def test_a_regression_learns_from_targets(tmp_path: Path) -> None:
    model = emitted(dense_net(12, (5, "relu"), (3, "linear")), "all")
    target = "int sensors_target(float *t) { t[0] = t[1] = t[2] = 0.5f; return 1; }\n"
    *_, counts = host_program(project(tmp_path / "p", model), target)
    assert counts == [3, 3]


@pytest.mark.parametrize("learn", ["none", "all"])
@pytest.mark.parametrize(
    "target", [t for t in all_targets() if t.ports], ids=lambda target: target.name
)
def test_the_stub_builds_for_every_target(tmp_path: Path, target, learn: str) -> None:
    if not shutil.which("make") or not shutil.which(f"{target.cross_prefix}gcc"):
        pytest.skip("needs make and the cross compiler")
    model = emitted(dense_net(6, (2, "relu"), (2, "softmax")), learn)
    if target.core == "AVR" and learn == "all":
        pytest.skip("learning and the protocol do not fit there together")
    assert build_project(project(tmp_path / "p", model, target.name), "motion", target).is_file()


@pytest.mark.parametrize("form", packaging.names())
def test_every_format_has_the_sensors(tmp_path: Path, form: str) -> None:
    model = emitted(NETS["cnn"](), sensors=(Sensor("camera", 0, "pixels"),))
    files = project_files(model, find("cortex-m4f"), form)
    ours = [name for name in files if name.endswith(("/sensors.c", "/sensors_run.c"))
            or name in ("sensors.c", "sensors_run.c")]  # fmt: skip
    assert len(ours) == 2
    text = b"".join(files.values())
    if form != "library":
        assert b"sensors_run(&session)" in text or b"sensors_input(x)" in text


def test_without_sensors_nothing_changes() -> None:
    model = emitted(dense_net(12, (5, "relu"), (3, "softmax")), sensors=())
    files = project_files(model, find("cortex-m4f"), "makefile")
    assert not [name for name in files if "sensors" in name]
    assert b"sensors" not in files["main.c"]


def test_a_model_called_sensors_needs_another_name() -> None:
    model = replace(emitted(dense_net(12, (3, "softmax"))), name="sensors")
    with pytest.raises(UsageError, match="--name sensors"):
        project_files(model, find("cortex-m4f"), "makefile")


QUANTIZED = """
#include <stdio.h>
#include "sensors.h"
int main(void) {
  for (int i = -60; i <= 60; i++) printf("%d ", sensors_quantized(0.37f * (float)(i * i * i)));
  return 0;
}
"""


@pytest.mark.parametrize(
    "name",
    ["Micro_Speech_Yes_No_1", "Motion_Trainer_Left_Right", "Hello_World", "Visual_Alarm_Clock"],
)
def test_a_stub_of_integers_compiles_and_quantizes(tmp_path: Path, name: str) -> None:
    path = shared.folder("models") / f"{name}.tflite"
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    compiled = compile_graph(tflite.load(path), Choices())
    model = EmittedModel("motion", compiled, path.name, 64 * "0", "0", TWO)
    folder = project(tmp_path / "p", model)
    include = [f"-I{folder}", f"-I{folder}/tinylearn"]
    for source in ("sensors.c", "sensors_run.c"):
        command = ["gcc", *STRICT, *include, "-c", str(folder / source), "-o", str(tmp_path / "o")]
        subprocess.run(command, check=True, capture_output=True)
    quant = compiled.program.input.quant
    if quant is None:
        return
    (tmp_path / "q.c").write_text(QUANTIZED)
    program = str(tmp_path / "q")
    command = ["gcc", *STRICT, *SANITIZED, *include, str(tmp_path / "q.c"), "-o", program]
    subprocess.run(command, check=True, capture_output=True)
    ran = subprocess.run([program], check=True, capture_output=True, text=True)
    given = 0.37 * np.arange(-60, 61, dtype=np.float64) ** 3
    low, high = (
        np.iinfo(compiled.program.input.dtype).min,
        np.iinfo(compiled.program.input.dtype).max,
    )
    wanted = np.clip(np.round(given / quant.scale + quant.zero_point), low, high)
    got = np.array(ran.stdout.split(), int)
    assert np.abs(got - wanted).max() <= 1 and (got == wanted).mean() > 0.9
    assert (got[0], got[-1]) == (low, high)
