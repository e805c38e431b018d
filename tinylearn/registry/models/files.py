"""The registry's own copies of model files, by the hash of their content, so that a match can become a
project. No path that a description names is ever opened.

They lie in ``models/`` in the folder of an embedded store; one behind an endpoint has no such place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from tinylearn.emit.write import write_file
from tinylearn.errors import BadInputError
from tinylearn.registry.models.iris import is_sha256, model_iri
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.folder import folder_of

FOLDER = "models"
SUFFIXES = (".tflite", ".keras", ".npz")
_LARGEST = 1 << 28
_INFO, _GRAPH = "_info.json", "_graph.npz"


def files_of(store: GraphStore) -> Path | None:
    """Where a store's model files are; None where it has no folder of its own."""
    folder = folder_of(store)
    return None if folder is None else folder / FOLDER


def keep(store: GraphStore, path: Path, sha256: str) -> Path | None:
    """Copies a file whose content has that hash; None where the store has no place for it.

    Raises BadInputError where the file has another content or suffix.
    """
    folder = files_of(store)
    if folder is None:
        return None
    content = checked(path, sha256)
    if path.suffix not in SUFFIXES:
        raise BadInputError(f"{path}: is no model file; there are {', '.join(SUFFIXES)}")
    copy = folder / f"{sha256}{path.suffix}"
    if not copy.is_file():
        folder.mkdir(exist_ok=True)
        write_file(copy, content)
    return copy


def keep_imported(store: GraphStore, path: Path, iri: str) -> None:
    """Copies the file that holds a model which was imported: the file itself, or the graph file of a
    project; see iris.py. Nothing for models that were only described."""
    sha256 = iri.removeprefix(model_iri("").value)
    holder = path
    if path.name.endswith(_INFO):
        holder = path.with_name(f"{path.name.removesuffix(_INFO)}{_GRAPH}")
    if is_sha256(sha256) and holder.suffix in SUFFIXES:
        keep(store, holder, sha256)


def kept(store: GraphStore, sha256: str | None) -> Path | None:
    """The copy of the file of that hash, checked; None where there is none.

    Raises BadInputError where it was changed since.
    """
    folder = files_of(store)
    if folder is None or not is_sha256(sha256):
        return None
    copies = (folder / f"{sha256}{suffix}" for suffix in SUFFIXES)
    found = next((copy for copy in copies if copy.is_file()), None)
    if found is not None:
        checked(found, str(sha256))
    return found


def copy_all(source: Path, target: Path) -> None:
    """Gives one store's folder the model files of another: hard links, or copies on another disk."""
    there = sorted((source / FOLDER).iterdir()) if (source / FOLDER).is_dir() else []
    for path in (p for p in there if p.suffix in SUFFIXES and is_sha256(p.stem)):
        (target / FOLDER).mkdir(exist_ok=True)
        copy = target / FOLDER / path.name
        if copy.exists():
            continue
        try:
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)


def checked(path: Path, sha256: str) -> bytes:
    """A file's content; raises BadInputError where it has another hash."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > _LARGEST:
        raise BadInputError(f"{path}: larger than {_LARGEST:,} bytes")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInputError(
            f"{path}: is not the file that was described (its SHA-256 is not {sha256[:16]}..); import it again"
        )
    return content
