"""Parts of the directory without HTTP, with anything thrown at them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.requests import Request

from tinylearn.directory import ids, media
from tinylearn.directory.conditions import check_unchanged, is_fresh
from tinylearn.directory.draft import CREATED, DELETED, UPDATED, Happened
from tinylearn.directory.entry import Entry
from tinylearn.directory.event_log import EventLog
from tinylearn.directory.index import Index
from tinylearn.directory.merge_patch import apply, difference
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.registration import Registration, Wish, rfc3339, split
from tinylearn.directory.steps import Steps

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "é"])
NAMES = st.sampled_from(["a", "b", "c"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=3)


def status_of(action: Callable[[], object]) -> int | None:
    """Of the problem that it raises, if any; anything else that it raises fails the test."""
    try:
        action()
    except ProblemError as error:
        return error.status
    return None


def without_nulls(value: Any) -> Any:
    """What a merge patch can make: no member is null, but for those inside of arrays."""
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(item) for name, item in value.items() if item is not None}


RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_the_examples_of_rfc_7396(target, patch, result):
    assert apply(target, patch) == result


@given(OBJECTS, OBJECTS)
def test_the_difference_is_what_makes_one_of_the_other(before, after):
    after = without_nulls(after)
    patch = difference(before, after)
    assert apply(before, patch) == after
    for name in before.keys() | after.keys():
        was, becomes = (
            json.dumps(part.get(name, "none"), sort_keys=True) for part in (before, after)
        )
        assert (name in patch) == (was != becomes)


@given(OBJECTS, OBJECTS)
def test_a_patch_changes_nothing_in_place(target, patch):
    before, wanted = repr(target), repr(patch)
    apply(target, patch)
    assert (repr(target), repr(patch)) == (before, wanted)


def test_json_knows_truth_from_one():
    assert difference({"a": 1, "b": [True]}, {"a": True, "b": [1]}) == {"a": True, "b": [1]}
    assert difference({"a": {"b": 1.0}}, {"a": {"b": 1}}) == {}


# ---- steps


@given(st.lists(st.integers(0, 2**20), max_size=300), st.integers(1, 128))
def test_steps_pass_everything_once_and_few_large_things_at_a_time(sizes, most):
    names = [str(number) for number in range(len(sizes))]
    steps, seen, before = Steps(names, most), [], 4
    while steps:
        some = steps.take()
        assert 0 < len(some) <= max(most, 4) and len(some) <= 2 * before
        seen += some
        size = sum(sizes[int(name)] for name in some)
        steps.took(size)
        before = max(1, min(len(some), 2**20 // max(1, size // len(some))))
    assert seen == names


# ---- index

STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["put", "gone", "until 1", "until 2"])),
    max_size=60,
)


@given(STEPS)
def test_the_index_is_as_a_plain_dictionary(steps):
    index, plain = Index([]), {}
    for name, what in steps:
        expires = NOW + timedelta(hours=int(what[-1])) if what.startswith("until") else None
        was_there = name in plain
        if what == "gone":
            changed = index.update({}, [name])
            plain.pop(name, None)
            assert changed == was_there
        else:
            changed = index.update({name: expires}, [])
            plain[name] = expires
            assert changed == (not was_there)
        times = [time for time in plain.values() if time is not None]
        assert index.ids == sorted(plain)
        assert index.next_expiry() == min(times, default=None)
        assert all((letter in index) == (letter in plain) for letter in "abcdef")
        for hours in (0, 1, 2):
            at = NOW + timedelta(hours=hours)
            due = sorted(n for n, time in plain.items() if time is not None and time <= at)
            assert index.expired(at) == due


def test_one_that_comes_while_another_goes_is_a_change():
    index = Index([("a", None)])
    assert index.update({"b": None}, ["a"]) and index.ids == ["b"]


def test_what_is_registered_again_and_again_does_not_pile_up():
    index = Index([])
    for seconds in range(2000):
        index.update({"a": NOW + timedelta(seconds=seconds)}, [])
    assert len(index._next) < 200
    assert index.next_expiry() == NOW + timedelta(seconds=1999)


# ---- registration


@given(st.floats(min_value=1e-3, max_value=1e9))
def test_a_ttl_counts_from_the_change_on(ttl):
    granted = split({"registration": {"ttl": ttl}})[1].granted(NOW, NOW)
    assert granted.expires == NOW + timedelta(seconds=ttl) and granted.ttl == ttl
    assert granted.has_expired(granted.expires) and not granted.has_expired(NOW)


@given(st.datetimes(min_value=datetime(2031, 1, 1), max_value=datetime(2200, 1, 1)))
def test_times_come_back_the_same(moment):
    said = rfc3339(moment.replace(tzinfo=UTC))
    assert said.endswith("Z")
    wish = split({"registration": {"expires": said}})[1]
    assert wish == Wish(expires=moment.replace(tzinfo=UTC))


@given(JSON)
def test_any_registration_is_understood_or_refused(said):
    content = {"title": "x", "registration": {"ttl": said, "expires": said}}
    assert status_of(lambda: split(content)) in (None, 400)


# ---- identifiers and headers


@given(st.binary(max_size=40))
def test_any_path_is_an_identifier_or_refused(tail):
    scope = {"raw_path": b"/things/" + tail}
    refused = status_of(lambda: ids.is_iri(ids.of_scope(scope, 100)))
    assert refused in (None, 400, 414)


@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_the_address_of_an_identifier_leads_back_to_it(text):
    assert ids.of_scope({"raw_path": ids.address(text).encode()}, 100) == text


def request(**headers: str) -> Request:
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    return Request({"type": "http", "headers": raw})


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_any_accept_is_an_offer_or_406(accept):
    refused = status_of(lambda: media.accepted(request(accept=accept), [media.TD, media.JSON]))
    assert refused in (None, 406)


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("application/json;q=0.5, application/td+json;q=0.4", media.JSON),
        ("*/*;q=0.1, application/json;q=0", media.TD),
        ("application/*", media.TD),
        ("APPLICATION/JSON; q=1.0", media.JSON),
        ("application/json;q=nonsense, */*;q=0.1", media.TD),
    ],
)
def test_the_exacter_range_counts(accept, best):
    assert media.accepted(request(accept=accept), [media.TD, media.JSON]) == best


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_any_condition_holds_or_does_not(text):
    headers = Headers({"if-match": text, "if-none-match": text})
    since = Headers({"if-unmodified-since": text})
    is_fresh(headers, '"a"')
    for tag in (None, '"a"'):
        assert status_of(lambda tag=tag: check_unchanged(headers, tag)) in (None, 412)
    assert status_of(lambda: check_unchanged(since, '"a"', datetime.now(UTC))) in (None, 412)


def test_a_condition_in_several_lines_is_one():
    lines = [(b"if-match", b'"a"'), (b"if-match", b'"b"')]
    check_unchanged(Headers(raw=lines), '"b"')
    assert status_of(lambda: check_unchanged(Headers(raw=lines), '"c"')) == 412
    assert is_fresh(Headers(raw=[(b"if-none-match", tag) for _, tag in lines]), '"b"')


# ---- events


def entry(**content: Any) -> Entry:
    return Entry("urn:x:a", {"@context": "c", "id": "urn:x:a", **content}, Registration(NOW, NOW))


@given(st.lists(st.integers(0, 3000), max_size=40), st.integers(1, 10), st.integers(2000, 9000))
def test_the_log_remembers_the_last_ones_within_its_bounds(sizes, most, most_bytes):
    log = EventLog(most, most_bytes)
    for size in sizes:
        log.tell([Happened(CREATED, "urn:x:a", None, entry(title="x" * size))])
    place = log.place("0-0")
    kept = log.since(place)
    assert [event.number for event in kept] == list(range(place + 1, len(sizes) + 1))
    assert len(kept) <= most and sum(event.size for event in kept) <= most_bytes
    for event in kept:
        assert log.since(log.place(log.name(event))) == kept[event.number - place :]
    if place:
        assert log.since(place - 1) is None


def test_what_a_log_tells():
    log = EventLog(10, 10**6)
    one, two = entry(title="1"), entry(title="2")
    log.tell([Happened(CREATED, one.id, None, one), Happened(UPDATED, one.id, one, two),
              Happened(DELETED, one.id, two, None)])  # fmt: skip
    created, updated, deleted = log.since(0)
    assert '"title":"1"' in created.full and '"registration"' in created.full
    assert updated.full == '{"id":"urn:x:a","title":"2"}'
    assert created.plain == updated.plain == deleted.plain == deleted.full == '{"id":"urn:x:a"}'
