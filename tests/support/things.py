"""A Thing Description with a bit of everything, and ways to spoil it."""

from __future__ import annotations

import copy
from typing import Any

CONTEXT = "https://www.w3.org/2022/wot/td/v1.1"
CONTEXT_1_0 = "https://www.w3.org/2019/wot/td/v1"
GONE = object()

_OVEN: dict[str, Any] = {
    "@context": [CONTEXT, {"@language": "en", "saref": "https://saref.etsi.org/core/"}],
    "@type": ["Thing", "saref:Appliance"],
    "id": "urn:uuid:6a1ff2a6-7a4f-4c3e-9c3a-2f6d8f1f0b11",
    "title": "Oven",
    "titles": {"en": "Oven", "de": "Ofen", "zh-Hans": "烤箱"},
    "description": "Bakes",
    "descriptions": {"en": "Bakes"},
    "version": {"instance": "1.2.0", "model": "1.0.0"},
    "created": "2026-01-31T08:00:00Z",
    "modified": "2026-02-28T23:59:60.5+01:00",
    "support": "mailto:help@example.com",
    "base": "https://oven.example.com/api/",
    "profile": ["https://www.w3.org/2022/wot/profile/http-basic/v1"],
    "uriVariables": {"unit": {"type": "string", "enum": ["C", "F"]}},
    "schemaDefinitions": {"fault": {"type": "object", "properties": {"code": {"type": "integer"}}}},
    "securityDefinitions": {
        "open": {"scheme": "nosec"},
        "login": {"scheme": "basic", "in": "header"},
        "key": {"scheme": "apikey", "in": "query", "name": "key"},
        "both": {"scheme": "combo", "allOf": ["login", "key"], "description": "both of them"},
        "hash": {"scheme": "digest", "qop": "auth-int"},
        "badge": {"scheme": "psk", "identity": "oven"},
        "token": {"scheme": "bearer", "format": "jwt", "alg": "ES256", "authorization": "https://a.example.com"},
        "grant": {
            "scheme": "oauth2", "flow": "code", "authorization": "https://a.example.com/auth",
            "token": "https://a.example.com/token", "refresh": "https://a.example.com/again",
            "scopes": ["bake"],
        },
        "any": {"scheme": "auto"},
        "own": {"scheme": "saref:Handshake", "saref:round": 2},
    },
    "security": ["login"],
    "properties": {
        "temperature": {
            "@type": "saref:Temperature", "title": "Temperature", "type": "number", "minimum": -20,
            "maximum": 300.5, "multipleOf": 0.5, "unit": "saref:degree", "observable": True,
            "readOnly": True, "default": 20.0,
            "forms": [
                {"href": "temperature{?unit}", "op": ["readproperty", "observeproperty"],
                 "contentType": "application/json", "subprotocol": "sse", "security": "both"},
            ],
        },
        "recipe": {
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[a-z]*$"},
                "steps": {"type": "array", "minItems": 1, "maxItems": 9,
                          "items": {"oneOf": [{"type": "string"}, {"type": "null"}]}},
                "photo": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
                "fast": {"type": "boolean", "const": False},
                "rack": {"type": "array", "items": [{"type": "integer"}, {"enum": [1, "top", None]}]},
            },
            "forms": [{"href": "recipe", "contentCoding": "gzip"}],
        },
    },
    "actions": {
        "bake": {
            "input": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 300},
            "output": {"type": "boolean"}, "safe": False, "idempotent": True, "synchronous": True,
            "uriVariables": {"rack": {"type": "integer"}},
            "forms": [
                {"href": "bake/{rack}", "security": ["grant"], "scopes": "bake",
                 "response": {"contentType": "text/plain"},
                 "additionalResponses": [{"success": False, "schema": "fault"}]},
                {"href": "https://oven.example.com/bake/{rack}", "op": "cancelaction",
                 "htv:methodName": "DELETE"},
            ],
        },
    },
    "events": {
        "done": {
            "subscription": {"type": "object"}, "data": {"type": "string"},
            "dataResponse": {"type": "null"}, "cancellation": {"type": "object"},
            "forms": [{"href": "done", "op": "subscribeevent", "subprotocol": "longpoll"}],
        },
    },
    "forms": [{"href": "all", "op": "readallproperties"}],
    "links": [
        {"href": "https://example.com/oven.tm.jsonld", "rel": "type", "type": "application/tm+json"},
        {"href": "icon.png", "rel": "icon", "sizes": "16x16 32x32"},
        {"href": "manual", "rel": "service-doc", "hreflang": ["en", "de-AT"], "anchor": "#oven"},
    ],
}  # fmt: skip


def oven() -> dict[str, Any]:
    """A valid one, to be changed at will."""
    return copy.deepcopy(_OVEN)


def changed(*path: str | int, to: Any = GONE) -> dict[str, Any]:
    """The oven with the value at a path replaced, or gone."""
    td = oven()
    place: Any = td
    for part in path[:-1]:
        place = place[part]
    if to is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return td


def minimal(**more: Any) -> dict[str, Any]:
    """The least that is valid."""
    return {"@context": CONTEXT, "title": "Least", "securityDefinitions": {"open": {"scheme": "nosec"}},
            "security": "open"} | more  # fmt: skip
