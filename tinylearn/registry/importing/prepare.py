"""One file -> what it registers: read, mended, with facts; nothing is stored yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from pyoxigraph import NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.devices.read import device_of, flat_facts, is_device, without_flat_facts
from tinylearn.registry.importing.files import Kind, kind_of, read_bytes
from tinylearn.registry.importing.own_terms import unknown_terms
from tinylearn.registry.importing.split import split
from tinylearn.registry.importing.turtle_file import read_turtle
from tinylearn.registry.importing.vocabulary_file import vocabulary
from tinylearn.registry.models.about import About, Known, nothing
from tinylearn.registry.models.import_model import import_model
from tinylearn.registry.models.read import flat_facts as model_facts
from tinylearn.registry.models.read import is_model, model_of
from tinylearn.registry.seloc.defects import Defect
from tinylearn.registry.seloc.mend import Mended, mended
from tinylearn.registry.store.update_text import check_name
from tinylearn.registry.td.document import (
    InvalidThingError,
    ThingDescription,
    check_td,
    parse_td,
    td_of_triples,
    to_triples,
)
from tinylearn.registry.td.json_text import read_json
from tinylearn.registry.things import unique, without_reserved
from tinylearn.registry.vocabulary import PREFIXES

#: anonymous Thing Descriptions are named by their content: importing a file again adds nothing
_ANONYMOUS = UUID("6d1a2f0e-5f0b-4f0a-9a52-8d1c7f6b1e11")


@dataclass(frozen=True)
class Entry:
    """A graph to be. ``kind``: device, model, thing or vocabulary; ``said``: without facts of
    ours, for checking; ``content``: the Thing Description in JSON, if there is one."""

    kind: str
    iri: NamedNode
    title: str
    triples: list[Triple]
    said: Sequence[Triple] = ()
    content: dict[str, Any] | None = None


@dataclass(frozen=True)
class Prepared:
    """All that one file registers."""

    file: str
    entries: list[Entry]
    defects: list[Defect] = field(default_factory=list)


def prepared(path: Path, about: About | None = None, known: Known = nothing) -> Prepared:
    """Of any file but a dump. Raises TinylearnError with what is wrong with it; ``about``: what the user
    says of models, ``known``: what was said of them before."""
    kind = kind_of(path)
    if kind is Kind.MODEL:
        return _model_file(path, about or About(), known)
    data, file = read_bytes(path), str(path)
    made = of_turtle(data, file) if kind is Kind.TURTLE else _json_file(data, file)
    for entry in made.entries:
        check_name(entry.iri)
        made.defects.extend(unknown_terms(entry.iri, entry.said, file))
    return made


def of_thing(content: dict[str, Any]) -> Entry:
    """Of a Thing Description as parsed JSON; raises InvalidThingError."""
    return _of_td(check_td(content))


def _of_td(td: ThingDescription) -> Entry:
    if td.id is None:
        text = json.dumps(td.content, sort_keys=True)
        td = check_td({"id": f"urn:uuid:{uuid5(_ANONYMOUS, text)}", **td.content})
    iri = NamedNode(str(td.id))
    return replace(_described(iri, to_triples(td)), content=td.content)


def _json_file(data: bytes, file: str) -> Prepared:
    """One Thing Description, or a list of them as a directory gives it out."""
    if not data.lstrip().startswith(b"["):
        td = parse_td(data)
        return Prepared(file, [_of_td(td)], list(_of_json(td, file)))
    entries = []
    for position, item in enumerate(read_json(data)[0]):
        try:
            entries.append(of_thing(item))
        except InvalidThingError as error:
            raise BadInputError(f"entry {position} of the list: {error}") from None
    return Prepared(file, entries)


def _of_json(td: ThingDescription, file: str) -> Iterator[Defect]:
    """What is wrong with a Thing Description that is valid."""
    subject = td.id or ""
    for note in td.notes:
        yield Defect(subject, "not in RDF", note, file=file)
    for prefix in td.mapped.undeclared:
        detail, mend = f"{prefix}: is not in @context", f'read as "{prefix}": "{PREFIXES[prefix]}"'
        yield Defect(subject, "undeclared prefix", detail, mend, file)
    if td.id is None:
        mend = 'named by its content; to replace it one day, give it "id": "urn:..."'
        wrong = ', its "@id" is not read' if "@id" in td.content else ""
        yield Defect(subject, "no id", f'"{td.title}" has no "id"{wrong}', mend, file)


def _model_file(path: Path, about: About, known: Known) -> Prepared:
    model, triples = import_model(
        path, sensors=about.sensors, task=about.task, dataset=about.dataset,
        accuracy=about.accuracy, description=about.description, known=known,
    )  # fmt: skip
    iri = NamedNode(model.iri)
    return Prepared(str(path), [Entry("model", iri, model.title, unique(triples), triples)])


def of_turtle(data: bytes, file: str) -> Prepared:
    """Devices, models and things, or a vocabulary. Raises BadInputError."""
    read = read_turtle(data, file)
    parts = split(read.triples, file)
    if not parts.things:
        terms, found = vocabulary(read, file)
        return Prepared(file, [Entry("vocabulary", terms.iri, terms.title, terms.triples)], found)
    things = [mended(iri, triples, file) for iri, triples in parts.things.items()]
    entries, defects = [], list(_of_file(read.about, parts.rest, things, file))
    for thing in things:
        entry, more = _of_turtle(thing, file)
        entries.append(entry)
        defects += [*thing.defects, *more]
    return Prepared(file, entries, defects)


def _of_turtle(thing: Mended, file: str) -> tuple[Entry, list[Defect]]:
    """A device or thing in Turtle gets the Thing Description that its triples make."""
    entry = _described(thing.iri, without_reserved(thing.triples))
    if entry.kind == "model":
        return entry, []
    try:
        return replace(entry, content=check_td(td_of_triples(thing.iri, entry.said)).content), []
    except InvalidThingError as error:
        reason = f"no Thing Description in JSON: {error}"
        return entry, [Defect(thing.iri.value, "no valid Thing Description", reason, file=file)]


def _described(iri: NamedNode, said: Sequence[Triple]) -> Entry:
    """With the facts that matching reads."""
    if is_model(iri, said):
        model = model_of(iri, said)
        return Entry("model", iri, model.title, unique([*said, *model_facts(model)]), said)
    device = device_of(iri, said)
    if not is_device(iri, said):
        return Entry("thing", iri, device.title, list(said), said)
    facts = [*without_flat_facts(iri, said), *flat_facts(device)]
    return Entry("device", iri, device.title, unique(facts), said)


def _of_file(
    about: str | None, rest: Sequence[Triple], things: Sequence[Mended], file: str
) -> Iterator[Defect]:
    """What is wrong with the file as a whole."""
    names = [thing.iri.value for thing in things]
    if about is not None and not any(name.startswith(about.rstrip("#/")) for name in names):
        detail = f"baseURI <{about}>, but <{names[0]}> is described"
        yield Defect(
            names[0], "baseURI of another resource", detail, "the comment is ignored", file
        )
    if rest:
        subjects = sorted({str(triple.subject) for triple in rest})
        detail = f"{len(rest)} triples of {', '.join(subjects[:3])}"
        yield Defect("", "belongs to no device, model or thing", detail, "left out", file)
