// N-Triples (https://www.w3.org/TR/n-triples/) as rows of SPARQL JSON's terms.

const TERM = /<([^>]*)>|_:(\S+)|"((?:[^"\\]|\\.)*)"(?:@([A-Za-z0-9-]+)|\^\^<([^>]*)>)?/y;
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/gs;
const PLAIN = { t: "\t", b: "\b", n: "\n", r: "\r", f: "\f" };

/** One row a line; lines that are no triple are left out. */
export function triples(text) {
  return text.split("\n").map(row).filter(Boolean);
}

function row(line) {
  const terms = [];
  TERM.lastIndex = 0;
  while (terms.length < 3) {
    const match = TERM.exec(line);
    if (!match) return null;
    terms.push(term(match));
    TERM.lastIndex = match.index + match[0].length + 1;
  }
  const [subject, property, value] = terms;
  return { subject, property, value };
}

function term([, iri, blank, text, language, datatype]) {
  if (iri !== undefined) return { type: "uri", value: plain(iri) };
  if (blank !== undefined) return { type: "bnode", value: blank };
  return { type: "literal", value: plain(text), ...(language && { "xml:lang": language }), ...(datatype && { datatype: plain(datatype) }) };
}

const plain = (text) => text.replace(ESCAPE, (_, four, eight, one) => (one ? PLAIN[one] ?? one : String.fromCodePoint(parseInt(four ?? eight, 16))));
