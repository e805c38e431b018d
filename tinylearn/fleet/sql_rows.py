"""Records as rows: statements by table, made once from the records' fields, values always bound."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from tinylearn.fleet import records
from tinylearn.fleet.messages import Capability, Encoding

R = TypeVar("R")


class Codec(NamedTuple):
    """How a field becomes a column and back."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


#: ``json.dumps`` with options makes an encoder each time
_text = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


#: SQLite keeps NaN as NULL
FLOAT = Codec(float, lambda value: math.nan if value is None else value)
_BOOL = Codec(int, bool)
_TUPLE = Codec(_text, lambda text: tuple(json.loads(text)))
_DICT = Codec(_text, json.loads)
_BYTES = Codec(bytes, bytes)


@dataclass(frozen=True)
class Table(Generic[R]):
    """A table of records: ``scope`` are columns before the record's own, ``key`` is what makes a row
    unique, ``elsewhere`` are fields that other tables hold."""

    name: str
    record: type[R]
    scope: tuple[str, ...]
    key: tuple[str, ...]
    codecs: Mapping[str, Codec] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The record's columns."""
        names = (item.name for item in fields(self.record))  # type: ignore[arg-type]
        return tuple(name for name in names if name not in self.elsewhere)

    @cached_property
    def insert(self) -> str:
        """Inserts a row, or nothing where the key is there."""
        columns = (*self.scope, *self.own)
        places = ", ".join("?" * len(columns))
        return (
            f"INSERT INTO {self.name} ({', '.join(columns)}) VALUES ({places}) "
            f"ON CONFLICT ({', '.join(self.key)}) DO NOTHING"
        )

    @cached_property
    def put(self) -> str:
        """Inserts a row or replaces the one with its key."""
        rest = ", ".join(f"{name} = excluded.{name}" for name in self.own if name not in self.key)
        return self.insert.replace("DO NOTHING", f"DO UPDATE SET {rest}")

    def select(self, rest: str) -> str:
        """Selects the record's columns of the rows that ``rest`` names."""
        columns = ", ".join(f"{self.name}.{name}" for name in self.own)
        return f"SELECT {columns} FROM {self.name} {rest}"

    @cached_property
    def _codecs(self) -> tuple[tuple[str, Codec | None], ...]:
        return tuple((name, self.codecs.get(name)) for name in self.own)

    def values(self, record: R) -> list[Any]:
        """The record's columns."""
        return [
            codec.write(getattr(record, name)) if codec else getattr(record, name)
            for name, codec in self._codecs
        ]

    def read(self, row: tuple[Any, ...], **elsewhere: Any) -> R:
        """The record of a row that starts with ``own``."""
        named = zip(self._codecs, row, strict=False)
        found = {name: codec.read(value) if codec else value for (name, codec), value in named}
        return self.record(**found, **elsewhere)


RUNS = Table("runs", records.Run, ("head",), ("id",), {"parameters": _DICT, "model_hash": _BYTES})
VERSIONS = Table(
    "versions", records.Version, ("run", "shard"), ("run", "number"), elsewhere=("weights",)
)
ROUNDS = Table(
    "rounds",
    records.Round,
    ("run", "shard"),
    ("run", "shard", "number"),
    {"selected": _TUPLE, "open": _BOOL},
)
UPDATES = Table(
    "updates",
    records.KeptUpdate,
    ("run", "shard"),
    ("run", "shard", "round", "device"),
    {"encoding": Codec(int, Encoding), "loss": FLOAT, "norm": FLOAT},
    elsewhere=("stream",),
)
DEVICES = Table(
    "devices",
    records.Device,
    ("run",),
    ("run", "name"),
    {
        "model_hash": _BYTES,
        "capabilities": Codec(int, Capability),
        "online": _BOOL,
        "tags": _TUPLE,
        "paused": _BOOL,
        "evicted": _BOOL,
    },
)
ROLLOUTS = Table(
    "rollouts",
    records.Rollout,
    ("run", "shard"),
    ("run", "version", "shard"),
    {"stages": _TUPLE, "most_errors": FLOAT, "installed": _TUPLE, "failed": _TUPLE},
)
STATES = Table("states", records.PutState, ("run",), ("run", "key"))
LOG = Table("log", records.Log, ("run", "time"), ("ordinal",))
