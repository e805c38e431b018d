"""Reports: whether a model fits, sizes from ELF files, plots."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.graphs import Net
from support.harness import emitted

from tinylearn.errors import BadInputError, DoesNotFitError, MissingToolError, UsageError
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices
from tinylearn.report import plots
from tinylearn.report.fit import (
    PROGRAM_RAM,
    STACK_BYTES,
    fit,
    ram_needed,
    ram_to_infer,
    require_fit,
)
from tinylearn.report.size import model_code_bytes, sizes_of
from tinylearn.targets import find

# ---- fit ----


def model(choices: Choices | None = None):
    net = Net("net", (8,), seed=0)
    net.dense("hidden", 6, "relu")
    net.dense("out", 3, "softmax")
    return emitted(net.done(), choices or Choices())


def test_ram_is_struct_buffers_stack_and_program() -> None:
    frozen, learning = model(), model(Choices("all"))
    fixed = STACK_BYTES + PROGRAM_RAM
    assert ram_needed(frozen) == frozen.compiled.plan.ram_bytes + 4 * (8 + 3) + fixed
    assert ram_needed(learning) == learning.compiled.plan.ram_bytes + 4 * (8 + 3 + 3) + fixed


def test_labels_and_snapshot_take_their_ram() -> None:
    choices = Choices("all", max_classes=5)
    plain, guarded = model(choices), model(replace(choices, guard=True))
    assert ram_needed(guarded) - ram_needed(plain) == plain.weights_bytes
    base = plain.compiled.plan.ram_bytes + 4 * (8 + 5 + 5) + STACK_BYTES + PROGRAM_RAM
    assert ram_needed(plain) - base == 4 * 5, "a label for each output"


def test_flash_is_weights_code_and_program() -> None:
    target = find("cortex-m0")
    found = fit(model(), target)
    assert found.flash == found.flash_weights + found.flash_code
    assert found.flash_weights == 4 * (8 * 6 + 6 + 6 * 3 + 3)
    assert found.fits and found.problems() == []
    exact = replace(
        found, flash_available=found.flash + target.program_flash, ram_available=found.ram
    )
    assert exact.fits, "to the last byte"
    short = replace(exact, flash_available=exact.flash_available - 1, ram_available=found.ram - 1)
    assert [problem.split(":")[0] for problem in short.problems()] == ["RAM", "flash"]
    assert f"{found.ram:,} B needed, {found.ram - 1:,} B there" in short.problems()[0]


def test_require_fit_names_model_target_and_ways_out() -> None:
    target = find("cortex-m0")
    require_fit(model(), target)
    with pytest.raises(DoesNotFitError, match=r"model net does not fit cortex-m0: .*--force"):
        require_fit(model(), replace(target, ram_bytes=100))


@pytest.mark.parametrize(
    "choices",
    [
        Choices("all"),
        Choices("last:1"),
        Choices("all", optimizer=Optimizer(momentum=0.9)),
        Choices("all", standardize_input=True),
        Choices("all", max_classes=7),
        Choices(head=Head(4, "softmax", "features"), max_classes=6),
        Choices(head=Head(2, "sigmoid", "output", False, True)),
    ],
    ids=str,
)
def test_ram_to_infer_has_activations_alone(choices: Choices) -> None:
    learning = model(choices)
    assert 0 < ram_to_infer(learning) < learning.compiled.plan.ram_bytes
    assert ram_to_infer(learning) <= 4 * (8 + 8 + 6 + 7 + 7)


def test_ram_to_infer_of_a_frozen_model_is_its_plan() -> None:
    assert ram_to_infer(model()) == model().compiled.plan.ram_bytes


# ---- size ----

SOURCE = """
const int constants[25] = {1};
int data[50] = {1};
int zeroed[75];
int code(int x) { return x + data[x] + zeroed[x] + constants[x]; }
"""


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    (tmp_path / "net.c").write_text(SOURCE)
    (tmp_path / "build").mkdir()
    out = tmp_path / "build" / "net.o"
    flags = ["-O1", "-g", "-fno-common", "-fno-asynchronous-unwind-tables", "-fcf-protection=none"]
    subprocess.run(["gcc", *flags, "-c", tmp_path / "net.c", "-o", out], check=True)
    return out


def test_sizes_are_those_of_the_sections_that_are_loaded(elf: Path) -> None:
    found = sizes_of(elf)
    assert (found.constants, found.data, found.zeroed) == (100, 200, 300)
    assert 5 < found.code < 100, "debug sections do not count"
    assert found.flash == found.code + 300


def test_sizes_agree_with_the_tool_size(elf: Path) -> None:
    if shutil.which("size") is None:
        pytest.skip("needs binutils' size")
    ran = subprocess.run(["size", elf], capture_output=True, text=True, check=True)
    text, data, bss = map(int, ran.stdout.splitlines()[1].split()[:3])
    found = sizes_of(elf)
    assert (found.code + found.constants, found.data, found.zeroed) == (text, data, bss)


def test_model_code_is_without_its_weights(elf: Path) -> None:
    found = sizes_of(elf)
    assert model_code_bytes(elf.parents[1], "net", 100) == found.code


@pytest.mark.parametrize(
    "content", [None, b"", b"no ELF", b"\x7fELF", b"\x7fELF\2\1\1" + bytes(60)]
)
def test_what_is_no_elf_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "net.elf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"net\.elf: cannot read its sizes"):
        sizes_of(path)


def test_a_damaged_elf_file_never_ends_in_another_error(elf: Path) -> None:
    whole, random = elf.read_bytes(), np.random.default_rng(0)
    damaged = [whole[:size] for size in range(0, len(whole), max(len(whole) // 40, 1))]
    damaged += [
        whole[:at] + bytes([whole[at] ^ random.integers(1, 256)]) + whole[at + 1 :]
        for at in [*range(64), *random.integers(0, len(whole), 200)]
    ]
    refused = 0
    for content in damaged:
        elf.write_bytes(content)
        try:
            sizes_of(elf)
        except BadInputError:
            refused += 1
    assert refused > 40


# ---- plots ----


def test_curves_become_a_png_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a.png", "b.png"):
        plots.save_curves(tmp_path / name, {"frozen": [0.5, 0.25], "learning": [0.5, 0.75]},
                          "accuracy", "title", {1: "drift"})  # fmt: skip
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second and first.startswith(b"\x89PNG\r\n\x1a\n") and len(first) > 5000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_plot_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(OSError, match="gone"):
        plots.save_curves(tmp_path / "gone" / "a.png", {"a": [1.0]}, "loss")
    assert list(tmp_path.iterdir()) == []


def test_plots_are_png() -> None:
    pytest.importorskip("matplotlib")
    plots.check_png(Path("a.PNG"))
    with pytest.raises(UsageError, match=r"a\.svg: plots are PNG files; name it a\.png"):
        plots.check_png(Path("a.svg"))


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingToolError, match=r"tinylearn\[plots\]"):
        plots.check_png(Path("a.png"))
