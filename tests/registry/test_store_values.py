"""Values get into a query as VALUES of its outermost group, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Store

from tinylearn.registry.store.values import bind

IRI = NamedNode("http://x.test/a")


@pytest.mark.parametrize(
    ("query", "before"),
    [
        ("SELECT ?a { ?a ?b ?c }", "SELECT ?a {"),
        ("SELECT ?a WHERE{?a ?b ?c}", "SELECT ?a WHERE{"),
        ("PREFIX a: <http://x.test/{}> SELECT ?a {?a ?b ?c}", None),
        ("# { in a comment\nSELECT ?a {?a ?b ?c}", "# { in a comment\nSELECT ?a {"),
        (
            'SELECT (CONCAT(\'{\', "{\\"{") AS ?d) {?a ?b ?c}',
            'SELECT (CONCAT(\'{\', "{\\"{") AS ?d) {',
        ),
        ("SELECT ('''{'{''' AS ?d) {?a ?b ?c}", "SELECT ('''{'{''' AS ?d) {"),
        ("PREFIX : <http://x.test/#> SELECT * {:a ?b ?c}", "PREFIX : <http://x.test/#> SELECT * {"),
    ],
)
def test_the_outermost_group(query: str, before: str | None) -> None:
    text = bind(query, {"a": IRI})
    if before is not None:
        assert text == f"{before} VALUES (?a) {{ ({IRI}) }} {query[len(before) :]}"


def test_without_values_a_query_stays_as_it_is() -> None:
    assert bind("ASK", {}) == "ASK"


@pytest.mark.parametrize("name", ["", "?a", "a b", "a) { } #", "1a", "ä"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a variable"):
        bind("SELECT ?a {?a ?b ?c}", {name: IRI})


def test_blank_nodes_and_queries_without_a_group() -> None:
    with pytest.raises(ValueError, match="a blank node has no name"):
        bind("SELECT ?a {?a ?b ?c}", {"a": BlankNode()})
    with pytest.raises(ValueError, match="no group"):
        bind("SELECT ?a '{'", {"a": IRI})


@given(st.text(st.characters(codec="utf-8")))
def test_any_literal_stays_one(text: str) -> None:
    store = Store()
    store.add(Quad(IRI, IRI, Literal(text)))
    found = store.query(bind("SELECT ?s ?text { ?s ?p ?text }", {"text": Literal(text)}))
    assert [row["text"] for row in found] == [Literal(text)]
