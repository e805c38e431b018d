"""Copies of the whole registry: a folder that can be opened like any registry, and back."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tinylearn.errors import BadInputError, UsageError
from tinylearn.registry.models.files import copy_all
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.dataset_files import dataset_format, import_dataset
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.registry.store.errors import NO_ROOM, StoreError, unwritable
from tinylearn.registry.store.folder import check_folder, check_store, folder_of, is_store
from tinylearn.registry.store.lock import held
from tinylearn.registry.store.open import is_url, open_store
from tinylearn.registry.store.snapshot import copy_snapshot
from tinylearn.registry.store.write_ahead_log import sync_folder

_DELETED_AT_A_TIME = 1000


def back_up(store: GraphStore, target: Path) -> None:
    """Copies a store to a new folder, completely or not at all. That of an embedded one is made of hard
    links where it can be: instantly, but on the same disk. Raises UsageError, StoreError."""
    if target.exists() or not target.absolute().parent.is_dir():
        raise UsageError(f"{target}: name a folder that does not exist, in one that does")
    _check_outside(store, target)
    with _staged(target) as copy:
        if isinstance(store, EmbeddedStore):
            store.backup(copy)
            copy_all(store.folder, copy)
        else:
            _fill(copy, store)
        os.rename(copy, target)
    sync_folder(target.absolute().parent)


def restore(where: str, source: Path, replace: bool = False) -> int:
    """Makes the registry ``where`` (a folder or URL) what ``source`` holds: a backup, or a file that
    ``export`` has written. Returns how many triples that are.

    A folder is replaced as a whole, after all of the copy has been read; at an endpoint each graph
    is, one after the other, and then those are deleted that the source does not have. ``replace``:
    gives up what is there. Raises UsageError, BadInputError, StoreError.
    """
    _check_source(source)
    if is_url(where):
        return _restore_endpoint(where, source, replace)
    folder = Path(where)
    check_folder(folder)
    if is_store(folder) and not replace:
        raise UsageError(f"{folder}: holds a registry; --replace gives up what it holds")
    with _staged(folder) as copy, ExitStack() as stack:
        _copy(source, copy)
        # files by the hash of their content: more of them do no harm
        for kept in (source, folder):
            copy_all(kept, copy)
        triples = _read_all(copy)
        if is_store(folder):
            # nobody may write until the new one is in its place
            stack.enter_context(held(folder))
            _follow(folder, copy)
        _swap(copy, folder)
    return triples


def _restore_endpoint(url: str, source: Path, replace: bool) -> int:
    store = open_store(url)
    try:
        old = store.names()
        if old and not replace:
            raise UsageError(f"{store.where}: is not empty; --replace gives up what it holds")
        with _staged(Path(tempfile.gettempdir()) / "tinylearn") as copy:
            _copy(source, copy)
            new = EmbeddedStore(copy, create=False, read_only=True)
            store.bulk_load(new.quads())
            gone = sorted({*old} - {*new.names()}, key=str)
        for at in range(0, len(gone), _DELETED_AT_A_TIME):
            store.upsert({}, deleted=gone[at : at + _DELETED_AT_A_TIME])
        return sum(1 for _ in store.quads())
    finally:
        store.close()


def _copy(source: Path, target: Path) -> None:
    """A backup's folder, or an exported file, as a new store."""
    if source.is_dir():
        copy_snapshot(source, target)
        return
    store = EmbeddedStore(target)
    found = import_dataset(store, source)
    store.close()
    if not found.graphs:
        raise BadInputError(
            f"{source}: holds nothing; `tinylearn registry delete` is what empties a registry"
        )


def _check_outside(store: GraphStore, target: Path) -> None:
    """A copy inside of what it is a copy of would be lost with it."""
    folder = folder_of(store)
    if folder is not None and folder.resolve() in target.resolve().parents:
        raise UsageError(f"{target}: lies in the registry itself; name a folder elsewhere")


def _check_source(source: Path) -> None:
    """Before anybody is told to give something up for it."""
    if not source.exists():
        raise UsageError(f"{source}: there is no such file or folder")
    if source.is_dir():
        check_store(source)
    else:
        dataset_format(source)


def _fill(target: Path, source: GraphStore) -> None:
    store = EmbeddedStore(target)
    store.bulk_load(source.quads())
    store.close()


def _read_all(folder: Path) -> int:
    """Reads everything, whose checksums RocksDB compares; how many triples."""
    store = EmbeddedStore(folder, create=False, read_only=True)
    return sum(1 for _ in store.quads())


def _follow(old: Path, new: Path) -> None:
    """A revision that nobody has seen: other content never has a known number."""
    try:
        last = EmbeddedStore(old, create=False, read_only=True).revision()
    except StoreError:  # damaged, which may be why it is replaced
        last = 0
    store = EmbeddedStore(new, create=False)
    store.set_revision(max(last, store.revision()) + 1)
    store.close()


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A place beside ``target`` for what will be renamed to it; not there yet, gone afterwards."""
    parent = target.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=parent))
    except OSError as error:
        raise unwritable(target, error) from None
    try:
        yield folder / "new"
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise unwritable(target, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _swap(new: Path, folder: Path) -> None:
    """Puts ``new`` in the place of ``folder``; what was there goes to where ``new`` was."""
    old = new.parent / "old"
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(new, folder)
    except BaseException:
        if old.exists():
            os.rename(old, folder)
        raise
    sync_folder(folder.absolute().parent)
