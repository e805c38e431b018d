"""The registry in a folder: an embedded, persistent Oxigraph."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pyoxigraph import (
    Literal,
    NamedNode,
    Quad,
    QuerySolutions,
    RdfFormat,
    Store,
    Triple,
)

from tinylearn.registry.csv_text import csv_of
from tinylearn.registry.store import lock
from tinylearn.registry.store.base import Row, Term
from tinylearn.registry.store.change_log import ChangeLog
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.folder import check_store, make_folder, sweep
from tinylearn.registry.store.runs import Graph, batches, graphs_of, n_quads
from tinylearn.registry.store.snapshot import copy_snapshot, open_snapshot
from tinylearn.registry.store.update_text import (
    READ_REVISION,
    REGISTRY,
    loaded_part,
    set_revision_text,
    upsert_text,
)
from tinylearn.registry.store.values import bind
from tinylearn.registry.store.write_ahead_log import WriteAheadLog, sync_files
from tinylearn.registry.vocabulary import TYPE

#: quads loaded at a time: Oxigraph needs about 1 kB of memory for each; and how many threads share them
_BULK_QUADS, _ENGINES = 300_000, 2
#: fewer than these are quicker in a transaction than as files of their own
_FEW_QUADS = 5_000
#: of the log, before it is written to tables: whoever opens the store reads all of it, 30 MB/s
_LOG_BYTES = 8 << 20

T = TypeVar("T")


class EmbeddedStore:
    """Graphs in a folder. One process writes; methods may be called by several of its threads.

    Others read beside it (``read_only``): what was committed when they opened it.
    """

    def __init__(self, folder: Path, create: bool = True, read_only: bool = False) -> None:
        self.where, self.folder, self.read_only = str(folder), folder, read_only
        make_folder(folder) if create and not read_only else check_store(folder)
        self._writing = threading.RLock()
        self._log, self._changes = WriteAheadLog(folder), ChangeLog(folder)
        self._store: Store | None = open_snapshot(folder) if read_only else self._open()
        self._revision = self._stored_revision()
        if not read_only:
            with _told(self.where):
                self._changes.begin(self._revision)

    def upsert(
        self, graphs: Mapping[NamedNode, Iterable[Triple]], deleted: Iterable[NamedNode] = ()
    ) -> None:
        """See GraphStore."""
        gone = list(deleted)
        text = upsert_text(graphs, gone)
        with self._writer() as store:
            self._changes.add(self._revision + 1, (*graphs, *gone))
            try:
                store.update(text)
            except BaseException:
                self._changes.forget()
                raise
            self._revision += 1
            self._log.sync()
            if self._log.size() > _LOG_BYTES:
                store.flush()

    def graph(self, name: NamedNode) -> list[Triple]:
        """See GraphStore."""
        return self._read(
            lambda store: [quad.triple for quad in store.quads_for_pattern(None, None, None, name)]
        )

    def names(self, kind: NamedNode | None = None) -> list[NamedNode]:
        """See GraphStore."""
        found = self._read(lambda store: _all_names(store) if kind is None else _of(store, kind))
        return sorted(found, key=lambda name: name.value)

    def select(self, query: str, values: Mapping[str, Term] | None = None) -> list[Row]:
        """See GraphStore."""
        text = bind(query, values or {})
        return self._read(lambda store: _rows(store, text))

    def select_csv(self, query: str) -> bytes:
        """See GraphStore."""
        return self._read(lambda store: _csv(store, query))

    def bulk_load(self, quads: Iterable[Quad]) -> None:
        """See GraphStore."""
        self._opened()
        with ThreadPoolExecutor(1) as loader:
            before: Future[None] | None = None
            for batch in batches(graphs_of(quads), _BULK_QUADS):
                texts = _texts(batch)  # meanwhile the engine loads the one before
                if before:
                    before.result()
                before = loader.submit(self._load, batch, texts)
            if before:
                before.result()
        self.flush()

    def quads(self) -> Iterator[Quad]:
        """See GraphStore; a snapshot."""
        with _told(self.where), self._steady() as store:
            for quad in store.quads_for_pattern(None, None, None, None):
                if quad.graph_name != REGISTRY:
                    yield quad

    def revision(self) -> int:
        """See GraphStore."""
        self._opened()
        return self._revision

    def set_revision(self, revision: int) -> None:
        """For a store that takes the place of another one, whose revisions have been seen."""
        with self._writer() as store:
            store.update(set_revision_text(revision))
            self._revision = revision
            self._log.sync()

    def flush(self) -> None:
        """See GraphStore."""
        with self._writer():
            self._log.sync()

    def backup(self, folder: Path) -> None:
        """A copy in ``folder``, which must not exist, on the disk when this returns; hard links on the
        same file system."""
        if self.read_only:
            self._opened()
            copy_snapshot(self.folder, folder)
        else:
            with self._writer() as store:
                store.backup(str(folder))
        sync_files(folder)

    def close(self) -> None:
        """See GraphStore. Tables are written, so that the next one opens quickly."""
        store, self._store = self._store, None
        if store is not None and not self.read_only:
            with _told(self.where):
                store.flush()

    def _open(self) -> Store:
        try:
            store = Store(str(self.folder))
            sweep(self.folder, unfinished=True)
            return store
        except (OSError, RuntimeError) as error:
            if lock.is_locked(error):
                raise lock.locked(self.folder) from None
            raise StoreError(f"{self.where}: cannot be opened ({error})") from error

    def _opened(self) -> Store:
        if self._store is None:
            raise StoreError(f"{self.where}: is closed")
        return self._store

    @contextmanager
    def _steady(self) -> Iterator[Store]:
        """For reading so long that a writer may take files away meanwhile: a copy made of links."""
        store = self._opened()
        if not self.read_only:
            yield store
            return
        try:
            place = tempfile.mkdtemp(
                prefix=f".{self.folder.name}-", dir=self.folder.absolute().parent
            )
        except OSError:  # no place for it, as on a disk that nobody writes to
            yield store
            return
        try:
            yield _copied(self.folder, Path(place) / "copy") or store
        finally:
            shutil.rmtree(place, ignore_errors=True)

    @contextmanager
    def _writer(self) -> Iterator[Store]:
        if self.read_only:
            raise StoreError(f"{self.where}: is opened for reading only")
        with self._writing, _told(self.where):
            yield self._opened()

    def _read(self, action: Callable[[Store], T]) -> T:
        """Once more on a store opened anew, where a writer has taken a file away."""
        if self.read_only and self._store is not None:
            try:
                return action(self._store)
            except (OSError, RuntimeError):
                self._store = open_snapshot(self.folder)
                self._revision = self._stored_revision()
        with _told(self.where):
            return action(self._opened())

    def _stored_revision(self) -> int:
        with _told(self.where):
            number = _rows(self._opened(), READ_REVISION)[0]["revision"]
        assert isinstance(number, Literal)
        return int(number.value)

    def _load(self, batch: list[Graph], texts: list[bytes]) -> None:
        """New graphs as tables, which RocksDB takes in as one for each text; those that replace others,
        and few, in transactions."""
        with self._writer() as store:
            replaced = [graph for graph in batch if store.contains_named_graph(graph[0])]
            if sum(len(quads) for _, quads in batch) < _FEW_QUADS:
                replaced = batch
            for part in batches(replaced, _FEW_QUADS):
                self.upsert({name: [quad.triple for quad in quads] for name, quads in part})
            if replaced:
                done = {name for name, _ in replaced}
                texts = _texts([graph for graph in batch if graph[0] not in done])
            self._load_new(store, texts)

    def _load_new(self, store: Store, texts: list[bytes]) -> None:
        """One thread of the engine for each text; whichever have come in are counted."""
        try:
            with ThreadPoolExecutor(_ENGINES) as engines:
                loads = [engines.submit(store.bulk_load, t, RdfFormat.N_QUADS) for t in texts]
            for load in loads:
                load.result()
        finally:
            self._revision = self._stored_revision()


def _texts(batch: list[Graph]) -> list[bytes]:
    """The graphs in parts that can be loaded side by side, each of which tells that it came in."""
    quads = sum(len(quads) for _, quads in batch)
    return [n_quads(part) + loaded_part() for part in batches(batch, -(-quads // _ENGINES))]


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of the engine and of the system as ours."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{where}: {error}") from error


def _copied(folder: Path, target: Path) -> Store | None:
    """A copy, open for reading; None where its disk has no room."""
    try:
        copy_snapshot(folder, target)
    except OSError:
        return None
    return Store.read_only(str(target))


def _all_names(store: Store) -> list[NamedNode]:
    names = store.named_graphs()
    return [name for name in names if isinstance(name, NamedNode) and name != REGISTRY]


def _of(store: Store, kind: NamedNode) -> set[NamedNode]:
    found = store.quads_for_pattern(None, TYPE, kind, None)
    return {
        quad.subject
        for quad in found
        if isinstance(quad.subject, NamedNode) and quad.subject == quad.graph_name
    }


def _solutions(store: Store, query: str) -> QuerySolutions:
    found = store.query(query, use_default_graph_as_union=True)
    if not isinstance(found, QuerySolutions):
        raise ValueError("the query is no SELECT")
    return found


def _csv(store: Store, query: str) -> bytes:
    return csv_of(lambda: _solutions(store, query))


def _rows(store: Store, query: str) -> list[Row]:
    found = _solutions(store, query)
    names = [variable.value for variable in found.variables]
    return [{name: row[name] for name in names if row[name] is not None} for row in found]
