// A question to the service, and its answer in one form: columns, and rows of terms.

import { fetched } from "../http.js";
import { count } from "../format.js";
import { triples } from "./ntriples.js";

/** `question`: see /api/query. Terms are those of SPARQL 1.1 Query Results JSON. */
export async function ask(question, signal) {
  const answer = await fetched("/api/query", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) }, signal);
  const notes = JSON.parse(answer.headers.get("Tinylearn-Notes") ?? "[]");
  const found = /n-triples/.test(answer.headers.get("Content-Type") ?? "") ? ofTriples(await answer.text()) : ofRows(await answer.json());
  return { notes, ...found };
}

function ofRows(said) {
  if (typeof said.boolean === "boolean") {
    return { columns: [], rows: [], truth: said.boolean, summary: said.boolean ? "Yes." : "No." };
  }
  const rows = said.results.bindings;
  return { columns: said.head.vars ?? [], rows, summary: rows.length === 1 ? "1 row" : `${count(rows.length)} rows` };
}

function ofTriples(text) {
  const rows = triples(text);
  return { columns: ["subject", "property", "value"], rows, summary: rows.length === 1 ? "1 triple" : `${count(rows.length)} triples` };
}
