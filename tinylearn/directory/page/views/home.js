// What there is, and where to begin.

import { h } from "../dom.js";
import { count } from "../format.js";
import { get } from "../http.js";
import { card, tile } from "../parts/bits.js";

export async function home(_parameters, signal) {
  const found = await get("overview", {}, signal);
  return {
    title: "",
    content: [
      h("section", { class: "hero" },
        h("h1", { tabindex: "-1" }, "Which model runs on which device?"),
        h("p", {}, "Devices and models, what fits what and why not, asked in SPARQL if you like, and one step from code that builds."),
        h("div", { class: "row" },
          h("a", { class: "button", href: "#/match" }, "See what fits"),
          h("a", { class: "button second", href: "#/query" }, "Ask a question"))),
      h("div", { class: "tiles" },
        tile(count(found.devices), "devices with known hardware", "#/devices"),
        tile(count(found.models), "models", "#/models"),
        tile(count(found.fleets), "devices of fleets", "#/devices"),
        tile(count(found.things), "Thing Descriptions", "#/things")),
      h("div", { class: "columns" },
        step("1", "Register", "Devices and models come by tinylearn registry import, by PUT to /things, or with a fleet that announces itself."),
        step("2", "Match", "RAM and flash of inference or learning as planned, sensors, operators, FPU: each no has its reasons."),
        step("3", "Generate", "A match becomes a project for Make, CMake, Arduino, PlatformIO, Zephyr or ESP-IDF, with a stub for each sensor.")),
      h("p", { class: "soft" }, `tinylearn ${found.version}. The same registry answers programs: `,
        h("a", { href: "/.well-known/wot" }, "WoT directory"), ", SPARQL 1.1 at /search/sparql."),
    ],
  };
}

const step = (number, title, text) => card(null, h("h2", {}, h("span", { class: "chip good" }, number), " ", title), h("p", { class: "soft" }, text));
