// The match matrix: devices down, models across, a mark for each pair and words for each mark.

import { fill, h, later, say } from "../dom.js";
import { count } from "../format.js";
import { get } from "../http.js";
import { head } from "../parts/bits.js";
import { MODES, choice } from "../parts/choice.js";
import { grid, LETTERS } from "../parts/grid.js";
import { failure, nothing } from "../parts/notice.js";
import { pager } from "../parts/pager.js";
import { Why } from "../parts/why.js";
import { remember } from "../router.js";

const NAMES = { sensor: "a sensor is missing", RAM: "RAM", flash: "flash", operator: "operator", FPU: "no FPU", need: "need not known" };

export async function matrix(parameters, signal) {
  const state = { mode: "inference", softFloat: "", deviceWords: "", modelWords: "", deviceOffset: 0, modelOffset: 0, ...parameters };
  const why = new Why(signal);
  const body = h("div"), summary = h("p", { class: "soft", role: "status" });
  const rows = h("nav", { class: "pager", "aria-label": "Pages of devices" }), columns = h("nav", { class: "pager", "aria-label": "Pages of models" });
  let asked = 0;

  async function load(changes = {}) {
    const mine = (asked += 1);
    Object.assign(state, changes);
    remember("match", { ...state, mode: state.mode === "inference" ? "" : state.mode });
    why.hide();
    try {
      const found = await get("match", state, signal);
      if (mine !== asked) return;
      show(found);
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, load));
    }
  }

  function show(found) {
    const { devices, models } = found;
    const fits = devices.items.reduce((sum, device) => sum + device.cells.filter((cell) => cell.fits).length, 0);
    summary.textContent = `${count(devices.total)} devices × ${count(models.total)} models; shown: ${count(fits)} of ${count(devices.items.length * models.items.length)} fit`;
    fill(body, devices.items.length && models.items.length ? grid({ ...found, softFloat: state.softFloat }, why) : nothing(`Nothing to compare: no ${devices.items.length ? "model" : "device"} ${state.deviceWords || state.modelWords ? "of that name" : "yet"}.`));
    pager(rows, devices, "devices", (deviceOffset) => turn({ deviceOffset }));
    pager(columns, models, "models", (modelOffset) => turn({ modelOffset }));
  }

  async function turn(changes) {
    await load(changes);
    say(summary.textContent);
  }

  await load();
  return {
    title: "Match",
    content: [
      head("What fits what", "RAM and flash as planned for inference or learning, sensors, operators and FPU. Point at a mark, or press it, to see why."),
      toolbar(state, load), legend(),
      h("section", { class: "card flush", "aria-label": "Match matrix" }, h("div", { class: "card-head" }, summary), body, columns, rows),
      why.element,
    ],
  };
}

function toolbar(state, load) {
  const words = (label, name, offset) => h("label", { class: "grow" }, label, h("input", {
    type: "search", value: state[name], placeholder: "Title or IRI", autocomplete: "off",
    oninput: later((event) => load({ [name]: event.target.value, [offset]: 0 })),
  }));
  return h("form", { class: "toolbar", onsubmit: (event) => event.preventDefault() },
    choice("For", MODES, state.mode, (mode) => load({ mode })),
    words("Devices", "deviceWords", "deviceOffset"), words("Models", "modelWords", "modelOffset"),
    h("label", { class: "check" }, h("input", { type: "checkbox", checked: state.softFloat === "true", onchange: (event) => load({ softFloat: event.target.checked ? "true" : "" }) }), "float without FPU is fine"));
}

const legend = () => h("p", { class: "legend" },
  h("span", { class: "fits" }, h("b", {}, "✓"), "fits"),
  h("span", { class: "warned" }, h("b", {}, "✓"), "fits, with a warning"),
  Object.entries(LETTERS).map(([kind, letter]) => h("span", { class: "not" }, h("b", {}, letter), NAMES[kind])),
  h("span", {}, "several letters: several reasons"));
