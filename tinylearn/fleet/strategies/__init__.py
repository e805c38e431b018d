"""Strategies by name. A new one is one new file in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules
from typing import Any, TypeVar

from tinylearn.errors import UnsupportedError
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.fleet.strategies.parameters import checked_names, converted
from tinylearn.fleet.strategies.robust import RobustStrategy

T = TypeVar("T", bound=Strategy)


@cache
def all_strategies() -> tuple[type[Strategy], ...]:
    """Every strategy that stands on its own, by name."""
    return tuple(c for c in _classes() if not issubclass(c, RobustStrategy))


@cache
def all_wrappers() -> tuple[type[RobustStrategy], ...]:
    """Every robust aggregation, by name: used as ``wrapper:strategy``."""
    return tuple(c for c in _classes() if issubclass(c, RobustStrategy))


def find(name: str, parameters: Mapping[str, Any]) -> Strategy:
    """The strategy of a name like ``fed_avg`` or ``trimmed_mean:fed_avg``.

    ``parameters``: numbers, or text that is one; those of a wrapper and of what it wraps together.
    Raises UnsupportedError for an unknown name, UsageError that names the parameter.
    """
    wrapper, colon, inner = name.rpartition(":")
    kind = _named(inner, all_strategies(), name)
    if not colon:
        checked_names(name, parameters, _kinds(kind))
        return kind(**converted(name, parameters, _kinds(kind)))
    robust = _named(wrapper, all_wrappers(), name)
    own = _kinds(robust)
    checked_names(name, parameters, {*own, *_kinds(kind)})
    mine = {key: value for key, value in parameters.items() if key in own}
    others = {key: value for key, value in parameters.items() if key not in own}
    return robust(find(inner, others), **converted(name, mine, own))


def _named(name: str, among: tuple[type[T], ...], whole: str) -> type[T]:
    known = {c.name: c for c in among}
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? " if close else ""
    wrappers = ", ".join(f"{c.name}:STRATEGY" for c in all_wrappers())
    there = ", ".join(c.name for c in all_strategies())
    raise UnsupportedError(f"strategy {whole}: not known; {hint}there are {there}, {wrappers}")


def _kinds(kind: type[Any]) -> dict[str, str]:
    """Types of the parameters by name, as their annotations spell them."""
    return {field.name: str(field.type) for field in fields(kind) if field.name != "inner"}


def _classes() -> list[Any]:
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found = {c for m in modules for c in vars(m).values() if isclass(c) and issubclass(c, Strategy)}
    return sorted((c for c in found if c.name), key=lambda c: c.name)
