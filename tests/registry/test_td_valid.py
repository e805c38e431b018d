"""Valid Thing Descriptions are accepted and come back equal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import shared
from support.things import CONTEXT, CONTEXT_1_0, changed, minimal, oven

from tinylearn.registry.td.document import check_td, parse_td

TEMPLATE = {"href": "x{?a,b*}{/c:3}{#d}", "op": "readproperty"}
ALLOWED: dict[str, dict[str, Any]] = {
    "everything": oven(),
    "least": minimal(),
    "version 1.0": minimal(**{"@context": CONTEXT_1_0}),
    "version 1.0, array": minimal(**{"@context": [CONTEXT_1_0, {"x": "https://x.example/#"}]}),
    "for consumers of both": minimal(**{"@context": [CONTEXT_1_0, CONTEXT, {"x": "https://x.example/#"}]}),
    "array of one": minimal(**{"@context": [CONTEXT]}),
    "context of others": minimal(**{"@context": [CONTEXT, "https://no.such.host.example/context"]}),
    "terms in full": minimal(**{"@context": [CONTEXT, {"x": {"@id": "https://x.example/", "@type": "@id"}}]}),
    "right to left": minimal(**{"@context": [CONTEXT, {"@language": "ar-EG", "@direction": "rtl"}]}),
    "no language": minimal(**{"@context": [CONTEXT, {"@language": None, "@direction": None}]}),
    "security in an array": minimal(security=["open"]),
    "no affordances": minimal(properties={}, actions={}, events={}, links=[]),
    "id is a URN": minimal(id="urn:dev:ops:32473-WoTLamp-1234"),
    "id is a URL": minimal(id="http://user@[2001:db8::1]:8080/things/a%20b?x=1#me"),
    "words of nobody": minimal(vendor={"rack": [1, 2.5, None, {"deep": []}]}, **{"x:y": "z"}),
    "empty type": minimal(**{"@type": ""}),
    "leap second": minimal(created="2016-12-31T23:59:60Z"),
    "const that the enum lacks": changed("properties", "recipe", "properties", "fast", to={"enum": [1], "const": 2}),
    "some of the enum of the type": minimal(schemaDefinitions={"x": {"type": "string", "enum": ["a", 1]}}),
    "no upper limit above a double": minimal(schemaDefinitions={"x": {"type": "number", "maximum": 1.7e308}}),
    "read and write only": changed("properties", "recipe", "writeOnly", to=True),
    "templates": minimal(uriVariables={name: {"type": "string"} for name in "abcd"},
                         properties={"p": {"forms": [TEMPLATE]}}),
    "variable with a hyphen": minimal(uriVariables={"a-b": {}}, properties={"p": {"forms": [{"href": "x{?a-b}"}]}}),
    "placeholders of their own": minimal(base="modbus+tcp://##address##:502/"),
    "credentials in the address": minimal(
        securityDefinitions={"k": {"scheme": "apikey", "in": "uri", "name": "k"}}, security="k",
        properties={"p": {"forms": [{"href": "x/{k}"}]}}),
    "credentials in the body": minimal(
        securityDefinitions={"k": {"scheme": "apikey", "in": "body", "name": "/a/b~1c"}}, security="k"),
    "a name as in a body of 1.0": minimal(**{"@context": CONTEXT_1_0}, security="k", securityDefinitions={
        "k": {"scheme": "apikey", "in": "body", "name": "token"}}),
    "alternatives of combinations": minimal(security="a", securityDefinitions={
        "a": {"scheme": "combo", "oneOf": ["b", "n"]}, "b": {"scheme": "combo", "allOf": ["n", "p"]},
        "n": {"scheme": "nosec"}, "p": {"scheme": "basic"}}),
    "flow of a device": minimal(securityDefinitions={"open": {
        "scheme": "oauth2", "flow": "device", "authorization": "https://a.example", "token": "https://t.example"}}),
    "a flow of others": minimal(securityDefinitions={"open": {"scheme": "oauth2", "flow": "x:implicit"}}),
    "names that programs stumble on": minimal(properties={
        name: {"forms": [{"href": "x"}]} for name in ("", "$", "@x", "a b", "constructor", "__proto__", "forms")}),
    "values that look like JSON-LD": minimal(schemaDefinitions={
        "x": {"const": {"@type": 1, "titles": 2}, "default": [[{"@value": {}}]], "enum": [{"@id": 1}]}}),
}  # fmt: skip


@pytest.mark.parametrize("td", ALLOWED.values(), ids=list(ALLOWED))
def test_it_is_accepted_and_comes_back_equal(td: dict[str, Any]) -> None:
    text = json.dumps(td, indent=1, ensure_ascii=False)
    found = parse_td(text.encode())
    assert (found.content, found.text, found.title, found.id) == (
        td,
        text,
        td["title"],
        td.get("id"),
    )
    assert json.loads(found.text) == td
    assert check_td(td).content == td


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_td(b"\xef\xbb\xbf" + json.dumps(minimal()).encode()).title == "Least"


def test_numbers_come_back_as_they_were_written() -> None:
    td = parse_td('{"a": 1.0, "b": 10, "c": 1e3, "d": 123456789012345678901234567890, '
                  + json.dumps(minimal())[1:])  # fmt: skip
    numbers = [td.content[name] for name in "abcd"]
    assert json.dumps(numbers) == "[1.0, 10, 1000.0, 123456789012345678901234567890]"


def test_the_things_of_the_interoperability_events_come_back_equal() -> None:
    folder = shared.folder("rdf") / "wot-tds"
    paths = sorted(folder.iterdir())
    assert paths
    for path in paths:
        data = path.read_bytes()
        assert parse_td(data).content == json.loads(data), path.name
