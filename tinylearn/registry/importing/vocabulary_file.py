"""Ontologies: a graph of their own, so that queries can follow classes."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.importing.turtle_file import TurtleFile
from tinylearn.registry.seloc.defects import Defect, Found
from tinylearn.registry.seloc.iris import mend_names
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import DCTERMS, RDF, RDFS

_OWL = "http://www.w3.org/2002/07/owl#"
_ONTOLOGY = _OWL + "Ontology"
_TERMS = (_OWL + "Class", RDFS + "Class", RDF + "Property", _OWL + "ObjectProperty",
          _OWL + "DatatypeProperty", _ONTOLOGY)  # fmt: skip
_TITLES = tuple(NamedNode(iri) for iri in (DCTERMS + "title", RDFS + "label"))


@dataclass(frozen=True)
class Vocabulary:
    """By the ontology's IRI."""

    iri: NamedNode
    title: str
    triples: list[Triple]


def vocabulary(read: TurtleFile, file: str) -> tuple[Vocabulary, list[Defect]]:
    """Raises BadInputError where the file describes neither devices nor models nor terms."""
    about = Description(read.triples)
    if not any(kind in _TERMS for node in about.subjects() for kind in about.types(node)):
        raise BadInputError(
            f"{file}: describes nothing to register; a device is a s3n:SmartSensor or td:Thing, a model "
            "a nnet:NeuralNetwork (rdf:type), with an IRI of its own"
        )
    named = [node.value for node in about.subjects(_ONTOLOGY) if isinstance(node, NamedNode)]
    iri = NamedNode(named[0] if named else _name(read, file))
    found = Found(iri.value)
    if not named:
        found.add("no owl:Ontology", "nothing names the vocabulary", f"named <{iri.value}>")
    elif read.about and read.about.rstrip("#/") != named[0].rstrip("#/"):
        found.add("baseURI of another resource", f"<{read.about}>", "the comment is ignored")
    triples = mend_names(read.triples, found)
    defects = [Defect(d.subject, d.kind, d.detail, d.mend, file) for d in found.defects]
    return Vocabulary(iri, about.text(iri, *_TITLES) or iri.value, triples), defects


def _name(read: TurtleFile, file: str) -> str:
    """By its comment, or by the namespace that all its terms are in."""
    if read.about and ":" in read.about:
        return read.about
    terms = {t.subject.value for t in read.triples if isinstance(t.subject, NamedNode)}
    spaces = {term[: max(term.rfind("/"), term.rfind("#")) + 1] for term in terms}
    if len(spaces) == 1 and ":" in (space := spaces.pop()):
        return space
    raise BadInputError(f"{file}: a vocabulary without a name; write <https://...> a owl:Ontology")
