"""Addresses: what has no form of a URI, and templates whose variables nobody declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinylearn.registry.td.parts import Object, forms, listed, uri_variables
from tinylearn.registry.td.problems import Path, Problem, problem, shown
from tinylearn.registry.td.rules.security import uri_names
from tinylearn.registry.td.syntax import is_absolute, is_uri_text, template_variables

_OF_SCHEMES = ("proxy", "authorization", "token", "refresh")


def characters(td: Object) -> Iterator[Problem]:
    """Members of type anyURI."""
    for path, uri in _addresses(td):
        if not isinstance(uri, str):
            yield problem(path, "must be a string")
        elif not is_uri_text(uri):
            yield problem(
                path, f"is {shown(uri)}, which is no URI; percent-encode its blanks and quotes"
            )


def _addresses(td: Object) -> Iterator[tuple[Path, Any]]:
    owners: list[tuple[Path, Object, tuple[str, ...]]] = [((), td, ("base", "support"))]
    for name, scheme in td["securityDefinitions"].items():
        owners.append((("securityDefinitions", name), scheme, _OF_SCHEMES))
    for index, link in enumerate(td.get("links", ())):
        owners.append((("links", index), link, ("href", "anchor")))
    owners += [(form.path, form.content, ("href",)) for form in forms(td)]
    for path, owner, members in owners:
        yield from (((*path, member), owner[member]) for member in members if member in owner)
    yield from ((("profile",), uri) for uri in listed(td.get("profile", [])))


def base(td: Object) -> Iterator[Problem]:
    """What others are relative to cannot be relative (RFC 3986, section 5.1)."""
    uri = td.get("base")
    if uri is not None and not is_absolute(uri):
        yield problem(("base",), f"is {shown(uri)}, a relative URI; begin with its scheme")
    elif uri is not None and template_variables(uri) is None:
        yield problem(("base",), f"is {shown(uri)}, whose braces are no URI Template (RFC 6570)")


def templates(td: Object) -> Iterator[Problem]:
    """Braces are a URI Template, its variables are in uriVariables (section 5.3.4.2)."""
    of_security = uri_names(td)
    for form in forms(td):
        href, path = form.content["href"], (*form.path, "href")
        names = template_variables(href)
        if names is None:
            yield problem(path, f"is {shown(href)}, whose braces are no URI Template (RFC 6570)")
        for name in names or ():
            if name not in form.variables and name not in of_security:
                yield problem(path, f"has the variable {shown(name)}; declare it in uriVariables of the "
                              "affordance or of the Thing")  # fmt: skip


def variables(td: Object) -> Iterator[Problem]:
    """A variable becomes part of an address, so it is one value; what a security scheme puts into
    addresses has a name of its own."""
    of_security = uri_names(td)
    for path, schema in uri_variables(td):
        if schema.get("type") in ("object", "array"):
            yield problem((*path, "type"), f"is {schema['type']}; a URI variable has a single value, "
                          "such as a string")  # fmt: skip
        if path[-1] in of_security:
            yield problem(
                path, "has the name of a security scheme's URI variable; rename one of them"
            )


RULES = (characters, base, templates, variables)
