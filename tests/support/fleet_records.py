"""Small records for tests of stores."""

from __future__ import annotations

import zlib

from tinylearn.fleet.messages import Encoding
from tinylearn.fleet.records import (
    AddUpdate,
    AddVersion,
    Change,
    KeptUpdate,
    PutRound,
    Round,
    Run,
    Version,
)

BYTES = 16


def a_run(number: int = 1, **other: object) -> Run:
    values: dict = {"strategy": "reptile", "parameters": {"rate": 0.5}, "seed": 7}
    return Run(
        number,
        **values | {"model_name": "m", "model_hash": bytes(16)} | other,  # type: ignore[arg-type]
        weights_bytes=24,
        exchanged_bytes=BYTES,
    )


def weights(number: int) -> bytes:
    """Those of a version, different for each."""
    return number.to_bytes(4, "little") * (BYTES // 4)


def version(number: int, parent: int | None = None, round_: int = 0, reports: int = 1) -> Version:
    parent = number - 1 if parent is None else parent
    content = weights(number)
    return Version(number, parent, round_, zlib.crc32(content), reports, content)


def update(round_: int, device: str, stream: bytes = b"", attempt: int = 1) -> KeptUpdate:
    return KeptUpdate(round_, device, attempt, Encoding.WEIGHTS, 10, 0.25, 1.5, stream)


def add_versions(first: int, last: int) -> list[Change]:
    return [AddVersion(version(number)) for number in range(first, last + 1)]


def sequential_round(number: int) -> list[Change]:
    """What a coordinator commits when the only device of a round has answered: round and version
    go in step, the next round is opened at once."""
    return [
        PutRound(Round(number, number, ("dev",), False, number + 1)),
        AddUpdate(update(number, "dev")),
        AddVersion(version(number + 1, round_=number)),
        PutRound(Round(number + 1, number + 1, ("dev",))),
    ]
