// All models.

import { h } from "../dom.js";
import { bytes, many, percent } from "../format.js";
import { chips, head } from "../parts/bits.js";
import { list } from "../parts/list.js";
import { table } from "../parts/table.js";
import { to } from "../router.js";

const need = (mode, key, show) => (one) => (one[mode] ? show(one[mode][key]) : h("span", { class: "soft", title: one.obstacles[mode] ?? "not known" }, "—"));

const COLUMNS = [
  { label: "Model", wide: true, cell: (one) => [h("a", { class: "title", href: to("model", { iri: one.iri }) }, one.title), h("span", { class: "sub" }, [one.task, one.arithmetic].filter(Boolean).join(", ") || "—"), h("span", { class: "sub iri", title: one.iri }, one.iri)] },
  { label: "Accuracy", number: true, cell: (one) => percent(one.accuracy) },
  { label: "MACs", number: true, cell: need("inference", "macs", many) },
  { label: "RAM", number: true, cell: need("inference", "ramBytes", bytes) },
  { label: "Flash", number: true, cell: need("inference", "flashBytes", bytes) },
  { label: "RAM, learning", number: true, cell: need("learning", "ramBytes", bytes) },
  { label: "Sensors", cell: (one) => chips(one.sensors.map(({ name }) => name)) },
];

export async function models(parameters, signal) {
  const content = await list({ view: "models", noun: "models", parameters, signal, show: (items) => table("Models", COLUMNS, items) });
  return { title: "Models", content: [head("Models", "Neural networks: what an inference or a learning step takes, and what they read."), content] };
}
