"""What strategies there are, for people."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from tinylearn.fleet.strategies import all_strategies, all_wrappers
from tinylearn.fleet.strategies.base import Strategy


@dataclass(frozen=True)
class Described:
    """``name`` as it is given; ``summary`` with the paper; ``details``: the whole description;
    ``parameters``: defaults by name."""

    name: str
    summary: str
    details: str
    parameters: dict[str, Any]

    def parameter_text(self) -> str:
        """All on one line."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters.items())

    def as_json(self) -> dict[str, Any]:
        """By the fields' names."""
        return asdict(self)


def described() -> list[Described]:
    """All strategies, then all wrappers."""
    wrappers = [_described(kind, f"{kind.name}:STRATEGY") for kind in all_wrappers()]
    return [_described(kind, kind.name) for kind in all_strategies()] + wrappers


def _described(kind: type[Any], name: str) -> Described:
    parameters = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    strategy: type[Strategy] = kind
    return Described(name, strategy.summary, " ".join((kind.__doc__ or "").split()), parameters)
