"""Files into the store: each file whole or not at all, many files a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path

from pyoxigraph import NamedNode, Triple

from tinylearn.errors import BadInputError, TinylearnError
from tinylearn.registry.importing.dump import import_dump
from tinylearn.registry.importing.files import Kind, kind_of
from tinylearn.registry.importing.prepare import Entry, Prepared, prepared
from tinylearn.registry.models.about import About
from tinylearn.registry.models.beside import said_of
from tinylearn.registry.models.files import keep_imported
from tinylearn.registry.models.folder import SUFFIX
from tinylearn.registry.models.iris import model_iri
from tinylearn.registry.seloc.defects import Defect
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.things import kept, stored_thing
from tinylearn.registry.validation import Problem, check

#: files of a transaction
BATCH = 200


@dataclass(frozen=True)
class Registered:
    """``is_new``: there was nothing of this IRI before."""

    kind: str
    iri: str
    title: str
    file: str
    is_new: bool


@dataclass(frozen=True)
class Refused:
    """A file of which nothing was registered, and why."""

    file: str
    reasons: tuple[str, ...]


@dataclass
class Report:
    """What became of all files. ``graphs``: those that came in exported files, as they are."""

    registered: list[Registered] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    graphs: int = 0

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        kinds = [entry.kind for entry in self.registered]
        found = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        return found | ({"graph": self.graphs} if self.graphs else {})


class Importer:
    """``about``: what the user says of model files."""

    def __init__(self, store: GraphStore, about: About | None = None):
        self._store = store
        self._about = about
        self.report = Report()

    def add(self, files: Iterable[Path]) -> Report:
        """Reads and registers files. What a store refuses ends it: what was said to be registered is."""
        for is_dump, some in groupby(files, key=_is_dump):
            for batch in _batches(some, 1 if is_dump else BATCH):
                if is_dump:
                    self._add_dump(batch[0])
                else:
                    self.register(self._prepared(batch))
        return self.report

    def _add_dump(self, path: Path) -> None:
        try:
            self.report.graphs += import_dump(self._store, path).graphs
        except BadInputError as error:
            self._refuse(path, error)

    def register(self, files: Iterable[Prepared]) -> None:
        """Those whose hardware and models are valid, in one transaction."""
        pending = list(files)
        problems = _problems(pending)
        accepted = []
        for file in pending:
            if problems.get(file.file):
                reasons = tuple(f"{p.thing}: {p}" for p in problems[file.file])
                self.report.refused.append(Refused(file.file, reasons))
            else:
                accepted.append(file)
        self._write(accepted)

    def _prepared(self, paths: Iterable[Path]) -> Iterator[Prepared]:
        for path in paths:
            try:
                yield prepared(path, self._about, self._said_before)
            except TinylearnError as error:
                self._refuse(path, error)

    def _said_before(self, sha256: str) -> About:
        """A model file says nothing of sensors, task and merit: what was said when it was registered
        before, by a user or a project, still holds where nothing else is said now."""
        model = model_iri(sha256)
        return said_of(model, self._store.graph(model)).about

    def _refuse(self, path: Path, error: TinylearnError) -> None:
        self.report.refused.append(Refused(str(path), (_without(str(path), str(error)),)))

    def _write(self, files: list[Prepared]) -> None:
        now = datetime.now(UTC)
        graphs: dict[NamedNode, list[Triple]] = {}
        registered: dict[NamedNode, Registered] = {}
        defects = [defect for file in files for defect in file.defects]
        for file in files:
            for entry in file.entries:
                before = self._store.graph(entry.iri)
                graph = _graph(entry, before, now)
                told = registered.get(entry.iri)
                if told and _differ(graph, graphs[entry.iri], file.file, told.file):
                    defects.append(_twice(entry, told, file.file))
                graphs[entry.iri] = graph
                registered[entry.iri] = Registered(
                    entry.kind, entry.iri.value, entry.title, file.file, not before
                )
        for file in files:
            for entry in file.entries:
                if entry.kind == "model":
                    keep_imported(self._store, Path(file.file), entry.iri.value)
        if graphs:
            self._store.upsert(graphs)
        self.report.registered += registered.values()
        self.report.defects += defects


def _is_dump(path: Path) -> bool:
    return kind_of(path) is Kind.DUMP


def _batches(files: Iterable[Path], size: int) -> Iterator[list[Path]]:
    remaining = iter(files)
    while batch := list(islice(remaining, size)):
        yield batch


def _problems(files: Iterable[Prepared]) -> dict[str, list[Problem]]:
    """By file. The same thing in two files is looked at in each."""
    found: dict[str, list[Problem]] = {}
    waiting = [(file.file, entry) for file in files for entry in file.entries if entry.said]
    while waiting:
        now = {entry.iri: (file, entry) for file, entry in reversed(waiting)}
        waiting = [(f, e) for f, e in waiting if now[e.iri][1] is not e]
        for problem in check({iri: entry.said for iri, (_, entry) in now.items()}):
            found.setdefault(now[NamedNode(problem.thing)][0], []).append(problem)
    return found


def _graph(entry: Entry, before: list[Triple], now: datetime) -> list[Triple]:
    thing = stored_thing(entry.iri, before) if before else None
    first = (thing.created if thing else None) or now
    return kept(entry.iri, entry.triples, entry.content, first, now)


def _differ(later: list[Triple], first: list[Triple], later_file: str, first_file: str) -> bool:
    """Not so a project's own two: its info file tells what its Turtle file does, and what was built."""
    name = later_file.removesuffix(SUFFIX)
    return set(later) != set(first) and (name == later_file or first_file != f"{name}.ttl")


def _twice(entry: Entry, first: Registered, file: str) -> Defect:
    return Defect(
        entry.iri.value, "described twice", f"in {first.file} too", "the later counts", file
    )


def _without(path: str, message: str) -> str:
    return message.removeprefix(f"{path}: ")
