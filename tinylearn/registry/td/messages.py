"""Says what a JSON Schema error means for whoever wrote the Thing Description."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from jsonschema.exceptions import ValidationError

from tinylearn.registry.td.problems import Path, Problem, problem, shown

CONTEXT = "https://www.w3.org/2022/wot/td/v1.1"
CONTEXT_1_0 = "https://www.w3.org/2019/wot/td/v1"
SCHEMES = "nosec, auto, combo, basic, digest, apikey, bearer, psk, oauth2"

_MISSING = {
    "@context": f'is missing; begin with "@context": "{CONTEXT}"',
    "title": "is missing; give a name that people can read",
    "security": "is missing; name an entry of securityDefinitions",
    "securityDefinitions": 'is missing; define a scheme, such as {"nosec_sc": {"scheme": "nosec"}}',
    "scheme": f"is missing; name one of {SCHEMES}",
    "forms": "is missing; give at least one form with an href",
    "href": "is missing; give the address",
    "op": "is missing; a form of the Thing itself must say for which operations it is",
    "instance": "is missing; a version must name this instance's",
    "contentType": "is missing; a response must say its media type",
    "oneOf": "is missing; a combo scheme needs oneOf or allOf with two names or more",
}
_AT = {
    "@context": (
        f'must be "{CONTEXT}", or an array that begins with it; for consumers of TD 1.0 with '
        f'"{CONTEXT_1_0}" first and it second'
    ),
    "@type": "must be a string or an array of strings",
}
_NAMES = {
    dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number",
    float: "a number", type(None): "null",
}  # fmt: skip
_TYPES = {
    "object": "an object", "array": "an array", "string": "a string", "boolean": "a boolean",
    "integer": "an integer", "number": "a number", "null": "null",
}  # fmt: skip
_FORMATS = {
    "uri": "is not a URI (RFC 3986) with a scheme; use one such as urn:uuid:... ",
    "date-time": "is not a date-time of RFC 3339, such as 2026-03-01T09:30:00Z",
}


def explain(error: ValidationError) -> Iterator[Problem]:
    """One problem for each thing to mend."""
    path: Path = tuple(error.absolute_path)
    if path and path[-1] in _AT and error.validator in ("oneOf", "anyOf"):
        yield problem(path, _AT[str(path[-1])])
    elif error.validator in ("oneOf", "anyOf"):
        yield from _alternatives(error, path)
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield problem((*path, name), _MISSING.get(name, "is missing"))
    else:
        yield problem(path, _message(error))


def kind_of(value: Any) -> str:
    """What a JSON value is, with its article."""
    return _NAMES[type(value)]


def _message(error: ValidationError) -> str:
    keyword, wanted, value = error.validator, error.validator_value, error.instance
    if keyword == "type":
        names = [wanted] if isinstance(wanted, str) else wanted
        return f"must be {' or '.join(_TYPES[name] for name in names)}, it is {kind_of(value)}"
    if keyword == "enum":
        return f"is {shown(value)}; use {'one of ' if len(wanted) > 1 else ''}{', '.join(wanted)}"
    if keyword in ("minItems", "minProperties"):
        return "is empty; give at least one" if wanted == 1 else f"needs at least {wanted} entries"
    if keyword == "uniqueItems":
        return f"{error.message}; give each value once"
    if keyword == "format":
        return f"{_FORMATS[wanted].strip()}: {shown(value)}"
    if keyword == "not":
        return _excluded(error)
    if keyword in ("minimum", "exclusiveMinimum"):
        return (
            f"is {shown(value)}; it must be {'above' if 'ex' in keyword else 'at least'} {wanted}"
        )
    return f"is {shown(value)}, which {error.message}"


def _excluded(error: ValidationError) -> str:
    """What ``not`` rules out: names that go with another kind of link or scheme."""
    value = error.instance
    if not isinstance(value, dict):
        return f"must not be {shown(value)}"
    if "sizes" in value and value.get("rel") != "icon":
        return 'has sizes, which only a link with "rel": "icon" may have; leave them out'
    if value.get("rel") == "tm:extends":
        return "extends a Thing Model, which only Thing Models do; say rel: type to name its model"
    return "has a name that does not go with the others; leave it out"


def _alternatives(error: ValidationError, path: Path) -> Iterator[Problem]:
    """The errors of the alternative that was meant; where none or several were, that."""
    branches = [
        list(errors)
        for _, errors in groupby(error.context or (), key=lambda child: child.schema_path[0])
    ]
    if path[-2:-1] == ("securityDefinitions",):
        yield from _scheme(error, path, branches)
        return
    meant = [branch for branch in branches if not any(_is_other_type(child) for child in branch)]
    if meant:
        best = min(meant, key=lambda branch: (any(map(_is_other_link, branch)), len(branch)))
        for child in best:
            yield from explain(child)
    else:
        wanted = dict.fromkeys(
            child.validator_value
            for branch in branches
            for child in branch
            if _is_other_type(child)
        )
        names = " or ".join(_TYPES[name] for name in wanted)
        yield problem(path, f"must be {names}, it is {kind_of(error.instance)}")


def _is_other_type(child: ValidationError) -> bool:
    return child.validator == "type" and not child.path


def _is_other_link(child: ValidationError) -> bool:
    return "rel" in child.path and child.validator == "const"


def _scheme(
    error: ValidationError, path: Path, branches: list[list[ValidationError]]
) -> Iterator[Problem]:
    """A security scheme is what its ``scheme`` says."""
    value = error.instance
    if not isinstance(value, dict):
        yield problem(path, f"must be an object, it is {kind_of(value)}")
    elif not branches:
        yield problem(path, "must have one of oneOf and allOf, not both")
    elif "scheme" not in value:
        yield problem((*path, "scheme"), _MISSING["scheme"])
    elif not isinstance(value["scheme"], str):
        yield problem((*path, "scheme"), f"must be a string, it is {kind_of(value['scheme'])}")
    else:
        meant = [branch for branch in branches if not any(map(_is_other_scheme, _leaves(branch)))]
        for child in _leaves(meant[0]) if meant else ():
            yield from explain(child)
        if not meant:
            yield problem((*path, "scheme"), f"is {shown(value['scheme'])}; use one of {SCHEMES}, or "
                          "a term with a prefix that @context defines")  # fmt: skip


def _leaves(branch: list[ValidationError]) -> list[ValidationError]:
    """Errors of the alternative that was meant inside an alternative: combo has two, which differ in
    the name that they require."""
    first = branch[0]
    if first.validator != "oneOf" or not first.context:
        return branch
    inner = [
        list(errors) for _, errors in groupby(first.context, lambda child: child.schema_path[0])
    ]
    return min(inner, key=lambda errors: any(child.validator == "required" for child in errors))


def _is_other_scheme(child: ValidationError) -> bool:
    return "scheme" in child.path and child.validator in ("enum", "pattern")
