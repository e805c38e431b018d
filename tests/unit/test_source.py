"""Generated C as text and as object code: warnings, sizes, byte ranges, what is not there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.graphs import Net, mlp
from support.harness import WARNINGS, compile_c, emitted

from tinylearn.emit.device import emit_device
from tinylearn.emit.header import emit_header
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.source import emit_source
from tinylearn.ir.graph import Graph
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices


def everything(name: str = "net") -> Graph:
    """One network with every op that a model can hold and that passes gradients."""
    net = Net(name, (8, 8, 2))
    net.op("zero_pad", "pad", attrs={"pads": (1, 0, 0, 1)})
    net.conv("conv", 4, strides=(2, 2), act="leaky_relu")
    net.batch_norm("norm")
    left = net.depthwise("depthwise", 1, padding="same", act="relu6")
    window = {"kernel": (2, 2), "strides": (1, 1), "padding": "same"}
    net.op("max_pool", "max", attrs=window)
    right = net.op("average_pool", "average", attrs=window)
    added = net.op("add", "add", (left, right))
    net.concat("joined", (added, left), axis=2)
    flat = net.flatten()
    net.dense("hidden", 6, "sigmoid")
    hidden = net.cur
    net.cur = "joined"
    net.op("global_average_pool", "gap")
    net.concat("both", (net.cur, hidden), axis=0)
    net.dense("out", 4, "softmax")
    assert flat
    return net.done()


CHOICES = {
    "frozen": Choices(),
    "all": Choices("all"),
    "last": Choices("last:1"),
    "gap": Choices("conv,out"),
    "momentum": Choices("all", optimizer=Optimizer(0.9)),
    "batches": Choices("all", optimizer=Optimizer(0.9, 0.01, 8, False)),
    "mse": Choices("all", loss="mse", standardize_input=True),
    "grown": Choices(head=Head(2, "softmax", "features", False, True), max_classes=6, guard=True),
}
COMPILERS = {
    "gcc-O2": ("gcc", "-O2"),
    "gcc-O0": ("gcc", "-O0"),
    "gcc-fma": ("gcc", "-O2", "-mfma", "-DTL_USE_FMA=1"),
    "cortex-m0": ("arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m0", "-mthumb"),
    "cortex-m4f": ("arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard",
                   "-mfpu=fpv4-sp-d16"),
    "rv32": ("riscv64-unknown-elf-gcc", "-O2", "-march=rv32imac", "-mabi=ilp32",
             "--specs=picolibc.specs"),
}  # fmt: skip


def models() -> list[EmittedModel]:
    return [emitted(everything(), choices, name) for name, choices in CHOICES.items()]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for model in models():
        (folder / f"{model.name}.h").write_text(emit_header(model))
        (folder / f"{model.name}.c").write_text(emit_source(model))
        (folder / f"{model.name}_device.c").write_text(emit_device(model))
    return folder


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", ["frozen", "batches", "grown"])
def test_compiles_without_a_warning(sources: Path, compiler: str, name: str) -> None:
    """The static assertion inside also holds the struct to the plan on every core."""
    command, *flags = COMPILERS[compiler]
    if shutil.which(command) is None:
        pytest.skip(f"needs {command} on the PATH")
    for source in (f"{name}.c", f"{name}_device.c"):
        out = sources / f"{compiler}_{name}.o"
        compile_c(sources / source, out, command, *WARNINGS, *flags, "-c")


@pytest.mark.parametrize("name", CHOICES)
def test_text_is_plain_and_short_of_line(sources: Path, name: str) -> None:
    for source in (f"{name}.h", f"{name}.c", f"{name}_device.c"):
        text = (sources / source).read_text()
        assert text.isascii()
        assert text.endswith("\n") and not text.endswith("\n\n")
        assert all(len(line) <= 110 and line == line.rstrip() for line in text.split("\n")), source
        assert str(Path.home()) not in text and "/tmp" not in text


@pytest.mark.parametrize("name", CHOICES)
def test_no_heap_no_loop_no_libc_beyond_string(sources: Path, name: str) -> None:
    text = (sources / f"{name}.c").read_text()
    assert not re.search(r"\b(malloc|calloc|free|printf|alloca)\b", text)
    loops = re.findall(r"\bfor \(.*", text)
    assert all("m->classes" in loop for loop in loops), "the generator printed a loop of its own"
    assert set(re.findall(r"#include <(.*)>", text)) <= {"stddef.h", "string.h"}


def test_what_is_not_needed_is_not_printed(sources: Path) -> None:
    frozen = (sources / "frozen.c").read_text() + (sources / "frozen.h").read_text()
    frozen = frozen.replace("tinylearn", "")
    for word in ("learn", "backward", "update", "gradient", "sgd"):
        assert word not in frozen
    assert "momentum" not in (sources / "all.h").read_text()
    last = (sources / "last.c").read_text()
    assert last.count("_backward_f32(") == 1


@pytest.mark.parametrize("name", CHOICES)
def test_object_has_the_flash_weights_of_the_plan(sources: Path, name: str) -> None:
    """Constants of the object are the weights; nothing is stored that was not counted."""
    model = next(m for m in models() if m.name == name)
    compile_c(sources / f"{name}.c", sources / f"size_{name}.o", "gcc", *WARNINGS, "-Os", "-c")
    listed = subprocess.run(["size", "-A", sources / f"size_{name}.o"], capture_output=True,
                            text=True, check=True).stdout  # fmt: skip
    sizes = {line.split()[0]: int(line.split()[1]) for line in listed.split("\n")
             if re.match(r"\.\w", line)}  # fmt: skip
    constants = sum(v for k, v in sizes.items() if k.startswith(".rodata"))
    flash = model.compiled.plan.flash_weights
    zeros = sum(t.bytes for t in model.ram_tensors if not t.data.any())  # gcc may fold these
    assert flash - zeros <= constants <= flash + 256
    assert sizes[".text"] < 20_000, "weights became code"
    assert not sum(
        v for k, v in sizes.items() if k.startswith((".data", ".bss")) and "rel" not in k
    )


def test_weights_are_read_and_written_by_byte_range(build) -> None:
    (c,) = build(emitted(mlp(), Choices("all")))
    total = c.model.weights_bytes
    initial = np.concatenate([t.data.ravel() for t in c.model.ram_tensors])
    assert c.weights().tobytes() == initial.astype("<f4").tobytes()
    content = np.random.default_rng(0).bytes(total)
    assert all(c.write(at, content[at : at + 7]) == 0 for at in range(0, total, 7))
    assert c.read(0, total) == (0, content)
    assert c.read(3, 9) == (0, content[3:12])
    assert c.read(total, 0) == (0, b"")
    assert c.write(total, b"") == 0
    for offset, count in ((0, total + 1), (total, 1), (total + 1, 0), (2**32 - 1, 2), (1, total)):
        assert c.read(offset, min(count, total + 1))[0] == -1
    for offset in (total - 3, total + 1, 2**32 - 1):
        assert c.write(offset, b"abcd") == -1
    assert c.read(0, total) == (0, content)
    c.init()
    assert c.weights().tobytes() == initial.astype("<f4").tobytes()


def test_plan_table_of_weights_is_the_byte_range(build) -> None:
    from tinylearn.emit.info import weights_table

    (c,) = build(emitted(mlp(), Choices("all")))
    for row in weights_table(c.model):
        status, content = c.read(row["offset"], row["bytes"])
        data = c.model.compiled.program.graph[row["name"]].data
        assert (status, content) == (0, data.astype("<f4").tobytes())


def test_network_of_every_op_equals_the_oracle(build) -> None:
    from support.compare import compare

    for c in build(*(m for m in models() if not m.observes)):
        assert compare(c, steps=5).worst <= 1e-5, c.model.name


def test_instances_do_not_share_state(build) -> None:
    from support.harness import CModel

    (first,) = build(emitted(mlp(), Choices("all")))
    second = CModel(first.library, first.model)
    untouched = second.weights().tobytes()
    first.learn_label(np.ones(5), 1)
    assert second.weights().tobytes() == untouched
    assert first.weights().tobytes() != untouched
