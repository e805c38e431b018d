"""Writes a project folder as a whole: either all of it is there, or nothing has changed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tinylearn.errors import UsageError

#: made by building and running; replaced together with what it was made from
_DERIVED = ("build", "twin")


def _previous_files(folder: Path) -> set[str]:
    """Files that an earlier generation says it wrote; none where tinylearn was never here."""
    for info in sorted(folder.glob("*_info.json")):
        try:
            content = json.loads(info.read_text())
            if str(content["generator"]).startswith("tinylearn "):
                return {str(name) for name in content["files"]} | {info.name}
        except (ValueError, KeyError, TypeError, OSError, RecursionError):
            continue
    return set()


def _foreign(folder: Path) -> list[str]:
    """Files in an existing folder that tinylearn did not write."""
    known = _previous_files(folder)
    derived = _DERIVED if known else ()
    present = (p.relative_to(folder) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    return sorted(
        p.as_posix() for p in present if p.parts[0] not in derived and p.as_posix() not in known
    )


def check_replaceable(folder: Path) -> None:
    """Raises UsageError where writing to ``folder`` would lose somebody's files."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"{folder}: exists and is not a folder; choose another -o")
    if folder.resolve() == Path.cwd() or folder.is_mount():
        raise UsageError(f"{folder}: this folder cannot be replaced; give -o a folder inside it")
    foreign = _foreign(folder) if folder.is_dir() else []
    if foreign:
        shown = ", ".join(foreign[:3]) + (", .." if len(foreign) > 3 else "")
        raise UsageError(
            f"{folder}: holds files that tinylearn did not write ({shown}); choose another -o"
        )


def write_project(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replaces ``folder`` by a folder of exactly ``files``."""
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in sorted(files.items()):
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        staged.chmod(0o755)
        _swap(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _swap(staged: Path, folder: Path) -> None:
    """Puts ``staged`` in the place of ``folder`` and leaves the old one under staged's name."""
    if not folder.exists():
        os.rename(staged, folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    try:
        os.rename(folder, old / "was")
        os.rename(staged, folder)
    except BaseException:
        if (old / "was").exists():
            os.rename(old / "was", folder)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_file(path: Path, content: bytes) -> None:
    """Writes one file completely or not at all."""
    with new_file(path) as file:
        file.write(content)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which is there as a whole when the block has ended, or not at all."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        error.filename = str(path)  # not the name that is gone afterwards
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as error:
        os.unlink(name)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # as of a full disk
        raise
