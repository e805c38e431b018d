"""int8 kernels byte for byte as LiteRT: in portable C under AddressSanitizer and UBSan, and on
every emulated core with what the core has (DSP extension, MVE)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import boards_s8
import pytest
from library import HERE, INCLUDES, SANITIZE, STRICT

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the oracle")
import cases_s8
import vectors_s8
from support.emulated import EMULATED, need

from tinylearn.targets import find
from tinylearn.targets.target import Target

#: code and constants of all vectors
IMAGE_BYTES = 400 * 1024
LAYERS = ("dense", "conv", "depthwise")
#: specialised for their sizes, as generated code has them
LITERAL = {f"{kind}_{n}" for kind in ("dense", "conv_taps", "conv_row", "depthwise")
           for n in (1, 4, 6, 15, 16, 19, 33)} | {"conv_words_8", "conv_near_limits"}  # fmt: skip


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> list[vectors_s8.Vector]:
    """All cases as LiteRT's reference kernels round, layers also of uint8 networks; where rounding
    rules differ, also as its optimized kernels round."""
    folder = tmp_path_factory.mktemp("tflite")
    unsigned = cases_s8.of_odd_sizes(cases_s8.of_layers(*LAYERS))
    return [*vectors_s8.vectors(cases_s8.every(), "INT8", "single", folder),
            *vectors_s8.vectors(unsigned, "UINT8", "single", folder),
            *vectors_s8.vectors(cases_s8.of_ties("dense", "conv"), "INT8", "double", folder)]  # fmt: skip


@pytest.fixture(scope="module")
def oracle(vectors: list[vectors_s8.Vector]) -> list[str]:
    return [vector.oracle() for vector in vectors]


def on_host(source: str, folder: Path, *include: str) -> list[str]:
    """What the program prints, under both sanitizers."""
    program = folder / "host"
    files = [str(HERE / source), str(HERE / "host_s8.c")]
    sanitizers = ["-O1", "-g", "-fsanitize=address", *SANITIZE]
    subprocess.run(["gcc", *STRICT, *sanitizers, *INCLUDES, *include, *files, "-o", str(program)],
                   check=True)  # fmt: skip
    environment = {"ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    assert done.stdout.endswith(boards_s8.END)
    return done.stdout.removesuffix(boards_s8.END).splitlines()


@pytest.fixture(scope="module")
def learning(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return on_host("vectors_i8.c", tmp_path_factory.mktemp("learning"))


def test_the_vectors_tell_apart(oracle):
    assert len(oracle) > 400
    assert len({line.split()[1] for line in oracle}) > 0.9 * len(oracle)


def test_the_roundings_differ(oracle):
    """Else the vectors would prove nothing about them."""
    single, double = ({line.split("_", 2)[2] for line in oracle if line.startswith(f"i8_{rounding}")}
                      for rounding in ("single", "double"))  # fmt: skip
    assert len(double - single) > 0.8 * len(double) > 70


def test_portable_kernels_equal_litert(vectors, oracle, tmp_path):
    vectors_s8.write(vectors, tmp_path)
    assert on_host("vectors_s8.c", tmp_path, f"-I{tmp_path}") == oracle


@pytest.mark.emulated
@pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)
def test_every_core_equals_litert(target: Target, vectors, oracle, tmp_path):
    need(target)
    images = 1 if target.program_bytes > IMAGE_BYTES else 2
    for part in range(images):
        vectors_s8.write(vectors[part::images], tmp_path)
        elf = boards_s8.build(target, "vectors_s8.c", tmp_path, f"-I{tmp_path}")
        assert boards_s8.lines(target, elf) == oracle[part::images]


@pytest.mark.emulated
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4f", "cortex-m55"])
def test_kernels_with_literal_sizes_equal_litert(core, vectors, tmp_path):
    target = find(core)
    need(target)
    chosen = [v for v in vectors if v.name.split("_", 2)[2] in LITERAL]
    vectors_s8.write(chosen, tmp_path, literal=True)
    elf = boards_s8.build(target, "vectors_s8.c", tmp_path, f"-I{tmp_path}")
    assert boards_s8.lines(target, elf) == [vector.oracle() for vector in chosen]


@pytest.mark.emulated
@pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)
def test_every_core_learns_as_the_host(target: Target, learning, tmp_path):
    """vectors_i8.c: kernels of learning in integers; test_i8.py holds them to their formulas."""
    need(target)
    elf = boards_s8.build(target, "vectors_i8.c", tmp_path)
    assert boards_s8.lines(target, elf) == learning
    assert len(set(learning)) == len(learning) == 105
