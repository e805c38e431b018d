"""Output formats: one module each in this folder, with NAME, TITLE, NEXT and files().

A dash in a format's name is an underscore in its module's.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Protocol, cast

from tinylearn.emit.model import EmittedModel
from tinylearn.errors import UnsupportedError
from tinylearn.targets.target import Target


class Format(Protocol):
    """What a format module offers. ``NEXT``: what to do with a project, for {name} in {out}."""

    NAME: str
    TITLE: str
    NEXT: str

    def files(
        self, model: EmittedModel, target: Target, sources: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        """The project's files: the generated sources, the firmware they need, the frame."""


def names() -> list[str]:
    """Known formats, sorted."""
    modules = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return sorted(name.replace("_", "-") for name in modules)


def find(name: str) -> Format:
    """The format of a name."""
    if name not in names():
        raise UnsupportedError(f"--format {name}: unknown; known are {', '.join(names())}")
    return cast(Format, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))
