"""Random valid Thing Descriptions, as hypothesis strategies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support.things import CONTEXT, CONTEXT_1_0

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda name: name[0] != "@"
)
HREFS = st.sampled_from(
    [
        "",
        "x",
        "/a/b",
        "../c?d#e",
        "https://h.example:8080/%20",
        "coap://[::1]/x",
        "mqtt://b.example",
    ]
)
LANGUAGES = st.sampled_from(
    ["en", "de-AT", "zh-Hant-HK", "sl-nedis", "x-own", "i-klingon", "de-1996"]
)
COUNTS = st.integers(0, 1 << 40)
NUMBERS = st.integers(-(1 << 60), 1 << 60) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | NUMBERS | TEXTS | st.lists(st.integers(0, 9), max_size=3)
AFFORDED = {
    "properties": ["readproperty", "writeproperty", "observeproperty", "unobserveproperty"],
    "actions": ["invokeaction", "queryaction", "cancelaction"],
    "events": ["subscribeevent", "unsubscribeevent"],
}
OF_THING = ["readallproperties", "writeallproperties", "queryallactions", "subscribeallevents"]
OF_TYPES = {
    "boolean": st.booleans(), "string": TEXTS, "null": st.none(), "number": NUMBERS,
    "integer": st.integers(-100, 100), "array": st.lists(st.integers(0, 3), max_size=2),
    "object": st.dictionaries(st.sampled_from("ab"), st.booleans(), max_size=2),
}  # fmt: skip
LABELS: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS,
    "titles": st.dictionaries(LANGUAGES, TEXTS, max_size=3),
    "description": TEXTS,
    "descriptions": st.dictionaries(LANGUAGES, TEXTS, max_size=3),
    "@type": st.sampled_from(["Thing", "ex:Lamp", ["ex:A", "ex:B"], []]),
    "ex:own": TEXTS | NUMBERS | st.lists(TEXTS, max_size=2),
}


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these members."""
    return st.fixed_dictionaries({}, optional=optional)


def ordered(
    low: str, high: str, numbers: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Two limits, the lower one first."""
    return st.lists(numbers, min_size=2, max_size=2).map(
        lambda two: {low: min(two), high: max(two)}
    )


@st.composite
def leaf_schemas(draw: st.DrawFn) -> dict[str, Any]:
    schema = draw(some(**LABELS, readOnly=st.booleans(), writeOnly=st.booleans(), unit=TEXTS, format=TEXTS,
                       default=VALUES, pattern=TEXTS, contentEncoding=TEXTS))  # fmt: skip
    numbers: st.SearchStrategy[Any] = NUMBERS
    if draw(st.booleans()):
        kind = schema["type"] = draw(st.sampled_from(sorted(OF_TYPES)))
        numbers = st.integers(-100, 100) if kind == "integer" else NUMBERS
        if draw(st.booleans()):
            schema["const"] = draw(OF_TYPES[kind])
        if draw(st.booleans()):
            schema["enum"] = [draw(OF_TYPES[kind])]
    if draw(st.booleans()):
        schema |= draw(ordered("minimum", "maximum", numbers))
    if draw(st.booleans()):
        schema |= draw(
            ordered("minLength", "maxLength", COUNTS) | ordered("minItems", "maxItems", COUNTS)
        )
    return schema


def _with_inner(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    nested = some(properties=st.dictionaries(NAMES, inner, max_size=2), items=inner | st.lists(inner, max_size=2),
                  oneOf=st.lists(inner, max_size=2), required=st.lists(NAMES, max_size=2))  # fmt: skip
    return st.tuples(leaf_schemas(), nested).map(lambda two: two[0] | two[1])


SCHEMAS = st.recursive(leaf_schemas(), _with_inner, max_leaves=4)
LINKS = st.fixed_dictionaries({"href": HREFS}, optional={
    "rel": st.sampled_from(["item", "collection", "service-doc", "controlledBy"]), "type": TEXTS,
    "anchor": HREFS, "hreflang": LANGUAGES | st.lists(LANGUAGES, max_size=2)})  # fmt: skip
SCHEMES = st.one_of(
    st.just({"scheme": "nosec"}), st.just({"scheme": "auto"}),
    st.fixed_dictionaries({"scheme": st.sampled_from(["basic", "digest", "apikey", "bearer"])}, optional={
        "in": st.sampled_from(["header", "query", "cookie", "auto"]), "name": TEXTS, "description": TEXTS,
        "proxy": HREFS}),
    st.fixed_dictionaries({"scheme": st.just("psk")}, optional={"identity": TEXTS}),
    st.just({"scheme": "oauth2", "flow": "client", "token": "https://t.example/", "scopes": ["a", "b"]}),
    st.just({"scheme": "ex:Own", "ex:level": 3}),
)  # fmt: skip


RESPONSES = some(contentType=TEXTS, success=st.booleans())


def _operations(names: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(names) | st.lists(st.sampled_from(names), min_size=1, max_size=3)


@st.composite
def forms(
    draw: st.DrawFn, operations: list[str], schemes: list[str], is_required: bool = False
) -> dict[str, Any]:
    form = draw(some(contentType=TEXTS, contentCoding=TEXTS, subprotocol=TEXTS, scopes=TEXTS,
                     security=st.sampled_from(schemes) | st.lists(st.sampled_from(schemes), min_size=1, max_size=2),
                     response=st.fixed_dictionaries({"contentType": TEXTS}),
                     additionalResponses=st.lists(RESPONSES, max_size=2)))  # fmt: skip
    if is_required or draw(st.booleans()):
        form["op"] = draw(_operations(operations))
    variables = draw(st.sampled_from(["", "{v}", "{?v,w*}", "{/w:3}"]))
    return form | {"href": draw(HREFS) + variables}


@st.composite
def affordances(draw: st.DrawFn, kind: str, schemes: list[str]) -> dict[str, Any]:
    inner = st.deferred(lambda: SCHEMAS)
    members = {"properties": some(observable=st.booleans()),
               "actions": some(input=inner, output=inner, safe=st.booleans(), idempotent=st.booleans()),
               "events": some(data=inner, subscription=inner, cancellation=inner)}[kind]  # fmt: skip
    affordance = draw(SCHEMAS if kind == "properties" else some(**LABELS)) | draw(members)
    return affordance | {
        "forms": draw(st.lists(forms(AFFORDED[kind], schemes), min_size=1, max_size=2))
    }


@st.composite
def things(draw: st.DrawFn) -> dict[str, Any]:
    """A whole Thing Description."""
    contexts = [{"ex": "https://ex.example/#"}, *draw(st.sampled_from([[], [{"@language": "en"}]]))]
    standard = draw(st.sampled_from([[CONTEXT], [CONTEXT_1_0], [CONTEXT_1_0, CONTEXT]]))
    definitions = draw(st.dictionaries(NAMES, SCHEMES, min_size=1, max_size=3))
    schemes = sorted(definitions)
    td: dict[str, Any] = {
        "@context": [*standard, *contexts],
        "title": draw(TEXTS),
        "securityDefinitions": definitions,
        "security": draw(st.sampled_from(schemes)),
        "uriVariables": {"v": {"type": "string"}, "w": {}},
    }
    td |= draw(some(**{name: LABELS[name] for name in LABELS if name != "title"},
                    id=st.uuids().map(lambda uuid: uuid.urn), created=st.just("2026-01-02T03:04:05Z"),
                    links=st.lists(LINKS, max_size=2), support=st.just("mailto:a@b.example"),
                    base=st.just("https://b.example/"), version=st.fixed_dictionaries({"instance": TEXTS}),
                    schemaDefinitions=st.dictionaries(NAMES, SCHEMAS, min_size=1, max_size=2),
                    forms=st.lists(forms(OF_THING, schemes, is_required=True), min_size=1, max_size=2)))  # fmt: skip
    for kind in AFFORDED:
        if draw(st.booleans()):
            td[kind] = draw(st.dictionaries(NAMES, affordances(kind, schemes), max_size=2))
    return td
