// The marks of the matrix as a grid that arrow keys walk through.

import { h } from "../dom.js";
import { to } from "../router.js";

/** What stands for each kind of reason. */
export const LETTERS = { sensor: "S", RAM: "R", flash: "F", operator: "O", FPU: "P", need: "N" };

const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

/** `why`: is told which cell is looked at, and which was pressed. */
export function grid(found, why) {
  const models = found.models.items;
  const marks = found.devices.items.map((device) => device.cells.map((cell, at) => mark(
    { device: device.iri, deviceTitle: device.title, model: models[at].iri, modelTitle: models[at].title, mode: found.mode, softFloat: found.softFloat, ...cell }, why)));
  if (marks.length && marks[0].length) marks[0][0].tabIndex = 0;
  const heading = (model) => h("th", { scope: "col" }, h("a", { href: to("model", { iri: model.iri }), title: `${model.title}, ${model.iri}` }, model.title));
  const row = (device, at) => h("tr", {},
    h("th", { scope: "row" }, h("div", {}, h("a", { href: to("device", { iri: device.iri }), title: device.title }, device.title),
      h("span", { class: "chip", title: `${device.fitting} of all ${found.allModels} models fit` }, `${device.fitting}/${found.allModels}`))),
    marks[at].map((button) => h("td", {}, button)));
  return h("div", { class: "matrix-frame", onkeydown: (event) => walk(event, marks) },
    h("table", { class: "matrix" },
      h("caption", { class: "unseen" }, "Which model fits which device. Arrow keys walk through the marks, Enter shows the reasons."),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Device"), models.map(heading))),
      h("tbody", {}, found.devices.items.map(row))));
}

function mark(pair, why) {
  const kinds = [...new Set(pair.kinds ?? [])];
  const text = pair.fits ? "✓" : kinds.slice(0, 2).map((kind) => LETTERS[kind] ?? "✗").join("");
  const names = [pair.fits ? "fits" : "not", kinds.length > 1 && "far", pair.fits && pair.warnings && "warned"].filter(Boolean);
  const said = pair.fits ? "fits" : `does not fit: ${pair.reasons.join("; ")}`;
  const button = h("button", {
    type: "button", tabindex: "-1", class: names.join(" "), "aria-pressed": "false",
    "aria-label": `${pair.modelTitle} on ${pair.deviceTitle}: ${said}`,
    onpointerenter: () => why.pass(button, pair), onpointerleave: () => why.leave(),
    onfocus: () => why.pass(button, pair), onblur: () => why.leave(),
    onclick: () => why.pin(button, pair),
  }, text);
  return button;
}

/** One mark is in the tab order; the arrows move that place. */
function walk(event, marks) {
  const [down, right] = STEPS[event.key] ?? [0, 0];
  const ends = { Home: 0, End: Infinity };
  if (!down && !right && !(event.key in ends)) return;
  const y = marks.findIndex((row) => row.includes(event.target));
  if (y < 0) return;
  event.preventDefault();
  const x = marks[y].indexOf(event.target);
  const row = marks[Math.min(Math.max(y + down, 0), marks.length - 1)];
  const to = event.key in ends ? ends[event.key] : x + right;
  const next = row[Math.min(Math.max(to, 0), row.length - 1)];
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
