"""Checks hardware and models against ontology/shapes.ttl, with what is wrong in words for people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.errors import BadInputError, MissingToolError
from tinylearn.registry.devices import terms
from tinylearn.registry.devices.quantities import NUMERIC_VALUE, QUDT_UNIT
from tinylearn.registry.devices.read import device_of, flat_facts, is_device
from tinylearn.registry.ontology import read
from tinylearn.registry.store.base import Term
from tinylearn.registry.vocabulary import NEURAL_NETWORK, PREFIXES, SMART_SENSOR, TYPE

if TYPE_CHECKING:
    import rdflib

_NUMBER, _UNIT = NUMERIC_VALUE.value, QUDT_UNIT.value
_SHACL = "http://www.w3.org/ns/shacl#"
#: without one of these there is nothing that the shapes look at
_LOOKED_AT = frozenset(
    {NEURAL_NETWORK.value, SMART_SENSOR.value, terms.MICRO_CONTROLLER, terms.RAM, terms.FLASH}
)
_OF_TYPE = ("DatatypeConstraintComponent", "NodeKindConstraintComponent")
#: things checked together: SHACL's shapes are read once for them
BATCH = 200


@dataclass(frozen=True)
class Problem:
    """``part``: what of the thing it is about, such as RAM; empty: the thing as a whole."""

    thing: str
    part: str
    message: str

    def __str__(self) -> str:
        return f"{self.part}: {self.message}" if self.part else self.message


class InvalidDescriptionError(BadInputError):
    """Hardware or a model is described so that nobody could rely on it."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first.thing}: {first}{more}")


def is_checked(triples: Iterable[Triple]) -> bool:
    """Whether there is anything that the shapes look at; there is not in a plain Thing."""
    flat = set(terms.FLAT)
    return any(
        triple.predicate in flat
        or (triple.predicate == TYPE and getattr(triple.object, "value", "") in _LOOKED_AT)
        for triple in triples
    )


def require_valid(iri: NamedNode, triples: Sequence[Triple]) -> None:
    """Raises InvalidDescriptionError for the first thing wrong, with all of them in it."""
    problems = check({iri: triples})
    if problems:
        raise InvalidDescriptionError(problems)


def check(things: Mapping[NamedNode, Sequence[Triple]]) -> list[Problem]:
    """What is wrong with things, in the order of the things. Devices are looked at with the flat
    facts that are written for them."""
    looked_at = [name for name in things if is_checked(things[name])]
    found: list[Problem] = []
    for start in range(0, len(looked_at), BATCH):
        batch = looked_at[start : start + BATCH]
        found += _checked({name: _with_facts(name, things[name]) for name in batch})
    return found


def _with_facts(iri: NamedNode, triples: Sequence[Triple]) -> Sequence[Triple]:
    """As the thing would be stored; what was stated flat stays as it was stated."""
    if not is_device(iri, triples):
        return triples
    stated = {triple.predicate for triple in triples if triple.subject == iri} - {TYPE}
    derived = flat_facts(device_of(iri, triples))
    return [*triples, *(t for t in derived if t.predicate not in stated)]


def _checked(things: Mapping[NamedNode, Sequence[Triple]]) -> list[Problem]:
    """Each thing's resources are its own in the common graph: blank nodes and, as the same name may
    stand in two things, all others but the things themselves as well."""
    graph, owners = _graph(things)
    import pyshacl

    conforms, report, _ = pyshacl.validate(graph, shacl_graph=_shapes(), inplace=True)
    if conforms:
        return []
    problems = dict.fromkeys(_problems(graph, report, owners))
    order = {name.value: position for position, name in enumerate(things)}
    return sorted(problems, key=lambda p: (order.get(p.thing, 0), p.part, p.message))


@cache
def _rdflib() -> Any:
    try:
        import pyshacl  # noqa: F401
        import rdflib
    except ImportError as error:
        raise MissingToolError(
            "checking devices and models needs pySHACL; pip install 'tinylearn[registry]'"
        ) from error
    logging.getLogger("rdflib.term").setLevel(logging.ERROR)
    return rdflib


@cache
def _shapes() -> rdflib.Graph:
    graph: rdflib.Graph = _rdflib().Graph()
    return graph.parse(data=read("shapes.ttl"), format="turtle")


def _graph(
    things: Mapping[NamedNode, Sequence[Triple]],
) -> tuple[rdflib.Graph, dict[str, str]]:
    """All triples as one graph of rdflib's, and whose each resource is."""
    rdflib = _rdflib()
    graph, owners = rdflib.Graph(), {name.value: name.value for name in things}
    for name, triples in things.items():
        for triple in triples:
            graph.add(tuple(map(_term, triple)))
            if isinstance(triple.subject, (NamedNode, BlankNode)):
                owners.setdefault(triple.subject.value, name.value)
    return graph, owners


def _term(term: Term | Triple) -> Any:
    rdflib = _rdflib()
    if isinstance(term, NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, BlankNode):
        return rdflib.BNode(term.value)
    if isinstance(term, Literal):
        datatype = None if term.language else rdflib.URIRef(term.datatype.value)
        return rdflib.Literal(term.value, datatype=datatype, lang=term.language)
    raise BadInputError("a triple within a triple (RDF-star) is not understood here")


def _problems(
    graph: rdflib.Graph, report: rdflib.Graph, owners: Mapping[str, str]
) -> Iterator[Problem]:
    for result in _told(report):
        thing = owners.get(str(result.focus), str(result.focus))
        part = "" if thing == str(result.focus) else _part(graph, result.focus)
        yield Problem(thing, part, _filled(result.message, graph, result.focus, result.value))


@dataclass(frozen=True)
class _Result:
    """Of SHACL's report."""

    focus: Any
    path: str
    component: str
    value: Any
    message: str


def _told(report: rdflib.Graph) -> list[_Result]:
    """The results but for those that another one explains: a wrong type all else that is wrong with a
    value, a missing number its missing unit."""
    rdflib = _rdflib()
    shacl = rdflib.Namespace(_SHACL)
    names = (shacl.focusNode, shacl.resultPath, shacl.sourceConstraintComponent, shacl.value,
             shacl.resultMessage)  # fmt: skip
    rows = [
        [report.value(result, name) for name in names]
        for result in report.subjects(rdflib.RDF.type, shacl.ValidationResult)
    ]
    results = [_Result(f, str(p), str(c), v, str(m)) for f, p, c, v, m in rows]
    of_type = {(r.focus, r.path) for r in results if r.component.endswith(_OF_TYPE)}
    missing = {
        (r.focus, r.path) for r in results if r.component.endswith("MinCountConstraintComponent")
    }
    return [
        r for r in results
        if not ((r.focus, r.path) in of_type and not r.component.endswith(_OF_TYPE))
        and not (r.path == _UNIT and (r.focus, _NUMBER) in missing)
    ]  # fmt: skip


def _part(graph: rdflib.Graph, focus: Any) -> str:
    """What kind of part it is."""
    kinds = sorted(_short(str(kind)) for kind in graph.objects(focus, _rdflib().RDF.type))
    named = [kind.rpartition(":")[2] for kind in kinds if kind != "s3n:Memory"]
    return named[0] if named else "a part"


def _filled(message: str, graph: rdflib.Graph, focus: Any, value: Any) -> str:
    """The message with what stands there."""
    same = value is None or value == focus
    number = _number(graph, focus) if same or not _is_number(value) else str(value).split()[0]
    shown = "nothing" if same else _short(str(value)[:100])
    return (
        message.replace("{value}", shown)
        .replace("{number}", number or "a size")
        .replace("{thousandfold}", _thousandfold(number))
    )


def _number(graph: rdflib.Graph, focus: Any) -> str:
    """A number that is said of the resource, QUDT's before others."""
    found = sorted(
        (str(predicate), str(value).split()[0])
        for predicate, value in graph.predicate_objects(focus)
        if _is_number(value)
    )
    return found[0][1] if found else ""


def _is_number(value: Any) -> bool:
    if not isinstance(value, _rdflib().Literal):
        return False
    try:
        return abs(float(str(value)[:40].split()[0])) < 1e18
    except (ValueError, IndexError):
        return False


def _thousandfold(number: str) -> str:
    return f"{float(number) * 1000:.0f}" if number else "..."


def _short(iri: str) -> str:
    """The IRI with its prefix."""
    for name, base in PREFIXES.items():
        if iri.startswith(base):
            return f"{name}:{iri.removeprefix(base)}"
    return iri
