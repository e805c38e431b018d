// Any IRI: leads to the view of what it is, if it is registered.

import { h } from "../dom.js";
import { get } from "../http.js";
import { address, short } from "../iri.js";
import { card, head } from "../parts/bits.js";
import { to } from "../router.js";
import { device } from "./device.js";
import { model } from "./model.js";

export async function about({ iri = "" }, signal) {
  try {
    const found = await get("device", { iri }, signal);
    return await (found.kinds.includes("model") ? model : device)({ iri }, signal);
  } catch (error) {
    if (error.status !== 404 && error.status !== 400) throw error;
  }
  const asked = (query) => to("query", { text: query });
  return {
    title: short(iri),
    content: [
      head(short(iri), "No device, model or thing of its own, but something that others speak of."),
      card(null, address(iri), askable(iri) && h("div", { class: "row" },
        h("a", { class: "button second", href: asked(`SELECT ?property ?value\nWHERE { <${iri}> ?property ?value }\nORDER BY ?property`) }, "What is said of it"),
        h("a", { class: "button second", href: asked(`SELECT ?subject ?property\nWHERE { ?subject ?property <${iri}> }\nLIMIT 100`) }, "Who speaks of it"))),
    ],
  };
}

/** What may stand between < and > in SPARQL. */
const askable = (iri) => /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`\u0000-\u0020]*$/.test(iri);
