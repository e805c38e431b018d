"""Forms and links from RDF: of the hypermedia ontology, or with terms of td: as some write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinylearn.registry.td.extensions_from_rdf import Extensions
from tinylearn.registry.td.nodes import Node, local_name
from tinylearn.registry.td.security_from_rdf import names_of
from tinylearn.registry.vocabulary import TD, TD_FORMS

OPERATIONS: dict[str, tuple[str, ...]] = {
    "properties": ("readproperty", "writeproperty", "observeproperty", "unobserveproperty"),
    "actions": ("invokeaction", "queryaction", "cancelaction"),
    "events": ("subscribeevent", "unsubscribeevent"),
    "": ("readallproperties", "writeallproperties", "readmultipleproperties",
         "writemultipleproperties", "observeallproperties", "unobserveallproperties",
         "queryallactions", "subscribeallevents", "unsubscribeallevents"),
}  # fmt: skip
_TEXTS = {"contentType": "forContentType", "contentCoding": "forContentCoding",
          "subprotocol": "forSubProtocol"}  # fmt: skip
_OF_LINKS = {"href": "hasTarget", "rel": "hasRelationType", "type": "hintsAtMediaType",
             "anchor": "hasAnchor", "sizes": "hasSizes"}  # fmt: skip
_SCOPES = "https://www.w3.org/2019/wot/security#scopes"


def forms_of(
    thing: Node, owner: Node, kind: str, schemes: Iterable[str], extensions: Extensions
) -> list[dict[str, Any]]:
    """Forms of an affordance of this kind, or of the Thing (""), that have an address."""
    nodes = owner.nodes(TD + "hasForm")
    forms = [extensions.of(node) | _form(thing, node, kind, set(schemes)) for node in nodes]
    whole = [form for form in forms if "href" in form and (kind or "op" in form)]
    return sorted(whole, key=lambda form: (form["href"], str(form.get("op"))))


def _form(thing: Node, node: Node, kind: str, schemes: set[str]) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if (href := node.text(TD_FORMS + "hasTarget", TD + "href")) is not None:
        form["href"] = href
    said = [local_name(str(term)) for term in node.values(TD_FORMS + "hasOperationType", TD + "op")]
    if ops := [op for op in OPERATIONS[kind] if op in {name.lower() for name in said}]:
        form["op"] = ops
    form |= _texts(node, _TEXTS)
    if security := [name for name in names_of(thing, node) if name in schemes]:
        form["security"] = security
    if scopes := node.values(_SCOPES):
        form["scopes"] = scopes
    return form | _responses(node)


def _texts(node: Node, terms: dict[str, str]) -> dict[str, str]:
    found = {name: node.text(TD_FORMS + term, TD + name) for name, term in terms.items()}
    return {name: text for name, text in found.items() if text is not None}


def _responses(node: Node) -> dict[str, Any]:
    """Schemas of further responses have names that RDF does not keep: they are left out."""
    content = {"contentType": "forContentType"}
    found: dict[str, Any] = {}
    for response in node.nodes(TD_FORMS + "returns"):
        if texts := _texts(response, content):
            found["response"] = texts
    further = []
    for response in node.nodes(TD_FORMS + "additionalReturns"):
        success = response.value(TD_FORMS + "isSuccess")
        is_said = isinstance(success, bool)
        further.append(_texts(response, content) | ({"success": success} if is_said else {}))
    return found | ({"additionalResponses": further} if further else {})


def links_of(thing: Node) -> list[dict[str, Any]]:
    """Links with a target; sizes go with icons, and one Thing Model is the type."""
    links: list[dict[str, Any]] = []
    for node in thing.nodes(TD + "hasLink"):
        link: dict[str, Any] = dict(_texts(node, _OF_LINKS))
        languages = [str(tag) for tag in node.values(TD_FORMS + "hasHreflang")]
        link |= {"hreflang": languages} if languages else {}
        if link.get("rel") != "icon":
            link.pop("sizes", None)
        if "href" in link:
            links.append(link)
    return sorted(links, key=lambda link: (link["href"], link.get("rel", "")))
