"""Security definitions from RDF."""

from __future__ import annotations

from typing import Any

from tinylearn.registry.td.nodes import Node, local_name
from tinylearn.registry.td.schema_from_rdf import texts_of
from tinylearn.registry.td.to_rdf import base_of
from tinylearn.registry.vocabulary import TD, TD_SECURITY

_SCHEMES = {
    TD_SECURITY + name + "SecurityScheme": scheme
    for name, scheme in {
        "No": "nosec", "Auto": "auto", "Combo": "combo", "Basic": "basic", "Digest": "digest",
        "APIKey": "apikey", "Bearer": "bearer", "PSK": "psk", "OAuth2": "oauth2",
    }.items()
}  # fmt: skip
_SINGLE = ("in", "name", "qop", "alg", "format", "identity", "flow", "authorization", "token",
           "refresh", "proxy")  # fmt: skip
_SEVERAL = ("allOf", "oneOf", "scopes")
_UNSAID = {"auto_sc": {"scheme": "auto"}}  # to be found out when one talks to the Thing


def security_of(thing: Node) -> dict[str, Any]:
    """securityDefinitions and security; where nothing is said, that it is negotiated."""
    definitions: dict[str, Any] = {}
    for node in thing.nodes(TD + "definesSecurityScheme", TD + "securityDefinitions"):
        if scheme := _scheme(node):
            configured = node.text(TD + "hasInstanceConfiguration")
            name = _name(thing, configured) if configured else f"{scheme['scheme']}_sc"
            definitions[name] = scheme
    definitions = definitions or _UNSAID
    wanted = names_of(thing, thing)
    active = [name for name in wanted if name in definitions] or list(definitions)
    return {"securityDefinitions": definitions, "security": active}


def names_of(thing: Node, owner: Node) -> list[str]:
    """Names of the configurations that a Thing or form has active."""
    return [_name(thing, iri) for iri in map(str, owner.values(TD + "hasSecurityConfiguration"))]


def _name(thing: Node, iri: str) -> str:
    base = base_of(str(thing.term.value))
    return iri.removeprefix(base) if iri.startswith(base) else local_name(iri)


def _scheme(node: Node) -> dict[str, Any] | None:
    named = [name for name in node.types() if name in _SCHEMES]
    foreign = [name for name in node.types() if not name.startswith((TD, TD_SECURITY))]
    said = node.text(TD + "scheme", TD_SECURITY + "scheme")
    scheme = _SCHEMES[named[0]] if named else said or (foreign[0] if foreign else None)
    if scheme is None:
        return None
    found: dict[str, Any] = {"scheme": scheme} | _described(node)
    for name in _SINGLE:
        if (text := node.text(TD_SECURITY + name)) is not None:
            found[name] = text
    for name in _SEVERAL:
        if values := node.values(TD_SECURITY + name):
            found[name] = values
    return found


def _described(node: Node) -> dict[str, Any]:
    return {name: text for name, text in texts_of(node).items() if name.startswith("description")}
