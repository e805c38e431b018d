"""Which files there are, and what kind each is of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from tinylearn.errors import BadInputError

#: bytes of one file; a registry as a whole is restored, not imported
MOST_BYTES = 64 << 20
_SNIFFED = 64 << 20
_INFO = "_info.json"
_TD_CONTEXTS = ("/wot/td", "/ns/td", "/wot/discovery")


class Kind(Enum):
    """By what reads it."""

    TURTLE = "Turtle"
    THING = "Thing Description"
    MODEL = "model"
    DUMP = "dump"


_BY_SUFFIX = {
    ".ttl": Kind.TURTLE, ".jsonld": Kind.THING, ".tflite": Kind.MODEL, ".keras": Kind.MODEL,
    ".trig": Kind.DUMP, ".nq": Kind.DUMP,
}  # fmt: skip


def kind_of(path: Path) -> Kind:
    """Of a file that somebody has named; raises BadInputError for what cannot be imported."""
    if path.name.endswith(_INFO):
        return Kind.MODEL
    if path.suffix == ".json":
        return Kind.THING
    kind = _BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise BadInputError(
            f"{path}: cannot be imported; there are {_known()}, and folders of these"
        )
    return kind


def all_found(paths: Iterable[Path]) -> list[Path]:
    """What ``found`` finds for each; raises BadInputError for a folder without anything to import."""
    files = []
    for path in paths:
        inside = list(found(path))
        if not inside:
            raise BadInputError(f"{path}: holds nothing that can be imported; there are {_known()}")
        files += inside
    return files


def found(path: Path) -> Iterator[Path]:
    """The file, or all files in a folder and below that can be imported, in order. Hidden folders,
    builds, links, and JSON files that are no Thing Descriptions are left out."""
    if not path.is_dir():
        if not path.is_file():
            what = "is no regular file" if path.exists() else "there is no such file or folder"
            raise BadInputError(f"{path}: {what}")
        kind_of(path)
        yield path
        return
    for inner in sorted(path.iterdir()):
        if inner.name.startswith(".") or inner.is_symlink():
            continue
        if inner.is_dir() and inner.name not in ("build", "node_modules"):
            yield from found(inner)
        elif inner.is_file() and _is_wanted(inner):
            yield inner


def read_bytes(path: Path) -> bytes:
    """A file of bounded size."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BadInputError(
            f"{path}: {size:,} bytes; at most {MOST_BYTES:,} are read. Split it, or load a dump with restore"
        )
    return path.read_bytes()


def _known() -> str:
    return ", ".join(sorted([*_BY_SUFFIX, ".json"]))


def _is_wanted(path: Path) -> bool:
    if path.name.endswith(_INFO):
        return True
    if path.suffix == ".json":
        return _says_td(path)
    return path.suffix.lower() in _BY_SUFFIX


def _says_td(path: Path) -> bool:
    """Whether a JSON file names a context of Thing Descriptions. One that cannot be read is none."""
    if path.stat().st_size > _SNIFFED:
        return False
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return path.name.endswith(".td.json")
    context = content.get("@context") if isinstance(content, dict) else None
    names = context if isinstance(context, list) else [context]
    return any(isinstance(n, str) and any(part in n for part in _TD_CONTEXTS) for n in names)
