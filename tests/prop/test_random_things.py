"""Properties of the reading of Thing Descriptions, over random valid ones and what is left of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode
from support.random_things import things

from tinylearn.registry.td.document import (
    InvalidThingError,
    check_td,
    parse_td,
    td_of_triples,
    to_triples,
)

SCALARS = st.none() | st.booleans() | st.floats() | st.text()
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(things())
@settings(max_examples=60)
def test_valid_things_pass_and_come_back_equal(td: dict[str, Any]) -> None:
    text = json.dumps(td, ensure_ascii=False)
    found = parse_td(text.encode())
    assert (
        found.content == td and json.dumps(found.content, ensure_ascii=False) == found.text == text
    )


@given(things())
@settings(max_examples=60)
def test_what_rdf_keeps_of_them_is_valid(td: dict[str, Any]) -> None:
    td.setdefault("id", "urn:x:1")
    triples = to_triples(check_td(td))
    back = check_td(td_of_triples(NamedNode(td["id"]), triples))
    assert back.id == td["id"]
    assert list(map(str, triples)) == list(map(str, to_triples(check_td(td))))
    again = check_td(td_of_triples(NamedNode(td["id"]), to_triples(back)))
    assert again.content["title"] == back.content["title"]


@given(things(), st.data())
@settings(max_examples=20)
def test_each_member_that_must_be_there_is_missed(td: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["@context", "title", "security", "securityDefinitions"]))
    del td[name]
    with pytest.raises(InvalidThingError) as refusal:
        check_td(td)

    field = "$['@context']" if name == "@context" else f"$.{name}"
    assert [problem.field for problem in refusal.value.problems] == [field]


@given(things(), ANYTHING, st.data())
@settings(max_examples=60)
def test_anything_anywhere_is_accepted_or_refused_in_words(
    td: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    place: Any = td
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    try:
        found = check_td(td)
    except InvalidThingError as refusal:
        fields = [problem.field for problem in refusal.problems]
    else:
        fields = ["$"]
        assert found.content == td
    assert fields and all(field.startswith("$") for field in fields)
