"""What every store of graphs does: the embedded one, and a real SPARQL server behind HTTP."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from graphs import KNOWS, NAME, canonical, device, quads
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.matching.csv_rows import columns_of, table_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.open import open_store
from tinylearn.registry.store.update_text import REGISTRY
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SMART_SENSOR, TYPE, tl

D1, D2, D3 = (device(n) for n in (1, 2, 3))


def put(store: GraphStore, *graphs: tuple[NamedNode, list[Triple]]) -> None:
    store.upsert(dict(graphs))


def test_an_empty_store(store: GraphStore) -> None:
    assert store.names() == []
    assert list(store.quads()) == []
    assert store.graph(D1[0]) == []
    assert store.select("SELECT ?s { ?s ?p ?o }") == []
    assert store.revision() == 0


def test_a_graph_comes_back(store: GraphStore) -> None:
    put(store, D1, D2)
    assert canonical(store.graph(D1[0])) == canonical(D1[1])
    assert store.names() == [D1[0], D2[0]]


def test_a_graph_is_replaced_as_a_whole(store: GraphStore) -> None:
    put(store, D1, D2)
    put(store, device(1, version=7))
    assert canonical(store.graph(D1[0])) == canonical(device(1, version=7)[1])
    assert canonical(store.graph(D2[0])) == canonical(D2[1])


def test_deleted_graphs_are_gone(store: GraphStore) -> None:
    put(store, D1, D2, D3)
    store.upsert(
        {D3[0]: [Triple(D3[0], KNOWS, D1[0])]}, deleted=[D1[0], NamedNode("urn:test:none")]
    )
    assert store.names() == [D2[0], D3[0]]
    assert store.graph(D1[0]) == []


def test_a_graph_without_triples_is_none(store: GraphStore) -> None:
    put(store, D1, D2)
    store.upsert({D1[0]: []})
    assert store.names() == [D2[0]]


def test_one_that_is_replaced_and_deleted_is_replaced(store: GraphStore) -> None:
    put(store, D1)
    store.upsert({D1[0]: device(1, version=2)[1]}, deleted=[D1[0]])
    assert canonical(store.graph(D1[0])) == canonical(device(1, version=2)[1])


def test_names_of_a_kind(store: GraphStore) -> None:
    model = NamedNode("urn:test:model")
    put(store, D2, D1, (model, [Triple(model, TYPE, NEURAL_NETWORK),
                                Triple(NamedNode("urn:test:other"), TYPE, SMART_SENSOR)]))  # fmt: skip
    assert store.names(SMART_SENSOR) == [D1[0], D2[0]]
    assert store.names(NEURAL_NETWORK) == [model]


def test_blank_nodes_of_two_graphs_are_two(store: GraphStore) -> None:
    put(store, D1, D2)
    assert len(store.select(f"SELECT DISTINCT ?part {{ ?device {KNOWS} ?part }}")) == 2
    assert len({quad.subject for quad in store.quads() if quad.predicate == NAME}) == 2


def test_values_are_bound_in_queries_over_all_graphs(store: GraphStore) -> None:
    put(store, D1, D2)
    query = f"SELECT ?part {{ ?device {KNOWS} ?node . ?node {NAME} ?part }}"
    assert store.select(query, {"device": D2[0]}) == [{"part": Literal("part of 2, 0")}]
    assert len(store.select(query)) == 2


def test_a_row_has_no_entry_for_what_is_not_bound(store: GraphStore) -> None:
    put(store, D1)
    query = "SELECT ?s ?none { ?s a ?kind OPTIONAL { ?s <urn:test:none> ?none } }"
    assert store.select(query) == [{"s": D1[0]}]


def test_rows_come_as_csv_too(store: GraphStore) -> None:
    name = NamedNode("urn:test:csv")
    store.upsert(
        {name: [Triple(name, NAME, Literal(text)) for text in ("a,b", 'say "c"', "d\ne", "")]}
    )
    text = store.select_csv("SELECT ?s ?name ?none { ?s <urn:test:name> ?name } ORDER BY ?name")
    assert text.startswith(b"s,name,none\r\n")
    rows = table_of(text)
    assert [row[1] for row in rows] == ["", "a,b", "d\ne", 'say "c"']
    assert {(row[0], row[2]) for row in rows} == {("urn:test:csv", "")}
    assert [list(column) for column in columns_of(text, 3)] == [
        list(c) for c in zip(*rows, strict=True)
    ]


@pytest.mark.parametrize("text", ["plain", 'a,"b",\r\n', ""])
def test_an_iri_with_a_comma_is_one_field_of_csv(store: GraphStore, text: str) -> None:
    name = NamedNode("tag:me@x.example,2024:a,b")
    triples = [Triple(name, NAME, Literal(text)), Triple(name, KNOWS, BlankNode("x"))]
    store.upsert({name: triples, **dict([D1])})
    found = store.select_csv(f"SELECT ?s ?name ?none ?k {{ ?s {NAME} ?name ; {KNOWS} ?k }}")
    assert found.startswith(b"s,name,none,k\r\n")
    assert [name.value, text, ""] in [row[:3] for row in table_of(found)]
    assert {len(row) for row in table_of(found)} == {4}
    assert all(row[3].startswith("_:") for row in table_of(found) if row[0] == name.value)
    assert columns_of(found, 4) == [tuple(c) for c in zip(*table_of(found), strict=True)]
    assert store.select_csv(f"SELECT ?s {{ ?s {NAME} {Literal(text)} }}").endswith(
        b'"tag:me@x.example,2024:a,b"\r\n'
    )


def test_the_revision_grows_with_each_commit(store: GraphStore) -> None:
    seen = [store.revision()]
    put(store, D1)
    seen.append(store.revision())
    put(store, D1)
    seen.append(store.revision())
    store.upsert({}, deleted=[D1[0]])
    seen.append(store.revision())
    store.bulk_load(quads(D1, D2))
    seen.append(store.revision())
    assert all(a < b for a, b in pairwise(seen))
    assert store.revision() == seen[-1]


def test_what_was_written_is_there_after_opening_again(place: str) -> None:
    first = open_store(place)
    put(first, D1, D2)
    revision = first.revision()
    first.flush()
    first.close()
    again = open_store(place, create=False)
    assert canonical(again.graph(D1[0])) == canonical(D1[1])
    assert again.revision() == revision
    again.close()


def test_a_closed_store_says_so(store: GraphStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.graph(D1[0])
    with pytest.raises(StoreError, match="closed"):
        put(store, D1)
    with pytest.raises(StoreError, match="closed"):
        store.revision()


def test_a_store_for_reading_is_not_written(place: str) -> None:
    writer = open_store(place)
    put(writer, D1)
    reader = open_store(place, read_only=True)
    assert canonical(reader.graph(D1[0])) == canonical(D1[1])
    for write in (lambda: put(reader, D2), lambda: reader.bulk_load(quads(D2))):
        with pytest.raises(StoreError, match="for reading only"):
            write()
    reader.close()
    assert writer.names() == [D1[0]]
    writer.close()


# ---- bulk loads ----


@pytest.mark.parametrize("count", [10, 1500])
def test_a_bulk_load_adds_and_replaces(store: GraphStore, count: int) -> None:
    put(store, D1, device(count + 1))
    store.bulk_load(quads(*(device(n, version=5) for n in range(1, count + 1))))
    assert len(store.names()) == count + 1
    assert canonical(store.graph(D1[0])) == canonical(device(1, version=5)[1])
    assert canonical(store.graph(device(count + 1)[0])) == canonical(device(count + 1)[1])
    assert len({quad.subject for quad in store.quads() if quad.predicate == NAME}) == count + 1


def test_what_comes_out_can_go_in(store: GraphStore) -> None:
    put(store, D1, D2, D3)
    everything = list(store.quads())
    names = [name for name, _ in groupby(quad.graph_name for quad in everything)]
    assert sorted(names, key=str) == [D1[0], D2[0], D3[0]]
    assert len(everything) == 12
    store.upsert({}, deleted=[D1[0], D2[0]])
    store.bulk_load(everything)
    assert canonical(store.graph(D2[0])) == canonical(D2[1])
    assert len(list(store.quads())) == 12


def test_an_error_in_the_middle_of_a_bulk_load_leaves_whole_graphs(store: GraphStore) -> None:
    def broken():
        yield from quads(*map(device, range(2000)))
        yield from quads(device(5000))[:2]
        raise ValueError("the source has failed")

    with pytest.raises(ValueError, match="the source has failed"):
        store.bulk_load(broken())
    assert all(len(store.graph(name)) == 4 for name in store.names()[::50])
    assert device(5000)[0] not in store.names()


def test_a_graph_in_pieces_is_refused(store: GraphStore) -> None:
    with pytest.raises(BadInputError, match=r"urn:test:device:1: .*one after the other"):
        store.bulk_load([*quads(D1), *quads(D2), *quads(D1)])


@pytest.mark.parametrize("name", [DefaultGraph(), BlankNode("g"), REGISTRY])
def test_graphs_of_no_thing_are_refused(store: GraphStore, name: NamedNode) -> None:
    with pytest.raises(BadInputError, match="graph"):
        store.bulk_load([Quad(D1[0], KNOWS, D2[0], name)])
    with pytest.raises(BadInputError, match="graph"):
        store.upsert({name: [Triple(D1[0], KNOWS, D2[0])]})
    with pytest.raises(BadInputError, match="graph"):
        store.upsert({}, deleted=[name])
    assert store.revision() == 0


def test_a_triple_about_a_triple_is_refused(store: GraphStore) -> None:
    with pytest.raises(BadInputError, match="about a triple"):
        put(store, (D1[0], [Triple(D1[0], KNOWS, Triple(D1[0], KNOWS, D2[0]))]))


# ---- any content ----

iris = st.text("abc/:#?&=%25éäπ;,()'*!@$~-._[]", min_size=1, max_size=12).map(
    "http://x.test/".__add__
)


def _node(text: str) -> NamedNode | None:
    try:
        return NamedNode(text)
    except ValueError:
        return None


nodes = iris.map(_node).filter(lambda node: node is not None)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
literals = st.one_of(
    texts.map(Literal),
    st.builds(Literal, texts, language=st.sampled_from(["en", "de-ch", "zh-hant"])),
    st.integers(-(10**12), 10**12).map(Literal),
    st.booleans().map(Literal),
    st.builds(Literal, texts, datatype=st.just(NamedNode("urn:test:type"))),
)
blank = st.sampled_from(["a", "b", "c0", "0f"]).map(BlankNode)
triples = st.lists(
    st.builds(Triple, st.one_of(nodes, blank), nodes, st.one_of(nodes, blank, literals)), max_size=8
)
hostile = [
    '"} ; DROP ALL ; #',
    "\\",
    "'''",
    '"""',
    "\n\r\t\x00\x7f",
    "}} ; INSERT DATA { <a:b>",
    "\ufffe",
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs=st.dictionaries(nodes, triples, max_size=3))
def test_any_graph_comes_back(store: GraphStore, graphs: dict[NamedNode, list[Triple]]) -> None:
    store.upsert(graphs, deleted=store.names())
    for name, content in graphs.items():
        assert canonical(store.graph(name)) == canonical(content)
    assert set(store.names()) == {name for name, content in graphs.items() if content}


@pytest.mark.parametrize("text", hostile)
def test_values_do_not_leave_their_place(store: GraphStore, text: str) -> None:
    put(store, D2, (D1[0], [Triple(D1[0], NAME, Literal(text))]))
    assert store.select(f"SELECT ?s {{ ?s {NAME} ?text }}", {"text": Literal(text)}) == [
        {"s": D1[0]}
    ]
    assert store.graph(D1[0]) == [Triple(D1[0], NAME, Literal(text))]
    assert len(store.graph(D2[0])) == 4


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.booleans(), st.dictionaries(st.integers(0, 4), st.integers(0, 3))), max_size=6
    )
)
def test_any_history_leaves_what_it_should(
    store: GraphStore, steps: list[tuple[bool, dict[int, int]]]
) -> None:
    """Against a dictionary; version 0 deletes."""
    store.upsert({}, deleted=store.names())
    expected: dict[NamedNode, int] = {}
    for bulk, changes in steps:
        graphs = dict(device(n, version) for n, version in changes.items() if version)
        deleted = [device(n)[0] for n, version in changes.items() if not version]
        if bulk:
            store.bulk_load(quads(*graphs.items()))
            store.upsert({}, deleted)
        else:
            store.upsert(graphs, deleted)
        expected |= {device(n)[0]: version for n, version in changes.items()}
    there = {name: version for name, version in expected.items() if version}
    rows = store.select(f"SELECT ?device ?version {{ ?device {tl('ramBytes')} ?version }}")
    assert {row["device"]: int(row["version"].value) for row in rows} == there
    assert len(rows) == len(there)
