// One device or thing, with all that is known of it.

import { fill, h } from "../dom.js";
import { bytes, hertz, moment, truth, watts } from "../format.js";
import { fetched, get } from "../http.js";
import { address } from "../iri.js";
import { card, chips, facts, head, tile } from "../parts/bits.js";
import { fleetFacts } from "../parts/fleet.js";
import { failure, notice } from "../parts/notice.js";
import { ranking } from "../parts/ranking.js";

export async function device({ iri = "" }, signal) {
  const one = await get("device", { iri }, signal);
  const isDevice = one.kinds.includes("device");
  return {
    title: one.title,
    content: [
      head(one.title, one.description, chips(one.kinds)),
      one.defects.length ? notice("warn", h("h3", {}, "Its hardware is not described well"), h("ul", {}, one.defects.map((text) => h("li", {}, text)))) : null,
      one.hardware && tiles(one.hardware),
      h("div", { class: "columns" },
        card("Facts", facts([["IRI", address(one.iri)], ...hardwareFacts(one.hardware), ["Registered", one.created && moment(one.created)], ["Changed", one.modified && moment(one.modified)]])),
        one.fleet.length ? card("In the fleet", one.fleet.map(fleetFacts)) : null,
        affordances(one.affordances)),
      isDevice && await ranking("device", one, signal),
      everything(one),
    ],
  };
}

const tiles = (hardware) => h("div", { class: "tiles" },
  tile(bytes(hardware.ramBytes), "RAM"), tile(bytes(hardware.flashBytes), "flash"),
  tile(hardware.core ?? "—", "core"), tile(hertz(hardware.clockHz), "clock"));

const hardwareFacts = (hardware) => (hardware ? [
  ["Sensors", chips(hardware.sensors.map(({ name }) => name), "good")],
  ["Radios", hardware.radios.length ? chips(hardware.radios.map(({ name }) => name)) : null],
  ["FPU", truth(hardware.fpu)],
  ["DSP", truth(hardware.dsp)],
  ["Power", hardware.powerWatts === null ? null : watts(hardware.powerWatts)],
  ["Target", hardware.target === null ? "none that tinylearn generates for" : h("code", {}, hardware.target)],
] : []);

function affordances(named) {
  const found = Object.entries(named).filter(([, names]) => names.length);
  return found.length ? card("What it offers", facts(found.map(([kind, names]) => [kind, chips(names)]))) : null;
}

function everything(one) {
  const text = h("pre", { tabindex: "0", "aria-label": "Thing Description" }, "…");
  const load = async (event) => {
    if (!event.target.open || text.textContent !== "…") return;
    try {
      const answer = await fetched(one.document);
      text.textContent = JSON.stringify(await answer.json(), null, 2);
    } catch (error) {
      fill(text.parentElement, failure(error));
    }
  };
  return h("section", { class: "card" },
    h("details", {}, h("summary", {}, "All that is said of it directly"), facts(one.facts)),
    one.document && h("details", { ontoggle: load }, h("summary", {}, "Thing Description"), h("div", {}, text)));
}
