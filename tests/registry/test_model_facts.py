"""Facts of a model to RDF and back, as flat facts and as Turtle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from tinylearn.errors import BadInputError
from tinylearn.registry.models import flat
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.iris import part
from tinylearn.registry.models.read import flat_facts, is_model, model_of
from tinylearn.registry.models.turtle import turtle
from tinylearn.registry.vocabulary import SOSA_EXTEND, XSD

IRI = NamedNode("urn:tinylearn:model:sha256:" + 64 * "a")
sizes = st.integers(0, 2**40)
words = st.text(max_size=20)
names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
sets = st.frozensets(names, max_size=3)
general = st.builds(Need, sizes, sizes, st.none() | sizes)
needs = st.builds(Need, sizes, sizes, st.none() | sizes, st.booleans())
modes = st.sampled_from(list(Mode))
models = st.builds(
    Model,
    st.just(IRI.value),
    words.filter(bool),
    needs=st.dictionaries(modes, general),
    needs_of_target=st.dictionaries(st.tuples(modes, names), needs, max_size=6),
    sensors=st.frozensets(names.map(lambda name: SOSA_EXTEND + name), max_size=3),
    operators=sets,
    unsupported=sets,
    obstacles=st.dictionaries(modes, words),
    arithmetic=st.sampled_from((None, "int8", "float32")),
    accuracy=st.none() | st.floats(0, 1).map(lambda share: round(share, 12)),
    task=st.sampled_from((None, "Classification", "Regression", "https://example.org/ns#Counting")),
    file=st.none() | words.filter(bool),
    sha256=st.sampled_from((None, 64 * "0")),
)


@given(models)
def test_flat_facts_are_the_model(model: Model) -> None:
    triples = flat_facts(model)
    assert is_model(IRI, triples)
    assert model_of(IRI, triples) == model
    assert model_of(IRI, reversed(triples)) == model, "in any order"
    assert flat_facts(model_of(IRI, triples)) == triples


@given(models)
def test_turtle_is_read_as_what_was_written(model: Model) -> None:
    triples = flat_facts(model)
    content = turtle(triples, {"model": part(IRI, "").value})
    read = [Triple(q.subject, q.predicate, q.object) for q in parse(content, RdfFormat.TURTLE)]
    assert set(read) == set(triples) and turtle(triples, {"model": part(IRI, "").value}) == content


literals = st.one_of(
    words.map(Literal),
    words.map(lambda text: Literal(text, language="de")),
    st.tuples(words, st.sampled_from(("integer", "decimal", "boolean", "double", "date"))).map(
        lambda pair: Literal(pair[0], datatype=NamedNode(XSD + pair[1]))
    ),
)
strange = st.sampled_from(
    [
        "urn:a",
        "urn:tinylearn:ns:",
        "urn:tinylearn:ns:a.b",
        "urn:tinylearn:ns:1",
        "urn:tinylearn:ns:ä",
    ]
).map(NamedNode)


@given(st.lists(st.builds(Triple, strange, strange, literals | strange), max_size=8))
def test_any_iri_and_literal_survives_turtle(triples: list[Triple]) -> None:
    read = parse(turtle(triples), RdfFormat.TURTLE)
    assert {Triple(q.subject, q.predicate, q.object) for q in read} == set(triples)


def test_a_target_takes_one_line_with_those_that_need_the_same() -> None:
    need, other = Need(1, 2, 3), Need(1, 2, 3, measured=True)
    on = {(Mode.INFERENCE, name): need for name in ("a", "b", "c")}
    model = Model(IRI.value, "m", needs_of_target={**on, (Mode.INFERENCE, "d"): other})
    nodes = {t.object for t in flat_facts(model) if t.predicate == flat.NEED}
    assert len(nodes) == 2


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        (flat.sizes(Mode.INFERENCE)[0], "256 kB", "tl:inferenceRamBytes is '256 kB'"),
        (flat.sizes(Mode.LEARNING)[1], "1.5", "tl:learningFlashBytes is '1.5'"),
        (flat.sizes(Mode.INFERENCE)[2], "-1", "tl:inferenceMacs is '-1'"),
        (flat.ACCURACY, "93", "tl:accuracy is '93', not from 0 to 1"),
        (flat.ACCURACY, "NaN", "tl:accuracy is 'NaN'"),
    ],
)
def test_a_fact_that_is_none_is_refused(fact: NamedNode, value: str, words: str) -> None:
    with pytest.raises(BadInputError, match=f"{IRI.value}: {words}"):
        model_of(IRI, [Triple(IRI, fact, Literal(value))])


def test_a_need_without_its_mode_is_refused() -> None:
    node = part(IRI, "need-1")
    with pytest.raises(BadInputError, match="need-1: a tl:needOnTarget says tl:mode"):
        model_of(IRI, [Triple(IRI, flat.NEED, node), Triple(node, flat.MODE, Literal("flying"))])
