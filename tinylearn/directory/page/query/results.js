// Answers as tables, a thousand rows at a time; IRIs lead to the page's own views.

import { fill, h } from "../dom.js";
import { link } from "../iri.js";
import { notice, nothing } from "../parts/notice.js";
import { pager } from "../parts/pager.js";
import { save } from "../project.js";
import { csv } from "./csv.js";

const LIMIT = 200;
const XSD = "http://www.w3.org/2001/XMLSchema#";
const NUMBERS = new Set(["integer", "decimal", "double", "float", "long", "int", "nonNegativeInteger"].map((name) => XSD + name));

export function results(found) {
  const body = h("div"), pages = h("nav", { class: "pager", "aria-label": "Pages of rows" });
  const show = (offset) => {
    fill(body, table(found.columns, found.rows.slice(offset, offset + LIMIT)));
    pager(pages, { total: found.rows.length, offset, limit: LIMIT }, "rows", show);
  };
  if (found.rows.length) show(0);
  else fill(body, found.truth === undefined ? nothing("Nothing matches.") : h("p", { class: "empty" }, h("b", { class: found.truth ? "yes" : "no" }, found.summary)));
  return [
    h("div", { class: "card-head" }, h("div", { role: "status" }, h("h2", {}, found.summary)),
      found.rows.length ? h("button", { type: "button", class: "second small", onclick: () => save(new Blob([csv(found)], { type: "text/csv" }), "answer.csv") }, "Save as CSV") : null),
    found.notes.length ? notice("warn", h("h3", {}, "Your query was mended"), h("ul", {}, found.notes.map((text) => h("li", {}, text)))) : null,
    body, pages,
  ];
}

const isNumber = (term) => NUMBERS.has(term?.datatype);

const table = (columns, rows) => h("div", { class: "scroll" }, h("table", {},
  h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: isNumber(rows[0][name]) ? "number" : null }, name)))),
  h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((name) => cell(row[name])))))));

function cell(term) {
  if (!term) return h("td", { class: "soft" }, "");
  if (term.type === "uri") return h("td", { class: "term" }, link(term.value));
  if (term.type !== "literal") return h("td", { class: "soft mono term" }, `_:${term.value}`);
  return h("td", { class: isNumber(term) ? "number" : "term" }, term.value, term["xml:lang"] && h("small", {}, ` @${term["xml:lang"]}`));
}
