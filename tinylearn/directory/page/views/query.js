// Questions in SPARQL: examples with their parameters as fields, or one's own; answers as tables.

import { fill, h, say } from "../dom.js";
import { get } from "../http.js";
import { card, head } from "../parts/bits.js";
import { failure } from "../parts/notice.js";
import { ask } from "../query/ask.js";
import { fields } from "../query/fields.js";
import { results } from "../query/results.js";
import { remember } from "../router.js";

const FIRST = "SELECT ?device ?title ?ram\nWHERE {\n  ?device tl:ramBytes ?ram .\n  OPTIONAL { ?device td:title ?title }\n}\nORDER BY DESC(?ram)\nLIMIT 20";
const OWN = { name: null, help: "", parameters: [], text: `PREFIX tl: <urn:tinylearn:ns:>\nPREFIX td: <https://www.w3.org/2019/wot/td#>\n\n${FIRST}` };

export async function query(parameters, signal) {
  const { queries } = await get("queries", {}, signal);
  const text = h("textarea", { id: "sparql", spellcheck: "false", autocapitalize: "off", autocomplete: "off", rows: "14" });
  const run = h("button", { type: "submit" }, "Run"), stop = h("button", { type: "button", class: "second", hidden: true }, "Stop");
  const answer = h("section", { class: "card flush", "aria-label": "Answer", hidden: true });
  const form = h("div", { class: "stacked" }), examples = h("div", { class: "examples" });
  let chosen = OWN, values = {}, running = null;

  function choose(one, given = {}) {
    [chosen, values] = [one, given];
    text.value = one.text.trim();
    fill(form, fields(one, values, signal));
    for (const button of examples.children) button.setAttribute("aria-pressed", String(button.dataset.name === (one.name ?? "")));
    remember("query", one.name ? { name: one.name } : {});
  }

  async function answered(event) {
    event?.preventDefault();
    running?.abort();
    const mine = (running = new AbortController());
    const changed = text.value.trim() !== chosen.text.trim();
    [run.disabled, stop.hidden, answer.hidden] = [true, false, false];
    fill(answer, h("p", { class: "empty", role: "status" }, "Asking…"));
    try {
      const found = await ask({ name: chosen.name, values: chosen.name ? values : {}, query: changed || !chosen.name ? text.value : undefined }, AbortSignal.any([mine.signal, signal]));
      fill(answer, results(found));
      say(found.summary);
    } catch (error) {
      if (error.name === "AbortError") fill(answer, h("p", { class: "empty" }, "Stopped."));
      else fill(answer, failure(error));
    } finally {
      if (running === mine) [run.disabled, stop.hidden] = [false, true];
    }
  }

  stop.onclick = () => running?.abort();
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) answered(event); });
  const example = (one) => h("button", { type: "button", "data-name": one.name ?? "", "aria-pressed": "false", onclick: () => choose(one) },
    h("b", {}, one.name ?? "your own"), h("small", {}, one.help || "Anything that SPARQL 1.1 can ask"));
  fill(examples, [...queries, OWN].map(example));
  const { text: own, name, ...given } = parameters;
  const named = queries.find((one) => one.name === name);
  choose(own ? { ...OWN, text: own } : named ?? OWN, named ? given : {});
  if (own) answered();

  return {
    title: "Query",
    content: [
      head("Ask in SPARQL", "Whatever is registered, as one graph. Read-only; a query has ten seconds."),
      h("div", { class: "beside" },
        card("Examples", examples),
        h("div", { class: "stacked" }, h("form", { class: "card", onsubmit: answered }, form,
          h("label", { for: "sparql" }, "SPARQL", text),
          h("div", { class: "row" }, run, stop, h("small", {}, "Ctrl + Enter runs it too"))), answer)),
    ],
  };
}
