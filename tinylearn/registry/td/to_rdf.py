"""A Thing Description as RDF: JSON-LD with the bundled contexts, processed by Oxigraph.

Words that only a context which is not bundled could explain are not mapped; they stay in the document.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import quote

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from tinylearn.registry.td.contexts import FILES, bundled, pruned, without_default
from tinylearn.registry.td.culprit import culprit
from tinylearn.registry.td.parts import VALUES
from tinylearn.registry.td.problems import InvalidThingError, Path, json_path, problem
from tinylearn.registry.vocabulary import PREFIXES, THING, TYPE, tl

#: no prefix of a document can be meant by it, as two slashes follow
_SUBJECT = NamedNode("tinylearn://subject")
#: what the registry itself says of a thing, so that no thing says it of itself
RESERVED = frozenset({tl("document")})
_REGISTRATION = "registration"  # the directory's own, in the discovery context
_MOST_COST = 2_000_000
_USUAL_TERMS = 100
_MOST_NOTES = 20
_IRI_SCHEMES = frozenset({"http", "https", "urn", "mailto", "tel"})

Term = NamedNode | BlankNode | Literal


@dataclass(frozen=True)
class Mapped:
    """Triples about the Thing, and notes on what is not among them. ``undeclared``: prefixes of the
    vocabularies used here that no context of the document defines, taken as if one did."""

    triples: tuple[Triple, ...] = ()
    notes: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()


def map_to_rdf(content: dict[str, Any], iri: str) -> Mapped:
    """The triples of a valid description of ``iri``. Raises InvalidThingError where it is no JSON-LD."""
    survey = _Survey()
    survey.look(content)
    survey.check_cost()
    document = _Localised(survey).value(content)
    for name in ("@id", _REGISTRATION):
        document.pop(name, None)
    document["id"] = _SUBJECT.value
    undeclared = survey.undeclared()
    if undeclared:  # first, so that the document's own terms may use them
        document["@context"].insert(0, {prefix: PREFIXES[prefix] for prefix in undeclared})
    try:
        names = _Names(NamedNode(iri))
    except ValueError:
        message = "is not an IRI; use one such as urn:uuid:..."
        raise InvalidThingError([problem(("id",), message)]) from None
    quads, notes = _quads(document, names.base)
    return Mapped(tuple(names.triples(quads)), (*survey.notes(), *notes), undeclared)


def _quads(document: dict[str, Any], base: str) -> tuple[list[Quad], tuple[str, ...]]:
    """Statements of the document; without values of data schemas where those only look like JSON-LD."""
    quads, message = _parsed(document, base)
    if quads is not None:
        return quads, ()
    plain = _without_values(document)
    quads, _ = _parsed(plain, base)
    if quads is not None:
        return quads, (
            "values of data schemas that are no JSON-LD are kept in the document but not in RDF",
        )
    path = culprit(plain, lambda part: _parsed(part, base)[0] is not None)
    message = f"cannot be read as JSON-LD ({message}); rename or mend it"
    raise InvalidThingError([problem(path, message)])


def _parsed(document: dict[str, Any], base: str) -> tuple[list[Quad] | None, str]:
    try:
        return list(parse(json.dumps(document), RdfFormat.JSON_LD, base_iri=base)), ""
    except SyntaxError as error:
        return None, error.msg


def _without_values(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_values(item) for name, item in value.items() if name not in VALUES}


@dataclass
class _Survey:
    """What a document says, before it is changed: all its words, and its contexts."""

    words: set[str] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    left_out: dict[str, Path] = field(default_factory=dict)
    objects: int = 0
    terms: int = _USUAL_TERMS
    scoped: int = 0

    def look(self, value: Any, path: Path = (), terms: int = _USUAL_TERMS) -> None:
        """At a value and all in it."""
        if isinstance(value, str):
            self.words.add(value)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.look(item, (*path, index), terms)
        elif isinstance(value, dict):
            self.objects += 1
            self.words.update(value)
            self._look_at_names(value)
            if "@context" in value:
                terms += self._look_at_context(value["@context"], (*path, "@context"))
                self.terms = max(self.terms, terms)
            for name, item in value.items():
                self.look(item, (*path, name), terms)

    def _look_at_names(self, value: dict[str, Any]) -> None:
        """At what can only be meant as IRIs."""
        types = value.get("@type")
        for name in (*value, value.get("@id"), *(types if isinstance(types, list) else [types])):
            prefix, colon, rest = name.partition(":") if isinstance(name, str) else ("", "", "")
            if colon and not rest.startswith("//") and prefix in PREFIXES:
                self.used.add(prefix)

    def undeclared(self) -> tuple[str, ...]:
        """Known prefixes that are used and defined nowhere: to JSON-LD "tl:core" is then an IRI of a
        scheme tl, and "s3n_extend:RAM" none, and both match nothing."""
        if self.left_out:
            return ()
        standard = {name for file in FILES.values() for name in bundled(file)}
        return tuple(sorted(self.used - self.prefixes - standard))

    def _look_at_context(self, context: Any, path: Path) -> int:
        """The number of its terms."""
        entries = context if isinstance(context, list) else [context]
        self.objects += len(entries)
        for entry in entries:
            if isinstance(entry, str):
                if entry not in FILES:
                    self.left_out.setdefault(entry, path)
                continue
            for name, value in entry.items() if isinstance(entry, dict) else ():
                self.prefixes.add(name)
                if name == "@import":
                    self.left_out.setdefault(str(value), path)
                if isinstance(value, dict) and "@context" in value:
                    self.scoped += _size(value["@context"])
        return sum(len(entry) for entry in entries if isinstance(entry, dict))

    def check_cost(self) -> None:
        """Wherever a context stands inside a document or a term, as the standard's own do, all terms
        that hold there are copied."""
        if (self.terms + self.scoped) * self.objects > _MOST_COST:
            message = (
                "has too many terms for so large a description; leave out what it does not use"
            )
            raise InvalidThingError([problem(("@context",), message)])

    def notes(self) -> Iterator[str]:
        """One for each context that is not bundled."""
        for url, path in islice(self.left_out.items(), _MOST_NOTES):
            yield (f"{json_path(path)}: {url} is not bundled and never fetched; its terms are kept in the "
                   "document but not in RDF")  # fmt: skip


def _size(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, inner))


class _Localised:
    """Copies a document, with contexts in the place of their URLs."""

    def __init__(self, survey: _Survey) -> None:
        self._is_whole = not survey.left_out
        self._prefixes = survey.prefixes | _IRI_SCHEMES
        self._bundled = {}
        for file in dict.fromkeys(FILES.values()):
            context = bundled(file)
            self._prefixes |= set(context)
            context = pruned(context, survey.words)
            self._bundled[file] = context if self._is_whole else without_default(context)

    def value(self, value: Any) -> Any:
        """Any value of the document."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        copy: dict[str, Any] = {}
        for name, item in value.items():
            if name == "@context":
                copy[name] = self._context(item)
            elif name == "@type":
                copy[name] = self._types(item)
            elif self._is_known(name):
                copy[name] = self.value(item)
        return copy

    def _is_known(self, name: str) -> bool:
        """A name with a prefix that only a missing context could have defined is not."""
        prefix, colon, _ = name.partition(":")
        return self._is_whole or not colon or prefix in self._prefixes

    def _types(self, value: Any) -> list[Any]:
        names = value if isinstance(value, list) else [value]
        return [
            name for name in names if not isinstance(name, str) or (name and self._is_known(name))
        ]

    def _context(self, context: Any) -> list[Any]:
        entries: list[Any] = []
        for entry in context if isinstance(context, list) else [context]:
            if isinstance(entry, str):
                found = self._bundled[FILES[entry]] if entry in FILES else None
                entries.append({} if found is None or found in entries else found)
            elif isinstance(entry, dict):
                entries.append({name: self._definition(name, value) for name, value in entry.items()
                                if name != "@import"})  # fmt: skip
            else:
                entries.append(entry)
        return entries

    def _definition(self, name: str, value: Any) -> Any:
        if isinstance(value, dict) and "@context" in value:
            return {**value, "@context": self._context(value["@context"])}
        return value


def base_of(iri: str) -> str:
    """Names inside a document, such as those of security definitions, become IRIs below this."""
    return f"urn:tinylearn:td:{quote(iri, safe='')}/"


class _Names:
    """Gives nodes the names they have in the registry."""

    def __init__(self, iri: NamedNode) -> None:
        self.iri = iri
        self.base = base_of(iri.value)
        self._prefix = "t" + hashlib.blake2b(iri.value.encode(), digest_size=8).hexdigest()
        self._blank: dict[BlankNode, BlankNode] = {}

    def triples(self, quads: list[Quad]) -> Iterator[Triple]:
        """Each once; blank nodes are numbered as they come, apart from those of other things."""
        yield Triple(self.iri, TYPE, THING)
        seen = {Triple(self.iri, TYPE, THING)}
        for quad in quads:
            if quad.predicate in RESERVED:
                continue
            triple = Triple(self._node(quad.subject), quad.predicate, self._node(quad.object))
            if triple not in seen:
                seen.add(triple)
                yield triple

    def _node(self, node: Any) -> Any:
        if isinstance(node, BlankNode):
            return self._blank.setdefault(node, BlankNode(f"{self._prefix}n{len(self._blank)}"))
        if isinstance(node, Literal) and node.direction is not None:
            return Literal(node.value, language=node.language)  # RDF 1.1 has no direction
        return self.iri if node == _SUBJECT else node
