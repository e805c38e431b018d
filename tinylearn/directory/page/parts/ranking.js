// The ranking of one device's models, or one model's devices.

import { fill, h, say } from "../dom.js";
import { joules, percent, seconds } from "../format.js";
import { get } from "../http.js";
import { generate } from "../project.js";
import { to } from "../router.js";
import { room } from "./bits.js";
import { MODES, choice } from "./choice.js";
import { failure, nothing } from "./notice.js";
import { pager } from "./pager.js";
import { table } from "./table.js";

const LIMIT = 25;
const ORDERS = [["accuracy", "Accuracy"], ["ram", "RAM left"], ["energy", "Energy"]];

/** `of`: "device" or "model"; `one`: which, with iri and title. */
export async function ranking(of, one, signal) {
  const other = of === "device" ? "model" : "device";
  const state = { [of]: one.iri, mode: "inference", by: "accuracy", offset: 0, limit: LIMIT };
  const body = h("div"), pages = h("nav", { class: "pager", "aria-label": `Pages of ${other}s` });
  const total = h("span", { class: "chip good", role: "status" });
  let asked = 0;

  async function load(changes = {}) {
    const mine = (asked += 1);
    Object.assign(state, { offset: 0 }, changes);
    try {
      const found = await get("match", state, signal);
      if (mine !== asked) return;
      total.textContent = `${found.fitting} of ${found.total} fit`;
      fill(body, found.items.length ? table(`${other}s`, columns(other), found.items) : nothing(`No ${other}s yet.`));
      pager(pages, found, `${other}s`, async (offset) => { await load({ offset }); say(`${other}s from number ${offset + 1}`); });
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, () => load(changes)));
    }
  }

  const heading = of === "device" ? "Models that run on it" : "Devices that run it";
  await load();
  return h("section", { class: "card flush", "aria-label": heading },
    h("div", { class: "card-head" },
      h("div", { class: "row" }, h("h2", {}, heading), total),
      h("div", { class: "toolbar" }, choice("For", MODES, state.mode, (mode) => load({ mode })), choice("Best by", ORDERS, state.by, (by) => load({ by })))),
    body, pages);
}

const columns = (other) => [
  { label: "Fits", cell: (pair) => h("span", { class: pair.fits ? "yes" : "no" }, pair.fits ? "✓ yes" : "✗ no") },
  { label: other === "model" ? "Model" : "Device", wide: true, cell: (pair) => [h("a", { class: "title", href: to(other, { iri: pair[other] }) }, pair[`${other}Title`]), why(pair)] },
  { label: "Accuracy", number: true, cell: (pair) => percent(pair.accuracy) },
  { label: "RAM", cell: (pair) => room(pair.need?.ramBytes ?? null, pair.ramLeft) },
  { label: "Flash", cell: (pair) => room(pair.need?.flashBytes ?? null, pair.flashLeft) },
  { label: "A step", number: true, cell: (pair) => [seconds(pair.seconds), pair.joules !== null && h("span", { class: "sub" }, joules(pair.joules))] },
  { label: "", cell: (pair) => (pair.fits ? h("button", { type: "button", class: "second small", "aria-label": `Generate project: ${pair.modelTitle} for ${pair.deviceTitle}`, onclick: () => generate(pair) }, "Generate…") : "") },
];

const why = (pair) => [
  pair.reasons.map((text) => h("span", { class: "sub" }, text)),
  pair.warnings.map((text) => h("span", { class: "sub" }, h("span", { class: "chip warn" }, text))),
];
