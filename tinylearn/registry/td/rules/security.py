"""Security: names that lead to no definition, and what the schemes demand (TD 1.1, section 5.3.3)."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.messages import CONTEXT
from tinylearn.registry.td.parts import Object, forms, listed
from tinylearn.registry.td.problems import Path, Problem, problem, shown
from tinylearn.registry.td.syntax import is_json_pointer, template_variables

_NEEDED = {
    "code": ("authorization", "token"),
    "device": ("authorization", "token"),
    "client": ("token",),
}
_IRI_SCHEMES = ("http", "https", "urn")


def names(td: Object) -> Iterator[Problem]:
    """``security`` of the Thing and of forms names entries of securityDefinitions."""
    owners: list[tuple[Path, Object]] = [
        ((), td),
        *((form.path, form.content) for form in forms(td)),
    ]
    for path, owner in owners:
        for name in listed(owner.get("security", [])):
            if name not in td["securityDefinitions"]:
                yield problem((*path, "security"), f"names {shown(name)}, which securityDefinitions does "
                              "not define; define it or name one that it does")  # fmt: skip


def combinations(td: Object) -> Iterator[Problem]:
    """A combo names other definitions, and never itself over whatever detour."""
    definitions = td["securityDefinitions"]
    for name, scheme in definitions.items():
        for part in set(_parts(scheme)) - set(definitions):
            yield problem(("securityDefinitions", name, str(_combined(scheme))), f"names {shown(part)}, which "
                          "securityDefinitions does not define")  # fmt: skip
    for name in _circular(definitions):
        member = str(_combined(definitions[name]))
        yield problem(
            ("securityDefinitions", name, member), "leads in a circle; name other definitions"
        )


def _combined(scheme: Object) -> str | None:
    if scheme["scheme"] != "combo":
        return None
    return "oneOf" if "oneOf" in scheme else "allOf"


def _parts(scheme: Object) -> list[str]:
    member = _combined(scheme)
    return list(scheme[member]) if member else []


def _circular(definitions: Object) -> list[str]:
    """Combos that are never resolved, when each is once all its parts are (Kahn 1962)."""
    waiting_for = {
        name: set(_parts(scheme)) & set(definitions) for name, scheme in definitions.items()
    }
    users: dict[str, list[str]] = {}
    for name, parts in waiting_for.items():
        for part in parts:
            users.setdefault(part, []).append(name)
    resolved = [name for name, parts in waiting_for.items() if not parts]
    for part in resolved:  # grows while it is walked
        for user in users.get(part, ()):
            waiting_for[user].discard(part)
            if not waiting_for[user]:
                resolved.append(user)
    return [name for name, parts in waiting_for.items() if parts]


def flows(td: Object) -> Iterator[Problem]:
    """What each OAuth 2.0 flow needs (section 5.3.3.10)."""
    for name, scheme in td["securityDefinitions"].items():
        path = ("securityDefinitions", name)
        if scheme["scheme"] != "oauth2":
            continue
        flow = scheme.get("flow")
        if flow is None:
            yield problem((*path, "flow"), "is missing; say code, client or device")
        for member in _NEEDED.get(flow, ()):
            if member not in scheme:
                yield problem((*path, member), f"is missing; the {flow} flow needs it")
        if flow == "client" and "authorization" in scheme:
            yield problem(
                (*path, "authorization"), "must not be there in the client flow; leave it out"
            )


def bodies(td: Object) -> Iterator[Problem]:
    """In a body a credential's place is a JSON Pointer, since 1.1."""
    if CONTEXT not in listed(td["@context"]):
        return
    for name, scheme in td["securityDefinitions"].items():
        pointer = scheme.get("name", "")
        is_pointer = isinstance(pointer, str) and is_json_pointer(pointer)
        if scheme.get("in") == "body" and not is_pointer:
            yield problem(("securityDefinitions", name, "name"), f"is {shown(pointer)}; in a body it "
                          "must be a JSON Pointer, such as /token")  # fmt: skip


def extensions(td: Object) -> Iterator[Problem]:
    """A scheme that the standard does not have is a term of a context."""
    context = listed(td["@context"])
    prefixes = {name for entry in context if isinstance(entry, dict) for name in entry}
    is_open = any(isinstance(entry, str) and "/wot/td/" not in entry for entry in context)
    for name, scheme in td["securityDefinitions"].items():
        prefix, colon, _ = scheme["scheme"].partition(":")
        if colon and not is_open and prefix not in prefixes and prefix not in _IRI_SCHEMES:
            yield problem(("securityDefinitions", name, "scheme"), f"is {shown(scheme['scheme'])}; say "
                          f"in @context what {shown(prefix)} stands for")  # fmt: skip


def uri_names(td: Object) -> frozenset[str]:
    """Names of variables that security schemes put into addresses."""
    return frozenset(
        scheme["name"] for scheme in td["securityDefinitions"].values() if _is_in_uri(scheme)
    )


def _is_in_uri(scheme: Object) -> bool:
    return scheme.get("in") == "uri" and isinstance(scheme.get("name"), str)


def in_addresses(td: Object) -> Iterator[Problem]:
    """Where a scheme in the URI is active the address has its variable."""
    definitions = td["securityDefinitions"]
    wanted: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for form in forms(td) if uri_names(td) else ():
        active = tuple(listed(form.content.get("security", td["security"])))
        if active not in wanted:
            wanted[active] = [(name, definitions[name]["name"]) for name in _all_active(definitions, active)
                              if _is_in_uri(definitions[name])]  # fmt: skip
        there = set(template_variables(form.content["href"]) or ())
        for name, variable in wanted[active]:
            if variable not in there:
                yield problem((*form.path, "href"), f"has no variable {{{variable}}}, in which the "
                              f"security scheme {shown(name)} goes; add it")  # fmt: skip


def _all_active(definitions: Object, names: tuple[str, ...]) -> list[str]:
    """With all that combos demand together; of alternatives none is certain."""
    found = dict.fromkeys(name for name in names if name in definitions)
    waiting = list(found)
    while waiting:
        scheme = definitions[waiting.pop()]
        parts = _parts(scheme) if _combined(scheme) == "allOf" else []
        fresh = [part for part in parts if part in definitions and part not in found]
        found |= dict.fromkeys(fresh)
        waiting += fresh
    return list(found)


RULES = (names, combinations, flows, bodies, extensions, in_addresses)
