"""What tests on emulated boards share: the boards, their tools, and a project for one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tinylearn import __version__
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import all_targets
from tinylearn.targets.target import Emulator, Target

#: by QEMU; the 8-bit board has tests of its own
EMULATED = [t for t in all_targets() if isinstance(t.emulator, Emulator)]


def need(target: Target) -> None:
    """Skips the test where the target's compiler, its emulator or make is missing."""
    assert isinstance(target.emulator, Emulator)
    for program in (f"{target.cross_prefix}gcc", target.emulator.program, "make"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def project(target: Target, folder: Path, graph: Graph, choices: Choices) -> EmittedModel:
    """Writes the Makefile project of a graph, under the graph's name."""
    compiled = compile_graph(graph, choices)
    model = EmittedModel(graph.name, compiled, f"{graph.name}.keras", "0" * 64, __version__)
    write_project(folder, project_files(model, target, "makefile"))
    return model
