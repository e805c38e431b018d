// One model: what it needs, its layers, where it comes from, where it runs.

import { h } from "../dom.js";
import { bytes, count, figure, many, percent } from "../format.js";
import { get } from "../http.js";
import { address, link } from "../iri.js";
import { bar, card, chips, facts, head, tile } from "../parts/bits.js";
import { ranking } from "../parts/ranking.js";
import { table } from "../parts/table.js";

export async function model({ iri = "" }, signal) {
  const one = await get("model", { iri }, signal);
  return {
    title: one.title,
    content: [
      head(one.title, one.description, chips([one.task, one.arithmetic].filter(Boolean))),
      h("div", { class: "tiles" },
        tile(percent(one.accuracy), "accuracy"), tile(many(one.inference?.macs), "MACs an inference"),
        tile(bytes(one.inference?.ramBytes), "RAM, inference"), tile(bytes(one.inference?.flashBytes), "flash, inference"),
        tile(bytes(one.learning?.ramBytes), "RAM, learning"), tile(count(one.layers.length), "layers")),
      h("div", { class: "columns" }, card("Facts", aboutIt(one)), card("What it takes", needs(one), targets(one.needsOfTargets)), lineage(one)),
      await ranking("model", one, signal),
      one.layers.length ? layers(one.layers) : null,
    ],
  };
}

const aboutIt = (one) => facts([
  ["IRI", address(one.iri)],
  ["Reads", one.sensors.length ? chips(one.sensors.map(({ name }) => name), "good") : "no sensor in particular"],
  ["Input", one.inputs.length ? one.inputs.map((text) => h("div", { class: "mono" }, text)) : null],
  ["Output", one.outputs.length ? one.outputs.map((text) => h("div", { class: "mono" }, text)) : null],
  ["Learns", one.learns],
  ["Weights", one.weightBytes === null ? null : bytes(one.weightBytes)],
  ["Not supported", one.unsupported.length ? chips(one.unsupported, "bad") : null],
  ...one.metrics.map((metric) => [metric.name, [figure(metric.value), metric.measuredOn && ` on ${metric.measuredOn}`, metric.samples && ` (${count(metric.samples)} samples)`]]),
  ["File", one.file],
  ["SHA-256", one.sha256 && h("span", { class: "mono" }, `${one.sha256.slice(0, 16)}…`)],
]);

function needs(one) {
  const row = (name, mode) => ({ name, need: one[mode], why: one.obstacles[mode] });
  const cell = (key, show) => ({ need, why }) => (need ? show(need[key]) : key === "ramBytes" ? why ?? "not known" : "");
  return table("What it takes in all", [
    { label: "", cell: ({ name }) => name },
    { label: "RAM", number: true, cell: cell("ramBytes", bytes) },
    { label: "Flash", number: true, cell: cell("flashBytes", bytes) },
    { label: "MACs", number: true, cell: cell("macs", many) },
  ], [row("inference", "inference"), row("learning", "learning")]);
}

const targets = (found) => (found.length ? h("details", {}, h("summary", {}, `By target (${found.length})`), table("What it takes on targets", [
  { label: "Target", cell: (one) => one.target },
  { label: "Mode", cell: (one) => one.mode },
  { label: "RAM", number: true, cell: (one) => bytes(one.ramBytes) },
  { label: "Flash", number: true, cell: (one) => bytes(one.flashBytes) },
  { label: "", cell: (one) => (one.measured ? h("span", { class: "chip good" }, "measured") : h("span", { class: "chip" }, "planned")) },
], found)) : null);

function layers(found) {
  const most = (key) => Math.max(...found.map((layer) => layer[key] ?? 0), 1);
  const macs = most("macs"), weights = most("weightBytes");
  const barred = (value, show, largest) => (value ? [show(value), bar(value / largest)] : "");
  return h("section", { class: "card flush" }, h("div", { class: "card-head" }, h("h2", {}, "Layers")), table("Layers", [
    { label: "Layer", wide: true, cell: (layer) => [h("span", { class: "title" }, layer.name ?? layer.type ?? "layer"), layer.learns && [" ", h("span", { class: "chip good" }, "learns")]] },
    { label: "Type", cell: (layer) => [layer.type ?? "—", layer.activation && h("span", { class: "sub" }, layer.activation)] },
    { label: "Shape", cell: (layer) => h("span", { class: "mono" }, `${layer.shapeIn ?? "?"} → ${layer.shapeOut ?? "?"}`) },
    { label: "As", cell: (layer) => layer.quantization ?? "—" },
    { label: "MACs", number: true, cell: (layer) => barred(layer.macs, many, macs) },
    { label: "Weights", number: true, cell: (layer) => barred(layer.weightBytes, bytes, weights) },
  ], found));
}

function lineage({ lineage: { from, versions } }) {
  if (!from.length && !versions.length) return null;
  const step = (one) => h("li", {}, "made from ", one.from ? link(one.from, one.label ?? undefined) : "something", one.activity && [" by ", link(one.activity, one.activity.split("#").pop())]);
  const version = (one) => h("li", {}, link(one.version, one.label ?? `version ${one.number}`), one.round && `, round ${one.round}`, one.reports && ` of ${one.reports} updates`);
  const shown = versions.slice(0, 8);
  return card("Where it comes from", h("ol", { class: "steps" }, shown.map(version), versions.length > shown.length ? h("li", {}, `… ${versions.length - shown.length} more versions of fleets`) : null, from.map(step)));
}
