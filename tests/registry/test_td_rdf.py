"""RDF of Thing Descriptions, compared with what another JSON-LD processor makes of W3C's context."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyld import jsonld
from pyoxigraph import (
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    parse,
)
from support import shared
from support.things import CONTEXT, CONTEXT_1_0, changed, minimal, oven

from tinylearn.registry import ontology
from tinylearn.registry.td.document import (
    InvalidThingError,
    check_td,
    parse_td,
    td_of_triples,
    to_triples,
)
from tinylearn.registry.vocabulary import (
    DISCOVERY,
    S3N,
    SOSA_EXTEND,
    TD,
    TD_FORMS,
    TD_SCHEMA,
    THING,
    TYPE,
    XSD,
    tl,
)

BASE = "urn:tinylearn:td:{}/"
TEMPERATURE = NamedNode("https://saref.etsi.org/core/Temperature")


def thing(**more: Any) -> dict[str, Any]:
    """The least that can be told in RDF."""
    return minimal(id="urn:x:1", **more)


def said(td: dict[str, Any]) -> set[tuple[str, str]]:
    """Predicates and objects of the Thing itself."""
    triples = to_triples(check_td(td))
    return {(t.predicate.value, getattr(t.object, "value", "")) for t in triples
            if t.subject == NamedNode(td["id"])}  # fmt: skip


def canonical(quads: list[Quad]) -> Dataset:
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return dataset


def by_pyld(td: dict[str, Any]) -> list[Quad]:
    """With the context as it is in the ontology folder, whole."""

    def load(url: str, _options: object = None) -> dict[str, Any]:
        assert url in (CONTEXT, CONTEXT_1_0)
        document = json.loads(ontology.read("contexts/thing-description.jsonld"))
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url,
                "document": document}  # fmt: skip

    base = BASE.format(td["id"].replace(":", "%3A").replace("/", "%2F"))
    options = {"format": "application/n-quads", "documentLoader": load, "base": base}
    quads = list(parse(jsonld.to_rdf(td, options), RdfFormat.N_QUADS, lenient=True))
    return [quad for quad in quads if not quad.object.value.endswith("#%")]  # a unit that is no IRI


def agree(td: dict[str, Any]) -> bool:
    """Both processors say the same, but for the class of the Thing, which is always told."""
    ours = [Quad(t.subject, t.predicate, t.object) for t in to_triples(check_td(td))]
    theirs = [*by_pyld(td), Quad(NamedNode(td["id"]), TYPE, THING)]
    nothing = NamedNode(TD)  # what the context makes of an empty @type
    return canonical(ours) == canonical([quad for quad in theirs if quad.object != nothing])


DESCRIBED = {
    "everything": oven(),
    "least": thing(),
    "members in members": changed("properties", "recipe", "properties", to={
        "a": {"type": "object", "properties": {"b": {"type": "object", "properties": {"c": {"type": "null"}}}}}}),
    "version 1.0": thing(**{"@context": [CONTEXT_1_0, {"x": "https://x.example/#"}], "x:y": 5}),
    "both versions": thing(**{"@context": [CONTEXT_1_0, CONTEXT]}),
    "terms": thing(**{"@context": [CONTEXT, {"x": "https://x.example/#", "y": {"@id": "x:y", "@type": "@id"},
                                             "z": {"@id": "x:z", "@container": "@list"}}],
                      "y": "https://y.example", "z": [3, 1, 2], "x:w": {"@value": "1", "@type": "x:t"}}),
    "a term that is a term of the standard": thing(**{"@context": [CONTEXT, {"name2": "title"}], "name2": "x"}),
    "contexts inside": changed("properties", "recipe", "@context", to={"z": "https://z.example/"}),
    "contexts in terms": thing(**{"@context": [CONTEXT, {"v": {"@id": "https://v.example/", "@context": {
        "w": "https://w.example/"}}}], "v": {"w": 1}, "w": 2}),
}  # fmt: skip


@pytest.mark.parametrize("td", DESCRIBED.values(), ids=list(DESCRIBED))
def test_two_processors_agree(td: dict[str, Any]) -> None:
    assert agree(td)


def test_two_processors_agree_about_the_things_of_the_interoperability_events() -> None:
    for path in sorted((shared.folder("rdf") / "wot-tds").iterdir()):
        td = json.loads(path.read_bytes())
        prefixed = td.get("id", "").startswith("echonet:")  # a prefix of theirs: see below
        assert agree(td | ({"id": "urn:x:1"} if prefixed or "id" not in td else {})), path.name


def test_it_is_what_the_ontology_says() -> None:
    triples = to_triples(check_td(oven()))
    iri = NamedNode(oven()["id"])
    assert triples[0].predicate == TYPE and triples[0].object == THING
    affordances = [t for t in triples if t.predicate.value == TD + "hasPropertyAffordance"]
    assert sum(t.subject == iri for t in affordances) == 2
    node = next(t.subject for t in triples if t.object == TEMPERATURE)
    about = {t.predicate.value: t.object for t in triples if t.subject == node}
    assert about[TD + "name"] == Literal("temperature", language="en")
    assert about[TD_SCHEMA + "maximum"] == Literal("3.005E2", datatype=NamedNode(XSD + "double"))
    form = {t.predicate.value: t.object for t in triples if t.subject == about[TD + "hasForm"]}
    assert form[TD_FORMS + "hasTarget"].value == "temperature{?unit}"
    assert form[TD_FORMS + "hasOperationType"].value.startswith(TD)


def test_names_of_security_definitions_are_joined() -> None:
    triples = to_triples(check_td(thing()))
    base = BASE.format("urn%3Ax%3A1")
    active = next(t.object for t in triples if t.predicate.value == TD + "hasSecurityConfiguration")
    named = next(t for t in triples if t.predicate.value == TD + "hasInstanceConfiguration")
    assert active == named.object == NamedNode(base + "open")
    defined = next(t.object for t in triples if t.predicate.value == TD + "definesSecurityScheme")
    assert defined == named.subject


def test_the_same_words_give_the_same_triples_and_other_things_other_nodes() -> None:
    first, again = (to_triples(parse_td(json.dumps(oven()))) for _ in range(2))
    assert list(map(str, first)) == list(map(str, again))
    blank = {str(t.object) for t in first if str(t.object).startswith("_:")}
    other = to_triples(check_td(changed("id", to="urn:x:2")))
    assert blank and not blank & {str(t.object) for t in other}


def test_an_id_is_never_taken_apart() -> None:
    """Its scheme may be a prefix of the document, as in the descriptions of ECHONET devices."""
    td = thing(**{"@context": [CONTEXT, {"urn": "https://else.example/"}]})
    assert {str(t.subject) for t in to_triples(check_td(td))} >= {"<urn:x:1>"}
    assert not any("else.example" in str(t) for t in to_triples(check_td(td)))


def test_an_anonymous_thing_has_no_triples_until_it_has_an_id() -> None:
    with pytest.raises(InvalidThingError, match=r"\$\.id"):
        to_triples(check_td(minimal()))


def test_words_of_a_context_that_is_not_bundled_are_not_mapped() -> None:
    missing = "https://no.such.host.example/context.jsonld"
    td = thing(**{"@context": [CONTEXT, missing, {"known": "https://known.example/"}],
                  "@type": ["Thing", "saref:Sensor"], "brand": "x", "saref:makes": 1, "known:as": "y",
                  "https://full.example/": "z"})  # fmt: skip
    found = check_td(td)
    assert len(found.notes) == 1 and missing in found.notes[0]
    told = said(td)
    assert {
        ("https://known.example/as", "y"),
        ("https://full.example/", "z"),
        (TD + "title", "Least"),
    } <= told
    assert not any("brand" in p or "saref" in p + o for p, o in told)
    assert found.content == td


def test_words_of_nobody_are_terms_of_the_standard_by_its_context() -> None:
    assert (TD + "brand", "x") in said(thing(brand="x"))


def test_the_discovery_context_is_bundled() -> None:
    td = thing(
        **{
            "@context": [CONTEXT, "https://www.w3.org/2022/wot/discovery"],
            "@type": "ThingDirectory",
        }
    )
    assert not check_td(td).notes
    assert (TYPE.value, DISCOVERY + "ThingDirectory") in said(td)


def test_a_thing_cannot_say_what_the_registry_says_of_it() -> None:
    td = thing(**{tl("document").value: "forged", "registration": {"created": "2026-01-01T00:00:00Z"},
                  "@context": [CONTEXT, "https://www.w3.org/2022/wot/discovery"]})  # fmt: skip
    assert not any(tl("document").value in p or p.startswith(DISCOVERY) for p, _ in said(td))
    assert said(td | {"@id": "urn:other"}) == said(td)


def test_text_directions_are_left_to_the_document() -> None:
    td = thing(**{"@context": [CONTEXT, {"@language": "ar", "@direction": "rtl"}], "x": "y"})
    words = [t.object for t in to_triples(check_td(td)) if t.predicate.value == TD + "x"]
    assert words == [Literal("y", language="ar")]


@pytest.mark.parametrize("td", DESCRIBED.values(), ids=list(DESCRIBED))
def test_a_description_is_made_of_triples_again(td: dict[str, Any]) -> None:
    back = check_td(td_of_triples(NamedNode(td["id"]), to_triples(check_td(td)))).content
    for kind in ("properties", "actions", "events", "securityDefinitions"):
        assert set(back.get(kind, {})) == set(td.get(kind, {}))
    assert (back["id"], back["title"]) == (td["id"], td["title"])


def test_what_is_made_of_triples_says_the_same_in_json() -> None:
    td = oven()
    back = td_of_triples(NamedNode(td["id"]), to_triples(check_td(td)))
    assert back["properties"]["temperature"]["forms"][0] == td["properties"]["temperature"][
        "forms"
    ][0] | {"security": ["both"]}
    temperature = {
        k: v
        for k, v in td["properties"]["temperature"].items()
        if k not in ("forms", "@type", "unit")
    }
    assert temperature.items() <= back["properties"]["temperature"].items()
    assert back["properties"]["temperature"]["unit"] == "https://saref.etsi.org/core/degree"
    recipe = td["properties"]["recipe"]["properties"]
    assert back["properties"]["recipe"]["properties"]["name"] == recipe["name"]
    assert back["actions"]["bake"]["input"] == td["actions"]["bake"]["input"]
    assert back["titles"] == {tag.lower(): text for tag, text in td["titles"].items()}
    assert back["version"] == td["version"]
    for name, scheme in td["securityDefinitions"].items():
        if name != "own":
            assert {k: sorted(v) if isinstance(v, list) else v for k, v in scheme.items()} == (
                back["securityDefinitions"][name]
            ), name
    assert {link["rel"]: link["href"] for link in back["links"]} == {
        link["rel"]: link["href"] for link in td["links"]
    }


def test_descriptions_of_the_interoperability_events_survive_rdf() -> None:
    folder: Path = shared.folder("rdf") / "wot-tds"
    for path in sorted(folder.iterdir()):
        td = json.loads(path.read_bytes())
        td.setdefault("id", "urn:x:1")
        back = check_td(td_of_triples(NamedNode(td["id"]), to_triples(check_td(td)))).content
        for kind in ("properties", "actions", "events", "links", "securityDefinitions"):
            assert len(back.get(kind, ())) == len(td.get(kind, ())), (path.name, kind)


def test_prefixes_that_no_context_defines_are_taken_as_ours():
    """Without this a sensor vanishes: "sosa_extend:Microphone" is no IRI, for its underscore."""
    hardware = {"@type": "s3n:SmartSensor", "tl:sensor": {"@id": "sosa_extend:Microphone"}}
    found = check_td(thing(**hardware)).mapped
    assert found.undeclared == ("s3n", "sosa_extend", "tl")
    about = {(t.predicate, getattr(t.object, "value", "")) for t in found.triples}
    assert (tl("sensor"), SOSA_EXTEND + "Microphone") in about
    assert (TYPE, S3N + "SmartSensor") in about


def test_prefixes_that_are_defined_are_as_they_are_defined():
    context = [CONTEXT, {"tl": "urn:other:"}]
    found = check_td(thing(**{"@context": context, "tl:core": "M4", "title": "unit:7"})).mapped
    assert found.undeclared == ()
    assert "urn:other:core" in {t.predicate.value for t in found.triples}
