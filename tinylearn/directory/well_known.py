"""/.well-known/wot: the Thing Description of the directory itself (7.3.2.4)."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn import __version__
from tinylearn.directory import media
from tinylearn.directory.entry import CONTEXT
from tinylearn.directory.resource import resource
from tinylearn.directory.settings import READ_TOKEN, Settings

_PROBLEM = "application/problem+json"
_NOTHING = "application/x-empty"
_ID = {
    "id": {
        "@type": "ThingID",
        "title": "Identifier of the thing",
        "type": "string",
        "format": "iri-reference",
    }
}
_OBJECT = {"type": "object"}
Json = dict[str, Any]


def description(settings: Settings, base: str) -> Json:
    """A Thing Description 1.1. ``base``: the URL at which the directory is."""
    return {
        "@context": ["https://www.w3.org/2022/wot/td/v1.1", CONTEXT,
                     {"htv": "http://www.w3.org/2011/http#"}],
        "@type": "ThingDirectory",
        "title": "tinylearn registry",
        "description": "Devices and models, and which model runs on which device",
        "version": {"instance": __version__},
        "base": base,
        **_security(settings),
        "properties": {"things": _things(settings)},
        "actions": _actions(settings),
        "events": _events(settings),
    }  # fmt: skip


def routes(settings: Settings) -> list[Route]:
    """The endpoint."""

    async def get(request: Request) -> Response:
        kind = media.accepted(request, (media.TD, media.LD, media.JSON))
        base = settings.base or str(request.base_url).rstrip("/")
        text = json.dumps(description(settings, base), ensure_ascii=False)
        return Response(text.encode(), 200, {"Vary": "Accept, Host"}, kind)

    return [resource("/.well-known/wot", {"GET": get})]


def _security(settings: Settings) -> Json:
    nobody = {"scheme": "nosec"}
    if not settings.tokens:
        return {"securityDefinitions": {"open": nobody}, "security": "open"}
    bearer = {"scheme": "bearer", "in": "header", "name": "Authorization", "format": "opaque"}
    return {"securityDefinitions": {"open": nobody, "token": bearer}, "security": "token"}


def _read(settings: Settings) -> Json:
    """What a form says where reading needs no token, unlike writing."""
    free = settings.tokens and settings.read != READ_TOKEN
    return {"security": "open"} if free else {}


def _things(settings: Settings) -> Json:
    variables = {
        "offset": {"title": "How many to skip", "type": "integer", "minimum": 0, "default": 0},
        "limit": {"title": "How many of them", "type": "integer", "minimum": 1},
        "format": {"type": "string", "enum": ["array", "collection"], "default": "array"},
        "sort_by": {"type": "string", "default": "id",
                    "enum": ["id", "title", "created", "modified", "expires"]},
        "sort_order": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    }  # fmt: skip
    form = {
        **_form("GET", "/things{?offset,limit,format,sort_by,sort_order}", 200, media.LD, 400),
        **_read(settings),
    }
    form["response"]["htv:headers"] = [{"htv:fieldName": "Link"}]
    return {"description": "All Thing Descriptions", "readOnly": True,
            "uriVariables": variables, "forms": [{**form, "op": "readproperty"}]}  # fmt: skip


def _actions(settings: Settings) -> Json:
    read = _read(settings)
    create = _form("POST", "/things", 201, _NOTHING, 400, sends=media.TD)
    create["response"]["htv:headers"] = [{"htv:fieldName": "Location"}]
    patch = _form("PATCH", "/things/{id}", 204, _NOTHING, 400, 404, sends=media.MERGE_PATCH)
    return {
        "createAnonymousThing": {"description": "Register a Thing Description without an id",
                                 "input": _OBJECT, "forms": [create]},
        "createThing": _of_one("Register a Thing Description", _OBJECT, [
            _form("PUT", "/things/{id}", 201, _NOTHING, 400, sends=media.TD)]),
        "updateThing": _of_one("Replace a Thing Description", _OBJECT, [
            _form("PUT", "/things/{id}", 204, _NOTHING, 400, sends=media.TD)]),
        "partiallyUpdateThing": _of_one("Change parts of one", _OBJECT, [patch]),
        "deleteThing": _of_one("Remove one", None, [
            _form("DELETE", "/things/{id}", 204, _NOTHING, 404)]),
        "retrieveThing": {
            **_of_one("Read one", None, [
                {**_form("GET", "/things/{id}", 200, media.TD, 404), **read}]),
            "output": _OBJECT, "safe": True, "idempotent": True},
        **_searches(read),
    }  # fmt: skip


def _searches(read: Json) -> Json:
    get = {**_form("GET", "/search/sparql{?query}", 200, media.JSON, 400), **read}
    post = {**_form("POST", "/search/sparql", 200, media.JSON, 400,
                    sends="application/sparql-query"), **read}  # fmt: skip
    path = {**_form("GET", "/search/jsonpath{?query}", 200, media.JSON, 400), **read}
    return {
        "searchJSONPath": _search("Search by JSONPath (RFC 9535)", [path]),
        "searchSPARQL": _search("Search by SPARQL 1.1", [get, post]),
    }


def _search(text: str, forms: list[Json]) -> Json:
    return {"description": text, "uriVariables": {"query": {"type": "string"}},
            "safe": True, "idempotent": True, "forms": forms}  # fmt: skip


def _events(settings: Settings) -> Json:
    diff = {"diff": {"description": "With what has changed", "type": "boolean"}}
    return {
        "thingCreated": _event("thing_created", "{?diff}", settings, {"uriVariables": diff}),
        "thingUpdated": _event("thing_updated", "{?diff}", settings, {"uriVariables": diff}),
        "thingDeleted": _event("thing_deleted", "", settings, {}),
    }


def _event(kind: str, query: str, settings: Settings, more: Json) -> Json:
    form = {
        "op": "subscribeevent",
        "href": f"/events/{kind}{query}",
        "subprotocol": "sse",
        "contentType": media.EVENTS,
        "htv:headers": [{"htv:fieldName": "Last-Event-ID"}],
        **_read(settings),
    }
    return {"data": _OBJECT, **more, "forms": [form]}


def _of_one(text: str, sent: Json | None, forms: list[Json]) -> Json:
    more = {} if sent is None else {"input": sent}
    return {"description": text, "uriVariables": _ID, **more, "forms": forms}


def _form(
    method: str, href: str, status: int, kind: str, *failures: int, sends: str | None = None
) -> Json:
    form: Json = {
        "href": href,
        "htv:methodName": method,
        "response": {"contentType": kind, "htv:statusCodeValue": status},
        "additionalResponses": [
            {"success": False, "contentType": _PROBLEM, "htv:statusCodeValue": failure}
            for failure in failures
        ],
    }
    return form if sends is None else {**form, "contentType": sends}
