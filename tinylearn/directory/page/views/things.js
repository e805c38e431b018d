// Everything with a Thing Description.

import { h } from "../dom.js";
import { chips, head } from "../parts/bits.js";
import { list } from "../parts/list.js";
import { table } from "../parts/table.js";
import { to } from "../router.js";

const COLUMNS = [
  { label: "Thing", wide: true, cell: (one) => [h("a", { class: "title", href: to("device", { iri: one.iri }) }, one.title), h("span", { class: "sub iri", title: one.iri }, one.iri)] },
  { label: "Is a", cell: (one) => chips(one.kinds) },
  { label: "Defects", cell: (one) => (one.defects.length ? h("ul", {}, one.defects.map((text) => h("li", {}, text))) : "") },
];

export async function things(parameters, signal) {
  const content = await list({ view: "things", noun: "things", parameters, signal, show: (items) => table("Things", COLUMNS, items) });
  return { title: "Things", content: [head("Things", "Whatever has a W3C Thing Description here, hardware or not."), content] };
}
