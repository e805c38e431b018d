"""Each rule of the standard: what breaks it is refused, and the message names the field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.things import CONTEXT, CONTEXT_1_0, changed, minimal, oven

from tinylearn.errors import BadInputError
from tinylearn.registry.td.document import InvalidThingError, parse_td

FORM = ("properties", "recipe", "forms", 0)
SCHEMES = "securityDefinitions"


def scheme(**members: Any) -> dict[str, Any]:
    """A Thing with one security scheme."""
    return minimal(securityDefinitions={"open": members})


def schema(**members: Any) -> dict[str, Any]:
    """A Thing with one data schema."""
    return minimal(schemaDefinitions={"x": members})


def link(**members: Any) -> dict[str, Any]:
    """A Thing with one link."""
    return minimal(links=[{"href": "x"} | members])


def context(value: Any) -> dict[str, Any]:
    """A Thing with these contexts."""
    return minimal(**{"@context": value})


def credentials(**more: Any) -> dict[str, Any]:
    """A Thing whose key goes into the address."""
    return minimal(securityDefinitions={"k": {"scheme": "apikey", "in": "uri", "name": "key"}},
                   security="k", **more)  # fmt: skip


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # members that must be there
    "no context": (changed("@context"), "$['@context']"),
    "no title": (changed("title"), "$.title"),
    "no security": (changed("security"), "$.security"),
    "no definitions": (changed(SCHEMES), "$.securityDefinitions"),
    "no definition": (changed(SCHEMES, to={}), "$.securityDefinitions"),
    "no form of a property": (changed("properties", "recipe", "forms"), "$.properties.recipe.forms"),
    "no form of an action": (changed("actions", "bake", "forms", to=[]), "$.actions.bake.forms"),
    "no form of an event": (changed("events", "done", "forms"), "$.events.done.forms"),
    "forms of nothing": (minimal(forms=[]), "$.forms"),
    "no address": (changed(*FORM, "href"), "$.properties.recipe.forms[0].href"),
    "no target": (changed("links", 1, "href"), "$.links[1].href"),
    "no scheme": (scheme(), "$.securityDefinitions.open.scheme"),
    "no operation of the Thing": (changed("forms", 0, "op"), "$.forms[0].op"),
    "no instance": (changed("version", "instance"), "$.version.instance"),
    "response of no type": (changed(*FORM, "response", to={}), "$.properties.recipe.forms[0].response.contentType"),
    # of another type
    "title is a number": (changed("title", to=5), "$.title"),
    "properties in an array": (changed("properties", to=[]), "$.properties"),
    "affordance is a string": (changed("actions", "bake", to="bake"), "$.actions.bake"),
    "forms is an object": (changed("actions", "bake", "forms", to={"href": "x"}), "$.actions.bake.forms"),
    "form is a string": (changed(*FORM, to="x"), "$.properties.recipe.forms[0]"),
    "security is an object": (changed("security", to={}), "$.security"),
    "security is empty": (changed("security", to=[]), "$.security"),
    "scheme is a string": (changed(SCHEMES, "open", to="nosec"), "$.securityDefinitions.open"),
    "scheme's name is a number": (scheme(scheme=1), "$.securityDefinitions.open.scheme"),
    "links is an object": (changed("links", to={}), "$.links"),
    "input is an array": (changed("actions", "bake", "input", to=[]), "$.actions.bake.input"),
    "safe is a string": (changed("actions", "bake", "safe", to="yes"), "$.actions.bake.safe"),
    "success is a string": (changed(*FORM, "additionalResponses", to=[{"success": "no"}]),
                            "$.properties.recipe.forms[0].additionalResponses[0].success"),
    "the model's version is a number": (changed("version", "model", to=2), "$.version.model"),
    "version is a string": (changed("version", to="1"), "$.version"),
    "type is a number": (changed("@type", to=[1]), "$['@type']"),
    "proxy is a number": (scheme(scheme="nosec", proxy=1), "$.securityDefinitions.open.proxy"),
    # contexts
    "another context": (context("https://schema.org"), "$['@context']"),
    "no context in the array": (context([]), "$['@context'][0]"),
    "context of a draft": (context("http://www.w3.org/ns/td"), "$['@context']"),
    "contexts in the wrong order": (context([CONTEXT, CONTEXT_1_0]), "$['@context'][1]"),
    "context of 1.0 later on": (context([CONTEXT, {}, CONTEXT_1_0]), "$['@context'][2]"),
    "another context first": (context(["https://x.example", CONTEXT]), "$['@context'][0]"),
    "another context first, 1.0": (context(["https://x.example", CONTEXT_1_0]), "$['@context'][0]"),
    "another context between": (context([CONTEXT_1_0, "https://x.example", CONTEXT]), "$['@context'][2]"),
    "context is a number": (context([CONTEXT, 5]), "$['@context'][1]"),
    "context of 1.0 and a number": (context([CONTEXT_1_0, 5]), "$['@context'][1]"),
    "context of a file": (context([CONTEXT, "file:///etc/passwd"]), "$['@context'][1]"),
    "context beside": (context([CONTEXT, "context.jsonld"]), "$['@context'][1]"),
    "prefix is a number": (context([CONTEXT, {"x": 1}]), "$['@context'][1].x"),
    "language is no tag": (context([CONTEXT, {"@language": "en_US"}]), "$['@context'][1]['@language']"),
    "direction is down": (context([CONTEXT, {"@direction": "ttb"}]), "$['@context'][1]['@direction']"),
    # Thing Models
    "model": (changed("@type", to="tm:ThingModel"), "$['@type']"),
    "model among types": (changed("@type", to=["Thing", "tm:ThingModel"]), "$['@type']"),
    "model in full": (changed("@type", to="https://www.w3.org/2019/wot/tm#ThingModel"), "$['@type']"),
    "model and nothing else right": ({"@type": ["tm:ThingModel"], "title": 1}, "$['@type']"),
    "imports of a model": (changed("properties", "recipe", "tm:ref", to="x#/properties/y"),
                           "$.properties.recipe['tm:ref']"),
    "extends a model": (link(rel="tm:extends"), "$.links[0]"),
    # identifiers, times, languages
    "id without scheme": (changed("id", to="oven"), "$.id"),
    "id with blanks": (changed("id", to="urn:my oven"), "$.id"),
    "id of other letters": (changed("id", to="urn:öfen:1"), "$.id"),
    "id is a number": (changed("id", to=1), "$.id"),
    "id percent nothing": (changed("id", to="urn:x:%zz"), "$.id"),
    "created yesterday": (changed("created", to="yesterday"), "$.created"),
    "created on 30 February": (changed("created", to="2026-02-30T00:00:00Z"), "$.created"),
    "modified nowhere": (changed("modified", to="2026-02-03T00:00:00"), "$.modified"),
    "title in no language": (changed("titles", to={"e": "x"}), "$.titles.e"),
    "title in no text": (changed("titles", to={"en": 1}), "$.titles.en"),
    "description in no language": (changed("properties", "recipe", "descriptions", to={"english!": "x"}),
                                   "$.properties.recipe.descriptions['english!']"),
    "scheme described in no language": (changed(SCHEMES, "open", "descriptions", to={"": "x"}),
                                        "$.securityDefinitions.open.descriptions['']"),
    "nested title in no language": (schema(properties={"y": {"titles": {"-": "x"}}}),
                                    "$.schemaDefinitions.x.properties.y.titles['-']"),
    "language of a link": (link(hreflang="en_US"), "$.links[0].hreflang"),
    # security
    "name of no definition": (changed("security", to="nobody"), "$.security"),
    "name of no definition in an array": (changed("security", to=["login", "nobody"]), "$.security"),
    "name of no definition in a form": (changed(*FORM, "security", to=["nobody"]),
                                        "$.properties.recipe.forms[0].security"),
    "name of no definition at the Thing": (changed("forms", 0, "security", to="nobody"), "$.forms[0].security"),
    "unknown scheme": (scheme(scheme="strong"), "$.securityDefinitions.open.scheme"),
    "scheme of no prefix": (scheme(scheme="ace:ACE"), "$.securityDefinitions.open.scheme"),
    "credentials nowhere": (scheme(scheme="basic", **{"in": "air"}), "$.securityDefinitions.open.in"),
    "auto with a name": (scheme(scheme="auto", name="x"), "$.securityDefinitions.open"),
    "quality of another kind": (scheme(scheme="digest", qop="high"), "$.securityDefinitions.open.qop"),
    "combo of nothing": (scheme(scheme="combo"), "$.securityDefinitions.open.oneOf"),
    "combo of one": (scheme(scheme="combo", allOf=["open"]), "$.securityDefinitions.open.allOf"),
    "combo of both kinds": (changed(SCHEMES, "both", "oneOf", to=["login", "key"]), "$.securityDefinitions.both"),
    "combo of nobody": (changed(SCHEMES, "both", "allOf", to=["login", "nobody"]), "$.securityDefinitions.both.allOf"),
    "combo of itself": (changed(SCHEMES, "both", "allOf", to=["login", "both"]), "$.securityDefinitions.both.allOf"),
    "no flow": (changed(SCHEMES, "grant", "flow"), "$.securityDefinitions.grant.flow"),
    "code without token": (changed(SCHEMES, "grant", "token"), "$.securityDefinitions.grant.token"),
    "code without authorization": (changed(SCHEMES, "grant", "authorization"),
                                   "$.securityDefinitions.grant.authorization"),
    "client with authorization": (changed(SCHEMES, "grant", "flow", to="client"),
                                  "$.securityDefinitions.grant.authorization"),
    "place in a body": (scheme(scheme="apikey", name="token", **{"in": "body"}), "$.securityDefinitions.open.name"),
    "no variable for the key": (credentials(properties={"p": {"forms": [{"href": "x"}]}}),
                                "$.properties.p.forms[0].href"),
    "the key's variable taken": (credentials(uriVariables={"key": {"type": "string"}}), "$.uriVariables.key"),
    # forms and links
    "operation of another affordance": (changed(*FORM, "op", to="invokeaction"), "$.properties.recipe.forms[0].op"),
    "one of the operations": (changed(*FORM, "op", to=["readproperty", "readProperty"]),
                              "$.properties.recipe.forms[0].op[1]"),
    "operation of a property for an event": (changed("events", "done", "forms", 0, "op", to="observeproperty"),
                                             "$.events.done.forms[0].op"),
    "operation of a property for the Thing": (changed("forms", 0, "op", to="readproperty"), "$.forms[0].op"),
    "no operation at all": (changed(*FORM, "op", to=[]), "$.properties.recipe.forms[0].op"),
    "response of no definition": (changed("actions", "bake", "forms", 0, "additionalResponses", 0, "schema", to="x"),
                                  "$.actions.bake.forms[0].additionalResponses[0].schema"),
    "two types": (changed("links", 1, to={"href": "x", "rel": "type"}), "$.links[1].rel"),
    "two relations in one": (link(rel="item type"), "$.links[0].rel"),
    "relations in an array": (link(rel=["item", "type"]), "$.links[0].rel"),
    "sizes of no icon": (link(sizes="16x16"), "$.links[0]"),
    "sizes of no size": (link(rel="icon", sizes="large"), "$.links[0].sizes"),
    # addresses
    "address with blanks": (changed(*FORM, "href", to="my recipe"), "$.properties.recipe.forms[0].href"),
    "target with quotes": (changed("links", 1, "href", to='"x"'), "$.links[1].href"),
    "support with blanks": (changed("support", to="call us"), "$.support"),
    "token with blanks": (changed(SCHEMES, "grant", "token", to="x y"), "$.securityDefinitions.grant.token"),
    "profile with blanks": (changed("profile", to=["a b"]), "$.profile"),
    "relative base": (changed("base", to="/api"), "$.base"),
    "open brace": (changed(*FORM, "href", to="x{?unit"), "$.properties.recipe.forms[0].href"),
    "closed brace": (changed(*FORM, "href", to="x}"), "$.properties.recipe.forms[0].href"),
    "brace in a brace": (changed(*FORM, "href", to="{{unit}}"), "$.properties.recipe.forms[0].href"),
    "nothing in braces": (changed(*FORM, "href", to="x{}"), "$.properties.recipe.forms[0].href"),
    "undeclared variable": (changed(*FORM, "href", to="x{?size}"), "$.properties.recipe.forms[0].href"),
    "variable of another affordance": (changed(*FORM, "href", to="x{rack}"), "$.properties.recipe.forms[0].href"),
    "variable is an object": (changed("uriVariables", "unit", to={"type": "object"}), "$.uriVariables.unit.type"),
    "variable is an array": (changed("actions", "bake", "uriVariables", "rack", "type", to="array"),
                             "$.actions.bake.uriVariables.rack.type"),
    # data schemas
    "unknown type": (schema(type="float"), "$.schemaDefinitions.x.type"),
    "several types": (schema(type=["string", "null"]), "$.schemaDefinitions.x.type"),
    "enum of nothing": (schema(enum=[]), "$.schemaDefinitions.x.enum"),
    "enum of the same": (schema(enum=[1, "1", 1.0]), "$.schemaDefinitions.x.enum"),
    "enum of another type": (schema(type="number", enum=["on", "off"]), "$.schemaDefinitions.x.enum"),
    "const of another type": (schema(type="integer", const=1.5), "$.schemaDefinitions.x.const"),
    "const is a boolean": (schema(type="number", const=True), "$.schemaDefinitions.x.const"),
    "minimum is a string": (schema(minimum="0"), "$.schemaDefinitions.x.minimum"),
    "minimum above maximum": (schema(minimum=2, maximum=1), "$.schemaDefinitions.x.minimum"),
    "nothing between": (schema(exclusiveMinimum=1, maximum=1), "$.schemaDefinitions.x.exclusiveMinimum"),
    "fewest above most": (schema(minItems=2, maxItems=1), "$.schemaDefinitions.x.minItems"),
    "shortest above longest": (schema(minLength=2, maxLength=1), "$.schemaDefinitions.x.minLength"),
    "multiple of nothing": (schema(multipleOf=0), "$.schemaDefinitions.x.multipleOf"),
    "negative count": (schema(minItems=-1), "$.schemaDefinitions.x.minItems"),
    "half an item": (schema(minItems=0.5), "$.schemaDefinitions.x.minItems"),
    "count with a fraction": (schema(maxLength=3.0), "$.schemaDefinitions.x.maxLength"),
    "integer with a fraction": (schema(type="integer", maximum=1.5), "$.schemaDefinitions.x.maximum"),
    "pattern is a number": (schema(pattern=1), "$.schemaDefinitions.x.pattern"),
    "members in an array": (schema(properties=[]), "$.schemaDefinitions.x.properties"),
    "required is a boolean": (schema(required=True), "$.schemaDefinitions.x.required"),
    "items is a string": (schema(items="string"), "$.schemaDefinitions.x.items"),
    "deep inside": (schema(items=[{"oneOf": [{"properties": {"y": {"type": "int"}}}]}]),
                    "$.schemaDefinitions.x.items[0].oneOf[0].properties.y.type"),
    "observable is a string": (changed("properties", "recipe", "observable", to="true"),
                               "$.properties.recipe.observable"),
    # not JSON-LD
    "terms that define each other": (context([CONTEXT, {"a": "b:x", "b": "a:x"}]), "$['@context'][1].a"),
    "value of an object": (changed("properties", "recipe", "vendor", to={"@value": {}}),
                           "$.properties.recipe.vendor['@value']"),
    "language map of no texts": (minimal(vendor=[1, {"titles": {"en": 5}}]), "$.vendor[1].titles.en"),
}  # fmt: skip


@pytest.mark.parametrize(("td", "field"), REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused_and_the_field_is_named(td: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidThingError) as refusal:
        parse_td(json.dumps(td))
    assert {problem.field for problem in refusal.value.problems} == {field}, refusal.value
    assert field in str(refusal.value) and isinstance(refusal.value, BadInputError)


def test_all_problems_are_told_at_once() -> None:
    td = minimal(id=1, title=None, created="now", links=5)
    with pytest.raises(InvalidThingError) as refusal:
        parse_td(json.dumps(td))
    assert {problem.field for problem in refusal.value.problems} == {
        "$.id",
        "$.title",
        "$.created",
        "$.links",
    }


@pytest.mark.parametrize(
    "data", ["", "[]", "null", '"x"', "5", "{", "{'a': 1}", '{"a": 1,}', "[1 2]", "\x00"]
)
def test_what_is_no_object_is_refused(data: str) -> None:
    with pytest.raises(InvalidThingError):
        parse_td(data)


def test_the_whole_oven_is_right() -> None:
    assert parse_td(json.dumps(oven())).title == "Oven"  # so that each refusal above has one cause
