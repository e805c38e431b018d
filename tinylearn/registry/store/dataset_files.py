"""The whole registry as one file, TriG or N-Quads, and back. Nothing is held in memory as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse, serialize

from tinylearn.emit.write import new_file
from tinylearn.errors import BadInputError, UsageError
from tinylearn.registry.nesting import check_nesting, may_nest_lines
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.ends import BEGIN, END, check_end
from tinylearn.registry.store.update_text import check_name
from tinylearn.registry.store.write_ahead_log import sync_folder
from tinylearn.registry.vocabulary import PREFIXES

#: by the end of a file's name
FORMATS = {".trig": RdfFormat.TRIG, ".nq": RdfFormat.N_QUADS}
#: quads sorted at a time: about 1 kB of memory for each
_SORTED_QUADS = 300_000
#: raises BadInputError for a quad that must not come in
Check = Callable[[Path, Quad], None]


@dataclass(frozen=True)
class Contents:
    """How much a file holds. ``sorted``: the quads of each graph come one after the other."""

    graphs: int
    quads: int
    sorted: bool = True


def dataset_format(path: Path) -> RdfFormat:
    """By the file's name; raises UsageError."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        known = " or ".join(sorted(FORMATS))
        raise UsageError(
            f"{path}: not a format for a whole registry; end the name in {known}"
        ) from None


def export_dataset(store: GraphStore, path: Path) -> Contents:
    """Writes all graphs, completely or not at all; an existing file is replaced."""
    form, counted = dataset_format(path), _Counted(store.quads())
    with new_file(path) as file:
        file.write(BEGIN)
        serialize(counted, file, form, prefixes=PREFIXES if form == RdfFormat.TRIG else None)
        file.write(END)
    sync_folder(path.parent)
    return Contents(counted.graphs, counted.quads)


def survey(path: Path, check: Check | None = None) -> Contents:
    """Reads a file to its end; raises BadInputError where it is damaged, or where something in it is in
    no graph, and what ``check`` does."""
    seen: set[str] = set()
    count, in_order, last = 0, True, None
    for quad in read_quads(path):
        count += 1
        if check is not None:
            check(path, quad)
        if quad.graph_name != last:
            last = _checked(path, quad)
            in_order = in_order and last.value not in seen
            seen.add(last.value)
    return Contents(len(seen), count, in_order)


def import_dataset(store: GraphStore, path: Path, check: Check | None = None) -> Contents:
    """Puts the file's graphs into the store, each in the place of the one of its name; see
    ``GraphStore.bulk_load`` for what a kill leaves. A file with an error changes nothing."""
    found = survey(path, check)
    if found.sorted:
        store.bulk_load(_parsed(path))
    else:
        with _sorted(_parsed(path)) as quads:
            store.bulk_load(quads)
    return found


def read_quads(path: Path) -> Iterator[Quad]:
    """A file's quads as they come; raises BadInputError, UsageError."""
    form = dataset_format(path)
    try:
        check_end(path)
        with path.open("rb") as file:
            if form != RdfFormat.N_QUADS or may_nest_lines(file):
                file.seek(0)
                check_nesting(file)
    except OSError as error:
        raise _unreadable(path, error) from None
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from None
    yield from _parsed(path)


def _parsed(path: Path) -> Iterator[Quad]:
    form = dataset_format(path)
    try:
        yield from parse(path=str(path), format=form)
    except SyntaxError as error:
        raise BadInputError(f"{path}: is damaged ({error.msg})") from None
    except MemoryError:
        raise BadInputError(f"{path}: a text or name in it is too long to be read") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path}: cannot be read ({error.strerror or error})")


def _checked(path: Path, quad: Quad) -> NamedNode:
    try:
        return check_name(quad.graph_name)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from None


class _Counted:
    """An iterator that knows what has passed."""

    def __init__(self, quads: Iterable[Quad]) -> None:
        self._quads, self._last = iter(quads), object()
        self.graphs = self.quads = 0

    def __iter__(self) -> Iterator[Quad]:
        return self

    def __next__(self) -> Quad:
        quad = next(self._quads)
        self.quads += 1
        if quad.graph_name != self._last:
            self._last = quad.graph_name
            self.graphs += 1
        return quad


@contextmanager
def _sorted(quads: Iterator[Quad]) -> Iterator[Iterator[Quad]]:
    """The same, graph by graph: a store on disk sorts them."""
    with tempfile.TemporaryDirectory(prefix="tinylearn-") as folder:
        store = Store(folder)
        for first in quads:
            store.bulk_extend(chain([first], islice(quads, _SORTED_QUADS)))
        found = _all(store)
        del store
        try:
            yield found
        finally:
            found.close()  # what reads keeps the store open, which must be closed before its folder goes


def _all(store: Store) -> Generator[Quad, None, None]:
    yield from store.quads_for_pattern(None, None, None, None)
