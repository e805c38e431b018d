// IRIs for people: short names, and links to what this page knows of them.

import { h } from "./dom.js";
import { to } from "./router.js";

const PREFIXES = {
  "urn:tinylearn:ns:": "tl", "https://www.w3.org/2019/wot/td#": "td", "http://www.w3.org/ns/sosa/": "sosa",
  "http://www.w3.org/ns/ssn/systems/": "ssn-system", "http://www.w3.org/ns/ssn/": "ssn", "http://w3id.org/s3n/": "s3n",
  "https://w3id.org/tinyml-schema/neural-network-schema#": "nnet",
  "https://w3id.org/tinyml-schema/neural-network-schema/s3n_extend/": "s3n_extend",
  "https://w3id.org/tinyml-schema/neural-network-schema/sosa_extend/": "sosa_extend",
  "https://w3id.org/tinyml-schema/neural-network-schema/ssn_extend/": "ssn_extend",
  "http://qudt.org/schema/qudt/": "qudt", "http://qudt.org/vocab/unit/": "unit", "https://schema.org/": "schema",
  "http://www.w3.org/ns/prov#": "prov", "http://purl.org/dc/terms/": "dcterms", "http://www.w3.org/ns/dcat#": "dcat",
  "http://www.w3.org/ns/mls#": "mls", "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
  "http://www.w3.org/2000/01/rdf-schema#": "rdfs", "http://www.w3.org/2001/XMLSchema#": "xsd",
};
// the longest first, as some begin like others
const BASES = Object.keys(PREFIXES).sort((a, b) => b.length - a.length);

/** nnet:Conv2D, or the whole IRI. */
export function short(iri) {
  const base = BASES.find((one) => iri.startsWith(one));
  return base ? `${PREFIXES[base]}:${iri.slice(base.length)}` : iri;
}

/** Leads to the page's own view of it, whatever kind of IRI it is. */
export const link = (iri, text = short(iri)) => h("a", { href: to("about", { iri }), title: iri }, text);

/** The IRI itself, to be followed where it is an address of the web, and only then. */
export function address(iri) {
  if (!/^https?:\/\//i.test(iri)) return h("span", { class: "mono" }, iri);
  return h("a", { class: "mono", href: iri, rel: "noopener noreferrer", target: "_blank" }, iri);
}
