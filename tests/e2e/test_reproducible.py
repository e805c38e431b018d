"""Equal input gives equal bytes: another folder, another hash seed, another time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.shared import ROOT

SCRIPT = """
import hashlib, json, sys
from support.graphs import Net
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.packaging import names
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import find

net = Net("net", (6, 6, 2))
net.conv("conv", 4, act="relu6")
left = net.depthwise("depthwise", padding="same", act="tanh")
net.cur = "conv/activation"
net.concat("joined", ("conv/activation", left), 2)
net.flatten()
net.dense("hidden", 8, "relu")
net.dense("out", 4, "softmax")
graph = net.done()
found = {}
for i, choices in enumerate((
    Choices(), Choices("all", optimizer=Optimizer(0.9, 0.1, 2)),
    Choices(head=Head(2, at="features", standardize=True), max_classes=5, guard=True),
    Choices(ram_budget=20000, standardize_input=True),
)):
    model = EmittedModel("net", compile_graph(graph, choices), "net.keras", "0" * 64, "0.1.0")
    for target in ("cortex-m0", "cortex-m4f"):
        for project_format in names():
            for name, content in project_files(model, find(target), project_format).items():
                found[f"{i}/{target}/{project_format}/{name}"] = hashlib.sha256(content).hexdigest()
                for forbidden in sys.argv[1:]:
                    assert forbidden.encode() not in content, (name, forbidden)
print(json.dumps(found, indent=1))
"""


def generate(folder: Path, seed: str) -> str:
    folder.mkdir()
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "TZ": f"UTC-{seed}"}
    command = [sys.executable, "-c", SCRIPT, str(ROOT), str(folder), str(Path.home())]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not any(folder.iterdir()), "generating in memory wrote files"
    return done.stdout


@pytest.fixture(scope="module")
def digests(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("reproducible")
    first = generate(folder / "one", "0")
    time.sleep(2.1)  # zip and tar archives count in steps of two seconds
    return [first, generate(folder / "a longer name", "12345")]


def test_every_file_of_every_format_is_byte_identical(digests: list[str]) -> None:
    first, second = (text.split("\n") for text in digests)
    assert [a for a, b in zip(first, second, strict=True) if a != b] == []


def test_the_files_are_those_of_a_project(digests: list[str]) -> None:
    for expected in (
        "net.c",
        "net.h",
        "net_device.c",
        "net_info.json",
        "net_graph.npz",
        "MODEL_CARD.md",
    ):
        assert re.search(rf'"0/cortex-m4f/\w+/([\w/]*/)?{re.escape(expected)}"', digests[0]), (
            expected
        )
