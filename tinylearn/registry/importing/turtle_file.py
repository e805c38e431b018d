"""Turtle as untrusted input: triples, and what the file says it is about. Turtle alone: RDF/XML with its
entities is not accepted in any disguise."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from tinylearn.errors import BadInputError
from tinylearn.registry.importing.files import MOST_BYTES
from tinylearn.registry.nesting import check_nesting
from tinylearn.registry.seloc.iris import RELATIVE

#: triples of one file
MOST_TRIPLES = 2_000_000
#: the comment by which TopBraid and others name the resource or ontology of a file
_BASE_COMMENT = re.compile(r"^#\s*baseURI:\s*(\S+)", re.MULTILINE)
_PLACE = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class TurtleFile:
    """``about``: from a comment ``# baseURI:``; IRIs that are relative start with RELATIVE."""

    triples: list[Triple]
    about: str | None


def read_turtle(data: bytes, file: str) -> TurtleFile:
    """Raises BadInputError with the place of the mistake."""
    data = _readable(data, file)
    try:
        quads = parse(data, format=RdfFormat.TURTLE, base_iri=RELATIVE, rename_blank_nodes=True)
        triples = []
        for quad in quads:
            triples.append(quad.triple)
            if len(triples) > MOST_TRIPLES:
                raise BadInputError(f"{file}: more than {MOST_TRIPLES:,} triples; split it")
    except (SyntaxError, ValueError) as error:
        raise BadInputError(f"{file}: is no valid Turtle: {error}") from None
    except MemoryError:
        raise BadInputError(f"{file}: a text or name in it is too long to be read") from None
    for triple in triples:
        _check(triple, file)
    comment = _BASE_COMMENT.search(data[:4096].decode("utf-8", "replace"))
    return TurtleFile(triples, comment[1] if comment else None)


def _readable(data: bytes, file: str) -> bytes:
    """What a parser may be given: bounded, UTF-8, not XML, not too deep."""
    if len(data) > MOST_BYTES:
        raise BadInputError(f"{file}: is larger than {MOST_BYTES:,} bytes; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInputError(f"{file}: is not UTF-8, which Turtle is written in") from None
    if text.lstrip().startswith(("<?xml", "<!", "<rdf:")):
        raise BadInputError(f"{file}: is XML; only Turtle and JSON-LD are read, convert it first")
    data = text.encode()
    try:
        check_nesting(data)
    except BadInputError as error:
        raise BadInputError(f"{file}: {error}") from None
    return data


def _check(triple: Triple, file: str) -> None:
    if isinstance(triple.subject, Triple) or isinstance(triple.object, Triple):
        raise BadInputError(f"{file}: a triple within a triple (RDF-star) is not understood here")
    names = (triple.subject, triple.predicate)
    relative = next(
        (n for n in names if isinstance(n, NamedNode) and n.value.startswith(RELATIVE)), None
    )
    if relative is not None:
        text = relative.value.removeprefix(RELATIVE)
        raise BadInputError(
            f"{file}: <{text}> is relative to nothing; write whole IRIs, or @base <https://...> . on top"
        )
