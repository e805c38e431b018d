"""Each mend on a small description: what it changes, what it tells, what it leaves alone."""

from __future__ import annotations

import pytest
from described import DEVICE, MEMORY, board, triples
from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.seloc.defects import summary
from tinylearn.registry.seloc.mend import Mended, mended
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import NNET, S3N_EXTEND, SOSA, SOSA_EXTEND, SSN, TD, TL, XSD

MODEL = NamedNode("urn:test:model")
NETWORK = "<urn:test:model> a nnet:NeuralNetwork ; "


def of_model(text: str) -> Mended:
    return mended(MODEL, triples(NETWORK + text))


def kinds(thing: Mended) -> set[str]:
    return {defect.kind for defect in thing.defects}


def objects(thing: Mended, predicate: str, subject: NamedNode = MODEL) -> list[str]:
    return [o.value for o in Description(thing.triples).objects(subject, NamedNode(predicate))]


def test_a_description_without_defects_is_left_as_it_is() -> None:
    text = board(more='a td:Thing ; td:hasPropertyAffordance [ td:name "t" ] ;')
    whole = mended(DEVICE, triples(text), "a.ttl")
    again = mended(DEVICE, whole.triples)
    assert whole.defects == again.defects == [] and whole.triples == again.triples


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sosa_extend::Magnetometer", SOSA_EXTEND + "Magnetometer"),
        ("<http://tinyml-schema.org/sosa_extend/Camera>", SOSA_EXTEND + "Camera"),
        ("<http://tinyml-schema.org/networkschema#Layer>", NNET + "Layer"),
        ("<http://www.w3.org/ns/td#Thing>", TD + "Thing"),
        ("schema:Sensor", SOSA + "Sensor"),
        ("nnet:Relu6", TL + "Relu6"),
        ("nnet:AvgPool2D", NNET + "AveragePool2D"),
        ("sosa_extend:OtherSensor", TL + "OtherSensor"),
    ],
)
def test_names_that_were_meant_otherwise(written: str, meant: str) -> None:
    thing = of_model(f"nnet:hasType {written} .")
    assert objects(thing, NNET + "hasType") == [meant]
    assert len(thing.defects) == 1 and thing.defects[0].mend


def test_a_term_that_nobody_has_defined_is_told_and_kept() -> None:
    thing = of_model("nnet:hasType nnet:Wizardry .")
    assert objects(thing, NNET + "hasType") == [NNET + "Wizardry"]
    assert [(d.kind, d.mend) for d in thing.defects] == [("undefined term", "")]


def test_the_name_of_a_thing_itself_is_mended() -> None:
    base = "https://w3id.org/tinyml-schema/nn"
    name = NamedNode(f"{base}//model")
    thing = mended(name, [Triple(name, NamedNode(SSN + "hasInput"), NamedNode(f"{base}//in"))])
    assert thing.iri.value == f"{base}/model"
    assert objects(thing, SSN + "hasInput", thing.iri) == [f"{base}/in"]
    other = NamedNode("https://example.org//a")
    assert mended(other, [Triple(other, NamedNode(SSN + "hasInput"), other)]).iri == other


@pytest.mark.parametrize(
    ("written", "left", "kind"),
    [
        ("<relative:///None>", [], "placeholder"),
        ("<relative:///N.A.>", [], "placeholder"),
        ('"N.A."', [], "placeholder"),
        ('"none"', ["none"], None),  # may be a value
        ("<relative:///download.org/a.gz>", ["http://download.org/a.gz"], "IRI without a scheme"),
        ("<relative:///data>", [], "relative IRI without a base"),
    ],
)
def test_what_is_no_value(written: str, left: list[str], kind: str | None) -> None:
    thing = of_model(f"nnet:trainingDataset {written} .")
    assert objects(thing, NNET + "trainingDataset") == left
    assert kinds(thing) == ({kind} if kind else set())


def test_counts_dates_and_metrics() -> None:
    thing = of_model(
        'nnet:hasMultiplyAccumulateOps 3.36e5 ; schema:dateCreated "2021-12-12" ; '
        "nnet:hasMetric [ nnet:hasMetricValue 0e0 ] , [ nnet:hasMetricValue 9.21e1 ] ."
    )
    about = Description(thing.triples)
    macs = about.literal(MODEL, NamedNode(NNET + "hasMultiplyAccumulateOps"))
    assert macs == Literal("336000", datatype=NamedNode(XSD + "integer"))
    date = about.literal(MODEL, NamedNode("https://schema.org/dateCreated"))
    assert date == Literal("2021-12-12", datatype=NamedNode(XSD + "date"))
    values = [t.object.value for t in thing.triples if t.predicate.value == NNET + "hasMetricValue"]  # type: ignore[union-attr]
    assert [float(value) for value in values] == [92.1] and len(thing.defects) == 3


@pytest.mark.parametrize(
    ("text", "elements", "shape"),
    [("[   1 1960]", "1960", "1960"), ("[ 1 32 32  3]", "3072", "32x32x3"), ("[1 1]", "1", "1"),
     ("(2, 3)", "6", "2x3")],
)  # fmt: skip
def test_shapes_written_as_text(text: str, elements: str, shape: str) -> None:
    thing = of_model(f'nnet:shapeIn "{text}" .')
    assert objects(thing, NNET + "shapeIn") == [elements]
    assert objects(thing, TL + "shapeIn") == [shape]


def test_text_that_is_no_shape_is_told_and_kept() -> None:
    thing = of_model('nnet:shapeIn "wide" .')
    assert objects(thing, NNET + "shapeIn") == ["wide"] and kinds(thing) == {"shape as text"}


def test_layers_are_counted_through() -> None:
    def layers(middle: str, last: int) -> list[str]:
        thing = of_model(
            f"nnet:inputLayer [ nnet:hasIndex 1 ] ; nnet:middleLayer {middle} ; "
            f"nnet:outputLayer [ nnet:hasIndex {last} ] ."
        )
        found = [t.object for t in thing.triples if t.predicate.value == NNET + "hasIndex"]
        return sorted(index.value for index in found)  # type: ignore[union-attr]

    assert layers("[ nnet:hasIndex 1 ] , [ nnet:hasIndex 2 ]", 4) == ["1", "2", "3", "4"]
    assert layers("[ nnet:hasIndex 2 ] , [ nnet:hasIndex 3 ]", 4) == ["1", "2", "3", "4"]
    assert layers("[ nnet:hasIndex 1 ]", 9) == ["1", "1", "9"]  # nobody knows what was meant


def test_bytes_stand_beside_kilobytes_and_bare_numbers_stay_bare() -> None:
    known = "ssn-system:hasSystemProperty [ a s3n_extend:RAM ; schema:value 187 ; schema:unitCode om:kilobyte ]"
    thing = mended(DEVICE, triples(board(known)))
    about = Description(thing.triples)
    (ram,) = about.subjects(S3N_EXTEND + "RAM")
    assert about.number(ram, NamedNode("http://qudt.org/schema/qudt/numericValue")) == 187_000
    assert about.number(ram, NamedNode("https://schema.org/value")) == 187
    bare = "ssn-system:hasSystemProperty [ a s3n_extend:RAM ; schema:value 187 ]"
    assert "memory in kilobyte" not in kinds(mended(DEVICE, triples(board(bare))))


def test_a_core_that_was_not_told_is_unknown() -> None:
    thing = mended(DEVICE, triples(board(core="")))
    assert "no core" in kinds(thing)
    assert [t.object.value for t in thing.triples if t.predicate.value == TL + "core"] == [
        "unknown"
    ]  # type: ignore[union-attr]


def test_sizes_that_cannot_be_are_told_and_left() -> None:
    huge = MEMORY.replace("262144", "233216000000")
    thing = mended(DEVICE, triples(board(huge)))
    assert [d.mend for d in thing.defects if "so much memory" in d.kind] == [""]


def test_json_words_of_a_thing_become_terms_of_its_ontology() -> None:
    form = 'td:hasForm [ td:href "http://h/device/heat"@en ; td:op "readproperty"@en , "dance"@en ]'
    thing = mended(DEVICE, triples(board(more=f"""
      td:hasSecurityConfiguration td:nosec_sc ; td:securityDefinitions [ td:scheme "nosec"@en ] ;
      td:hasPropertyAffordance [ {form} ; td:type "number"@en ; td:maximum 80 ; td:unit "om:gravity"@en ] ;
    """)))  # fmt: skip
    said = {(t.predicate.value, str(t.object)) for t in thing.triples}
    hctl, schema = (
        "https://www.w3.org/2019/wot/hypermedia#",
        "https://www.w3.org/2019/wot/json-schema#",
    )
    assert {
        (hctl + "hasTarget", f'"http://h/device/heat"^^<{XSD}anyURI>'),
        (hctl + "hasOperationType", f"<{TD}readProperty>"),
        (TD + "op", '"dance"'),
        (TD + "name", '"heat"'),
        ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"<{schema}NumberSchema>"),
        ("http://schema.org/unitCode", "<http://qudt.org/vocab/unit/G>"),
        (TD + "hasSecurityConfiguration", '"nosec_sc"'),
    } <= said
    assert {
        "language tag on what machines read",
        "unknown word",
        "property without a name",
    } <= kinds(thing)


def test_the_summary_counts_by_kind_or_by_file() -> None:
    defects = [d for file in ("a", "b") for d in mended(MODEL, triples(
        NETWORK + "nnet:hasType nnet:Add , nnet:Pad ."), file).defects]  # fmt: skip
    (whole,) = summary(defects)
    assert (whole.count, whole.files, whole.things) == (4, 2, 1)
    assert [(s.file, s.count) for s in summary(defects, by_file=True)] == [("a", 2), ("b", 2)]
