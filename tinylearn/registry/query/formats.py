"""Formats of answers, and which of them a client likes best (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyoxigraph import QueryResultsFormat, RdfFormat

from tinylearn.registry.query.errors import NoSuchFormatError

ANY = "*/*"
_MOST_CHARACTERS = 4096


@dataclass(frozen=True)
class Format:
    """``names``: of the command line and of HTTP, the official one first. ``kind``: how an engine
    knows it, of rows or of triples."""

    name: str
    names: tuple[str, ...]
    kind: QueryResultsFormat | RdfFormat
    charset: bool = False

    @property
    def content_type(self) -> str:
        """For HTTP."""
        return self.names[0] + ("; charset=utf-8" if self.charset else "")


#: rows, or yes and no; the first is what those get who do not care
ROWS = (
    Format("json", ("application/sparql-results+json", "application/json"), QueryResultsFormat.JSON),
    Format("xml", ("application/sparql-results+xml", "application/xml", "text/xml"), QueryResultsFormat.XML),
    Format("csv", ("text/csv",), QueryResultsFormat.CSV, True),
    Format("tsv", ("text/tab-separated-values",), QueryResultsFormat.TSV, True),
)  # fmt: skip
#: triples
GRAPHS = (
    Format("turtle", ("text/turtle", "application/x-turtle"), RdfFormat.TURTLE, True),
    Format("ntriples", ("application/n-triples", "text/plain"), RdfFormat.N_TRIPLES, True),
    Format("trig", ("application/trig",), RdfFormat.TRIG, True),
    Format("nquads", ("application/n-quads",), RdfFormat.N_QUADS, True),
    Format("jsonld", ("application/ld+json", "application/json"), RdfFormat.JSON_LD),
    Format("rdfxml", ("application/rdf+xml", "application/xml"), RdfFormat.RDF_XML, True),
)


def negotiated(accept: str, is_graph: bool) -> Format:
    """Of an Accept header; the earlier where several are liked as much.

    Raises NoSuchFormatError where none is accepted.
    """
    offers = GRAPHS if is_graph else ROWS
    wanted = _ranges(accept) or [(ANY, 1.0)]
    best = max(offers, key=lambda offer: _quality(offer, wanted))
    if _quality(best, wanted) <= 0:
        what = "triples" if is_graph else "rows"
        there = ", ".join(offer.names[0] for offer in offers)
        raise NoSuchFormatError(f"the answer is {what}, there as {there}; not as {accept[:100]!r}")
    return best


def named(name: str, is_graph: bool) -> Format:
    """By its name on a command line; raises NoSuchFormatError."""
    offers = GRAPHS if is_graph else ROWS
    found = next((offer for offer in offers if offer.name == name), None)
    if found is None:
        what = "triples" if is_graph else "rows"
        there = ", ".join(offer.name for offer in offers)
        raise NoSuchFormatError(f"the answer is {what}, there as {there}; not as {name}")
    return found


def _ranges(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept[:_MOST_CHARACTERS].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        if name:
            found.append((name, _weight(weight)))
    return found


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _quality(offer: Format, wanted: Sequence[tuple[str, float]]) -> float:
    """As the range says that fits most exactly, of any of its names; a name that is not the official
    one counts a little less."""
    qualities = [_of_name(name, wanted) for name in offer.names]
    return max(qualities[0], *(0.999 * quality for quality in qualities[1:]), 0.0)


def _of_name(media_type: str, wanted: Sequence[tuple[str, float]]) -> float:
    for name in (media_type, media_type.split("/")[0] + "/*", ANY):
        weights = [weight for range_, weight in wanted if range_ == name]
        if weights:
            return max(weights)
    return 0.0
