"""IRIs of the vocabularies that devices and models are described with.

Everything that others have named is called by their name. ``TL`` holds what nobody has: flat facts,
written directly on a device or a model so that matching needs no nested joins. It is a URN, as no
document stands behind it on the web; ontology/tinylearn.ttl says what each term means.
"""

from __future__ import annotations

from pyoxigraph import NamedNode

TL = "urn:tinylearn:ns:"
TD = "https://www.w3.org/2019/wot/td#"
TD_SECURITY = "https://www.w3.org/2019/wot/security#"
TD_FORMS = "https://www.w3.org/2019/wot/hypermedia#"
TD_SCHEMA = "https://www.w3.org/2019/wot/json-schema#"
DISCOVERY = "https://www.w3.org/2022/wot/discovery-ontology#"
SOSA = "http://www.w3.org/ns/sosa/"
SSN = "http://www.w3.org/ns/ssn/"
SYSTEM = "http://www.w3.org/ns/ssn/systems/"
S3N = "http://w3id.org/s3n/"
NNET = "https://w3id.org/tinyml-schema/neural-network-schema#"
S3N_EXTEND = "https://w3id.org/tinyml-schema/neural-network-schema/s3n_extend/"
SOSA_EXTEND = "https://w3id.org/tinyml-schema/neural-network-schema/sosa_extend/"
SSN_EXTEND = "https://w3id.org/tinyml-schema/neural-network-schema/ssn_extend/"
QUDT = "http://qudt.org/schema/qudt/"
UNIT = "http://qudt.org/vocab/unit/"
SCHEMA = "https://schema.org/"
OM = "http://www.ontology-of-units-of-measure.org/resource/om-2/"
MLS = "http://www.w3.org/ns/mls#"
DCAT = "http://www.w3.org/ns/dcat#"
DCTERMS = "http://purl.org/dc/terms/"
SPDX = "http://spdx.org/rdf/terms#"
PROV = "http://www.w3.org/ns/prov#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
XSD = "http://www.w3.org/2001/XMLSchema#"

#: for reading and writing: the names by which people know them
PREFIXES = {
    "tl": TL, "td": TD, "tdsec": TD_SECURITY, "hctl": TD_FORMS, "jsonschema": TD_SCHEMA,
    "discovery": DISCOVERY, "sosa": SOSA, "ssn": SSN, "ssn-system": SYSTEM, "s3n": S3N,
    "nnet": NNET, "s3n_extend": S3N_EXTEND, "sosa_extend": SOSA_EXTEND, "ssn_extend": SSN_EXTEND,
    "qudt": QUDT, "unit": UNIT, "schema": SCHEMA, "om": OM, "mls": MLS, "dcat": DCAT,
    "dcterms": DCTERMS, "spdx": SPDX, "prov": PROV, "rdf": RDF, "rdfs": RDFS, "xsd": XSD,
}  # fmt: skip

TYPE = NamedNode(RDF + "type")
SMART_SENSOR = NamedNode(S3N + "SmartSensor")
THING = NamedNode(TD + "Thing")
NEURAL_NETWORK = NamedNode(NNET + "NeuralNetwork")


def tl(name: str) -> NamedNode:
    """A term of ours."""
    return NamedNode(TL + name)
