"""Boards and cores that code can be generated for. A new one is one new file in this folder."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from tinylearn.errors import UnsupportedError
from tinylearn.targets.target import Target


@cache
def all_targets() -> tuple[Target, ...]:
    """Every target, those that run here first, by name."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    found = [m.TARGET for m in modules if isinstance(getattr(m, "TARGET", None), Target)]
    return tuple(sorted(found, key=lambda target: (target.emulator is None, target.name)))


def find(name: str) -> Target:
    """The target of that name; raises UnsupportedError with what there is."""
    targets = {target.name: target for target in all_targets()}
    if name in targets:
        return targets[name]
    close = [t.name for t in all_targets() if t.emulator and name == t.emulator.machine]
    close = close or get_close_matches(name, targets, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? " if close else ""
    raise UnsupportedError(f"target {name}: not known; {hint}there are {', '.join(targets)}")
