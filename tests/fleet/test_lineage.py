"""Versions of a run as PROV-O: each leads back to the model that its devices were generated with."""

from __future__ import annotations

from pathlib import Path

from pyoxigraph import NamedNode, Quad, Store
from support.fleet_records import a_run, sequential_round, version, weights

from tinylearn.fleet.lineage import lineage_triples
from tinylearn.fleet.records import AddVersion
from tinylearn.fleet.store import open_store
from tinylearn.registry.models.turtle import turtle
from tinylearn.registry.models.versions import version_iri
from tinylearn.registry.vocabulary import DCTERMS, PROV, tl

MODEL = NamedNode("urn:tinylearn:model:sha256:" + 64 * "a")
_DERIVED = f"<{PROV}wasDerivedFrom>"


def run_of(place: Path) -> Store:
    """The RDF of a run with three rounds, and of what an operator restored after them."""
    kept = open_store(str(place))
    kept.create(a_run(7), weights(1))
    for number in (1, 2, 3):
        kept.commit(7, sequential_round(number))
    restored = version(5, reports=0)
    kept.commit(7, [AddVersion(type(restored)(5, 4, 0, restored.crc, 0, weights(5), "restored 2"))])
    graph = Store()
    for triple in lineage_triples(kept, a_run(7), MODEL):
        graph.add(Quad(*triple))
    again = list(lineage_triples(kept, a_run(7), MODEL))
    assert turtle(again) == turtle(lineage_triples(kept, a_run(7), MODEL))
    kept.close()
    return graph


def test_every_version_leads_back_to_the_model(tmp_path: Path) -> None:
    graph = run_of(tmp_path / "fleet.db")
    newest = version_iri(7, 5)
    found = graph.query(f"SELECT ?from {{ {newest} {_DERIVED}+ ?from }}")
    assert {row["from"] for row in found} == {MODEL, *(version_iri(7, n) for n in (1, 2, 3, 4))}
    of_model = graph.query(f"SELECT ?v {{ ?v <{DCTERMS}isVersionOf> {MODEL} }}")
    assert {row["v"] for row in of_model} == {version_iri(7, n) for n in (1, 2, 3, 4, 5)}


def test_a_version_tells_which_round_made_it_and_of_how_many_reports(tmp_path: Path) -> None:
    graph = run_of(tmp_path / "fleet.db")
    rows = graph.query(
        f"SELECT ?n ?round ?reports ?used {{ ?v {tl('version')} ?n ; <{PROV}wasGeneratedBy> ?a . "
        f"?a {tl('round')} ?round ; {tl('reports')} ?reports ; <{PROV}used> ?used }} ORDER BY ?n"
    )
    assert [tuple(value.value for value in row) for row in rows] == [
        (str(n), str(n - 1), "1", version_iri(7, n - 1).value) for n in (2, 3, 4)
    ]
    (row,) = graph.query(
        f"SELECT ?what {{ {version_iri(7, 5)} <{PROV}wasGeneratedBy> "
        "[ <http://www.w3.org/2000/01/rdf-schema#label> ?what ] }"
    )
    assert row["what"].value == "restored 2"
