"""The model alone, for a project that has its own build: generated C and the kernels it calls."""

from __future__ import annotations

from collections.abc import Mapping

from tinylearn.emit.model import EmittedModel
from tinylearn.emit.packaging._tree import library
from tinylearn.targets.target import Target

NAME = "library"
TITLE = "C sources without a build system"
NEXT = "tinylearn validate {out}; compile *.c and tinylearn/*.c with -I. -Itinylearn"


def files(model: EmittedModel, target: Target, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The project's files; compile *.c and tinylearn/*.c with -I. -Itinylearn."""
    return {**sources, **library()}
