"""Which format of an answer a client gets."""

from __future__ import annotations

import pytest

from tinylearn.registry.query.errors import NoSuchFormatError
from tinylearn.registry.query.formats import named, negotiated

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "rows", "triples"),
    [
        ("*/*", "json", "turtle"),
        ("", "json", "turtle"),
        (" , ", "json", "turtle"),
        ("application/json", "json", "jsonld"),
        (BROWSER, "xml", "rdfxml"),
        ("text/*", "csv", "turtle"),
        ("TEXT/CSV;header=present, application/n-triples ; Q=0.5", "csv", "ntriples"),
        ("text/csv;q=0.5, application/sparql-results+xml;q=0.6, */*;q=0.1", "xml", "turtle"),
        ("application/sparql-results+json;q=0, */*", "xml", "turtle"),
        ("application/ld+json, text/turtle, text/tab-separated-values", "tsv", "turtle"),
        ("application/trig;q=2, */*;q=0.1", "json", "turtle"),
        ("application/n-quads;q=x, text/csv;q=nan, */*;q=0.1", "json", "turtle"),
    ],
)
def test_quality_decides(accept, rows, triples):
    assert (negotiated(accept, False).name, negotiated(accept, True).name) == (rows, triples)


@pytest.mark.parametrize(
    "accept", ["image/png", "text/html", "*/*;q=0", "text/turtle/x", ";q=1,text/"]
)
def test_nothing_fits(accept):
    for is_graph in (False, True):
        if accept != ";q=1,text/":
            with pytest.raises(NoSuchFormatError, match="there as"):
                negotiated(accept, is_graph)


def test_by_name():
    assert named("csv", False).content_type == "text/csv; charset=utf-8"
    with pytest.raises(
        NoSuchFormatError, match="rows, there as json, xml, csv, tsv; not as turtle"
    ):
        named("turtle", False)
    with pytest.raises(NoSuchFormatError, match="triples, there as turtle"):
        named("csv", True)
