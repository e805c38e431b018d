"""IRIs that are not what was meant: old namespaces, stray colons and slashes, words instead of IRIs."""

from __future__ import annotations

import re
from collections.abc import Callable

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.registry.seloc.defects import Found
from tinylearn.registry.vocabulary import NNET, S3N_EXTEND, SOSA_EXTEND, SSN_EXTEND, TD

#: what relative IRIs are resolved against, to be told from all others
RELATIVE = "relative:///"

#: namespaces that the vocabularies no longer have
DEPRECATED = {
    "http://tinyml-schema.org/networkschema#": NNET,
    "http://tinyml-schema.org/s3n_extend/": S3N_EXTEND,
    "http://tinyml-schema.org/sosa_extend/": SOSA_EXTEND,
    "http://tinyml-schema.org/ssn_extend/": SSN_EXTEND,
    "http://www.w3.org/ns/td#": TD,
}
_WORDS = frozenset({"none", "n.a.", "n/a", "na", "null", "nan", "unknown", "-", ""})
_HOST = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}/", re.IGNORECASE)
_STRAY_COLON = re.compile(
    "({}):+".format("|".join(map(re.escape, (S3N_EXTEND, SOSA_EXTEND, SSN_EXTEND))))
)
_SLASHES = re.compile(r"(?<!:)//+")


def mend_names(triples: list[Triple], found: Found) -> list[Triple]:
    """Old namespaces, ``sosa_extend::Magnetometer`` and doubled slashes, wherever they stand."""
    mended = triples
    for kind, change in (("old namespace", _namespace), ("stray colon", _colon),
                         ("double slash", _slash)):  # fmt: skip
        mended = _renamed(mended, kind, change, found)
    return mended


def mend_placeholders(triples: list[Triple], found: Found) -> list[Triple]:
    """``<None>`` and "N.A." say nothing and go; a host without its scheme gets one."""
    kept = []
    for triple in triples:
        value = triple.object
        if isinstance(value, Literal) and value.value.strip().lower() in ("n.a.", "n/a"):
            found.add("placeholder", f'{local(triple.predicate)} "{value.value}"', "left out")
        elif isinstance(value, NamedNode) and value.value.startswith(RELATIVE):
            kept += _absolute(triple, value.value.removeprefix(RELATIVE), found)
        else:
            kept.append(triple)
    return kept


def better(iri: str) -> str:
    """An IRI as it is meant."""
    return _slash(_colon(_namespace(iri)))


def local(term: NamedNode) -> str:
    """The last part of an IRI, for messages."""
    return re.split(r"[#/]", term.value.rstrip("#/"))[-1] or term.value


def _absolute(triple: Triple, text: str, found: Found) -> list[Triple]:
    where = f"{local(triple.predicate)} <{text}>"
    if text.lower() in _WORDS:
        found.add("placeholder", where, "left out")
        return []
    if _HOST.match(text):
        found.add("IRI without a scheme", where, "http:// in front")
        return [Triple(triple.subject, triple.predicate, NamedNode(f"http://{text}"))]
    found.add("relative IRI without a base", where, "left out")
    return []


def _namespace(iri: str) -> str:
    for old, new in DEPRECATED.items():
        if iri.startswith(old):
            return new + iri.removeprefix(old)
    return iri


def _colon(iri: str) -> str:
    return _STRAY_COLON.sub(r"\1", iri)


def _slash(iri: str) -> str:
    """Only in what the SeLoC-ML tools name: elsewhere two slashes may be meant."""
    return _SLASHES.sub("/", iri) if iri.startswith("https://w3id.org/tinyml-schema/") else iri


def _renamed(
    triples: list[Triple], kind: str, change: Callable[[str], str], found: Found
) -> list[Triple]:
    names = {t.value for triple in triples for t in triple if isinstance(t, NamedNode)}
    changed = {name: change(name) for name in sorted(names) if change(name) != name}
    for name, new in changed.items():
        found.add(kind, f"<{name}>", f"written <{new}>" if kind != "double slash" else "one slash")
    if not changed:
        return triples

    def term(old: NamedNode | BlankNode | Literal | Triple) -> NamedNode | BlankNode | Literal:
        if isinstance(old, NamedNode) and old.value in changed:
            return NamedNode(changed[old.value])
        return old  # type: ignore[return-value]

    return [Triple(*map(term, triple)) for triple in triples]  # type: ignore[arg-type]
