"""Hostile documents: refused in words, nothing fetched, nothing that takes long or crashes."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from support.things import CONTEXT, minimal

from tinylearn.registry.td import json_text
from tinylearn.registry.td.document import InvalidThingError, check_td, parse_td, to_triples
from tinylearn.registry.td.problems import MOST_PROBLEMS


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a Thing Description opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def text(members: str) -> str:
    """A valid description with more members, as text."""
    return json.dumps(minimal())[:-1] + f", {members}}}"


DEEP = 10_000
BOMBS = {
    "10,000 arrays": text('"x": ' + "[" * DEEP + "]" * DEEP),
    "10,000 objects": text('"x": ' + '{"x": ' * DEEP + "1" + "}" * DEEP),
    "brackets that never close": "[" * 1_000_000,
    "nested schemas": text(
        '"schemaDefinitions": {"x": ' + '{"items": ' * DEEP + "{}" + "}" * DEEP + "}"
    ),
    "nested contexts": text('"x": ' + '{"@context": ' * DEEP + "{}" + "}" * DEEP),
    "quotes that never end": '{"' + '\\"' * 500_000,
    "quotes and quotes": '"' * 999_999,
}
LARGE = {
    "too many bytes": text('"x": "' + "a" * json_text.MOST_BYTES + '"').encode(),
    "100 MB": b'{"x": "' + b"a" * 100_000_000 + b'"}',
    "too many bytes in UTF-8": text('"x": "' + "\u20ac" * (json_text.MOST_BYTES // 2) + '"'),
    "too many values": text('"x": [' + "1," * json_text.MOST_VALUES + "1]"),
    "too many objects": text('"x": [' + "{}," * json_text.MOST_CONTAINERS + "{}]"),
}
PLACED = {
    "NaN": (text('"x": {"y": [1, NaN]}'), "$.x.y[1]"),
    "Infinity": (text('"x": -Infinity'), "$.x"),
    "huge double": (text('"x": 1e999'), "$.x"),
    "huge integer": (text('"x": ' + "9" * 100_000), "$.x"),
    "half a pair": (text(r'"x": ["\ud83d"]'), "$.x[0]"),
    "half a pair in a name": (text(r'"x": {"\udc00": 1}'), "$.x"),
    "a name twice": (text('"x": {"y": 1, "z": 2, "y": 1}'), "$.x.y"),
    "a name twice, escaped": (text(r'"x": {"y": 1, "\u0079": 1}'), "$.x.y"),
    "a name twice at the top": (text('"title": "x"'), "$.title"),
    "a name twice in a twice named": (text('"x": {"y": {"z": 1, "z": 2}, "y": 0}'), "$.x.y"),
    "a form twice": (text('"forms": [{"href": "x", "op": "readallproperties", "href": "y"}]'), "$.forms[0].href"),
}  # fmt: skip


@pytest.mark.parametrize("data", [*BOMBS.values(), *LARGE.values()], ids=[*BOMBS, *LARGE])
def test_bombs_are_refused_before_anything_recurses(data: str | bytes) -> None:
    with pytest.raises(InvalidThingError) as refusal:
        parse_td(data)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(("data", "field"), PLACED.values(), ids=list(PLACED))
def test_what_is_no_json_is_found_where_it_is(data: str, field: str) -> None:
    with pytest.raises(InvalidThingError) as refusal:
        parse_td(data)
    assert refusal.value.problems[0].field == field
    assert str(refusal.value).isprintable()


LATIN_1 = json.dumps(minimal()).encode().replace(b"Least", b"\xe9")
UTF_16 = json.dumps(minimal()).encode("utf-16")


@pytest.mark.parametrize("data", [b"\xff\xfe{\x00}\x00", b'{"x": "\xed\xa0\x80"}', LATIN_1, UTF_16])
def test_other_encodings_than_utf_8_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidThingError, match="UTF-8"):
        parse_td(data)


def test_parsed_json_is_bounded_too() -> None:
    deep: Any = 1
    for _ in range(DEEP):
        deep = [deep]
    for value in (deep, [[[float("nan")]]], "\ud800", "x" * json_text.MOST_BYTES):
        with pytest.raises(InvalidThingError):
            check_td(minimal(x=value))


@pytest.mark.parametrize("place", ["top", "affordance", "value", "term", "import"])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/c", "https://no.such.host.example/c", "urn:x:c"]
)
def test_no_context_is_fetched_wherever_it_is_named(place: str, url: str) -> None:
    form = {"forms": [{"href": "x"}]}
    td = {
        "top": minimal(**{"@context": [CONTEXT, url]}),
        "affordance": minimal(
            properties={"p": form | {"@context": [url, {"x": "https://x.example/"}]}}
        ),
        "value": minimal(x=[{"y": {"@context": url}}]),
        "term": minimal(
            **{
                "@context": [CONTEXT, {"t": {"@id": "https://t.example/", "@context": url}}],
                "t": {"a": 1},
            }
        ),
        "import": minimal(**{"@context": [CONTEXT, {"@version": 1.1, "@import": url}]}),
    }[place] | {"id": "urn:x:1"}
    found = check_td(td)
    assert url in "".join(found.notes)
    assert to_triples(found) and found.content == td


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "FILE:///etc/passwd", "/etc/passwd", "ftp://x.example/c", ""]
)
def test_contexts_that_are_files_are_refused(url: str) -> None:
    with pytest.raises(InvalidThingError) as refusal:
        check_td(minimal(**{"@context": [CONTEXT, url]}))
    assert refusal.value.problems[0].field == "$['@context'][1]"


@pytest.mark.parametrize("is_inside", [True, False])
def test_terms_that_are_copied_again_and_again_are_refused(is_inside: bool) -> None:
    """Each of these took a minute."""
    terms: dict[str, Any] = {f"t{n}": f"https://x.example/{n}" for n in range(5000)}
    terms = {"t": {"@id": "https://t.example/", "@context": terms}} if is_inside else terms
    td = minimal(**{"@context": [CONTEXT, terms]},
                 x=[{"@context": {"u": "urn:x:"}, "t": {}} for _ in range(1000)])  # fmt: skip
    with pytest.raises(InvalidThingError, match="too many terms"):
        check_td(td)


def test_long_texts_of_patterns_and_sets_are_looked_at_once() -> None:
    """Each of these took minutes where a library was left alone with it."""
    digits, mixed = "1" * 500_000, [n if n % 2 else str(n) for n in range(40_000)]
    check_td(minimal(schemaDefinitions={"x": {"enum": mixed}}))
    for td in (minimal(links=[{"href": "x", "rel": "icon", "sizes": digits}]),
               minimal(links=[{"href": "x", "hreflang": "aa-" * 100_000}]),
               minimal(securityDefinitions={"open": {"scheme": digits}}),
               minimal(titles={"a-" * 100_000: "x"}),
               minimal(base="{" * 500_000), minimal(id="urn:" + "%41" * 100_000),
               minimal(created="2" * 500_000)):  # fmt: skip
        with pytest.raises(InvalidThingError):
            check_td(td)


def test_a_maze_of_combinations_is_walked_once() -> None:
    """Each of these took a minute."""
    maze = {f"n{n}": {"scheme": "combo", "allOf": [f"n{n + 1}", f"n{n + 2}"]} for n in range(800)}
    maze |= {"n800": {"scheme": "apikey", "in": "uri", "name": "k"}, "n801": {"scheme": "nosec"}}
    forms = {"forms": [{"href": "x{k}"}] * 800}
    check_td(minimal(securityDefinitions=maze, security="n0", properties={"p": forms}))
    circles = {
        f"n{n}": {"scheme": "combo", "oneOf": [f"n{(n + 1) % 900}", f"n{n * 7 % 900}"]}
        for n in range(2000)
    }
    with pytest.raises(InvalidThingError, match="circle"):
        check_td(minimal(securityDefinitions=circles, security="n0"))


def test_combinations_that_lead_in_circles_end() -> None:
    definitions = {
        f"c{n}": {"scheme": "combo", "allOf": [f"c{(n + 1) % 50}", f"c{(n + 7) % 50}"]}
        for n in range(50)
    }
    with pytest.raises(InvalidThingError) as refusal:
        check_td(minimal(securityDefinitions=definitions, security="c0"))
    assert len(refusal.value.problems) == 50


def test_a_thousand_mistakes_are_not_all_told() -> None:
    with pytest.raises(InvalidThingError) as refusal:
        check_td(minimal(properties={f"p{n}": {"forms": []} for n in range(1000)}))
    assert len(refusal.value.problems) == MOST_PROBLEMS
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize(
    "name", ["x" * 100_000, "\u202e\x1b[2J", "$.title: all is well; $", "\n\r\t"]
)
def test_messages_are_short_and_printable(name: str) -> None:
    with pytest.raises(InvalidThingError) as refusal:
        check_td(minimal(properties={name: {}}, security=[name], titles={name: 5}))
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 1500
