"""Thing Descriptions in Turtle that use JSON's names as if they were the ontology's."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.seloc.defects import Found
from tinylearn.registry.seloc.iris import local
from tinylearn.registry.triples import Description, Node
from tinylearn.registry.vocabulary import (
    S3N,
    TD,
    TD_FORMS,
    TD_SCHEMA,
    TD_SECURITY,
    THING,
    TYPE,
    UNIT,
    XSD,
)

_TEXT = NamedNode(XSD + "string")
_HREF, _TARGET = NamedNode(TD + "href"), NamedNode(TD_FORMS + "hasTarget")
_PROPERTY, _HAS_FORM = NamedNode(TD + "hasPropertyAffordance"), NamedNode(TD + "hasForm")
_NAME = NamedNode(TD + "name")
_UNIT_CODE = NamedNode("http://schema.org/unitCode")
#: JSON's name in td: -> the ontology's property, for values that stay as they are
_PROPERTIES = {
    TD + "maximum": TD_SCHEMA + "maximum",
    TD + "minimum": TD_SCHEMA + "minimum",
    TD + "readOnly": TD_SCHEMA + "readOnly",
    TD + "writeOnly": TD_SCHEMA + "writeOnly",
    TD + "securityDefinitions": TD + "definesSecurityScheme",
}
_OPERATIONS = {
    name.lower(): TD + name
    for name in ("readProperty", "writeProperty", "observeProperty", "unobserveProperty",
                 "invokeAction", "subscribeEvent", "unsubscribeEvent")
}  # fmt: skip
_TYPES = {name: f"{TD_SCHEMA}{name.capitalize()}Schema" for name in
          ("object", "array", "boolean", "string", "number", "integer", "null")}  # fmt: skip
_SCHEMES = {"nosec": TD_SECURITY + "NoSecurityScheme", "basic": TD_SECURITY + "BasicSecurityScheme"}
#: what was written -> QUDT's unit; none for pixels
_UNITS = {
    "om:degree_Celsius": UNIT + "DEG_C", "om:gravity": UNIT + "G", "om:micro_tesla": UNIT + "MicroT",
    "om:microtesla": UNIT + "MicroT", "om:degress_per_second": UNIT + "DEG-PER-SEC",
}  # fmt: skip


def mend_affordances(triples: list[Triple], found: Found) -> list[Triple]:
    """Property names, words and IRIs of the TD 1.1 ontology in place of JSON's."""
    iri = NamedNode(found.subject)
    if S3N + "SmartSensor" not in Description(triples).types(iri):
        return triples
    mended = [better for triple in triples for better in _mended(triple, iri, found)]
    about = Description(mended)
    if TD + "Thing" not in about.types(iri):
        found.add("a smart sensor is a td:Thing", "no td:Thing", "said")
        mended.append(Triple(iri, TYPE, THING))
    return [*mended, *_names(about, iri, found)]


def report_forms(triples: list[Triple], found: Found) -> list[Triple]:
    """Forms that lead to another device."""
    base = found.subject.rpartition("/")[0] + "/"
    for triple in triples:
        href = triple.object.value if isinstance(triple.object, Literal) else ""
        if triple.predicate not in (_HREF, _TARGET) or not href.startswith(base):
            continue
        if href.removeprefix(base).partition("/")[0] != found.subject.removeprefix(base):
            found.add("form of another device", href)
    return triples


def _mended(triple: Triple, iri: NamedNode, found: Found) -> Iterator[Triple]:
    subject, value = triple.subject, triple.object
    name = triple.predicate.value.removeprefix(TD)
    if name == "hasSecurityConfiguration" and isinstance(value, NamedNode):
        found.add("security names an IRI, not a definition", f"td:{local(value)}", "its name")
        yield Triple(subject, triple.predicate, Literal(local(value), datatype=_TEXT))
    elif name in ("href", "op", "type", "unit", "scheme") and isinstance(value, Literal):
        if value.language:
            found.add("language tag on what machines read", f"td:{name}", "no language")
        yield from _word(triple, name, value.value, found)
    elif triple.predicate.value in _PROPERTIES:
        better = _PROPERTIES[triple.predicate.value]
        found.add("JSON's name, not the ontology's", f"td:{name}", f"<{better}>")
        yield Triple(subject, NamedNode(better), value)
    else:
        yield triple


def _word(triple: Triple, name: str, word: str, found: Found) -> Iterator[Triple]:
    """A JSON word as the ontology's property and value."""
    subject = triple.subject
    tables = {"op": (NamedNode(TD_FORMS + "hasOperationType"), _OPERATIONS),
              "type": (TYPE, _TYPES), "scheme": (TYPE, _SCHEMES), "unit": (_UNIT_CODE, _UNITS)}  # fmt: skip
    if name == "href":
        yield Triple(subject, _TARGET, Literal(word, datatype=NamedNode(XSD + "anyURI")))
        return
    predicate, table = tables[name]
    if word in table:
        if name == "unit":
            found.add("unit as text", word, f"<{table[word]}>")
        yield Triple(subject, predicate, NamedNode(table[word]))
    elif name == "unit":
        found.add("unit as text", word)
        yield Triple(subject, predicate, Literal(word))
    else:
        found.add("unknown word", f"td:{name} {word[:60]}")
        yield Triple(subject, triple.predicate, Literal(word))
    if name == "scheme":
        yield Triple(subject, NamedNode(TD + "hasInstanceConfiguration"), Literal(f"{word}_sc"))


def _names(about: Description, iri: NamedNode, found: Found) -> Iterator[Triple]:
    """Each affordance gets the name by which JSON has it: the last part of its form's target."""
    for node in about.nodes(iri, _PROPERTY):
        if about.objects(node, _NAME):
            continue
        name = _name(about, node)
        found.add("property without a name", "td:hasPropertyAffordance", "the end of its href")
        yield Triple(node, _NAME, Literal(name))


def _name(about: Description, node: Node) -> str:
    targets = [about.text(form, _TARGET) for form in about.nodes(node, _HAS_FORM)]
    target = next((t for t in targets if t), "")
    return target.rstrip("/").rpartition("/")[2] or about.text(node, NamedNode(TD + "title")) or "?"
