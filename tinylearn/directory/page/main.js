// Shows the view that the address names.

import { fill, h, say } from "./dom.js";
import { Failure } from "./http.js";
import { place } from "./router.js";
import { setUpForgetting } from "./token.js";
import { failure } from "./parts/notice.js";
import { about } from "./views/about.js";
import { device } from "./views/device.js";
import { devices } from "./views/devices.js";
import { home } from "./views/home.js";
import { matrix } from "./views/matrix.js";
import { model } from "./views/model.js";
import { models } from "./views/models.js";
import { query } from "./views/query.js";
import { things } from "./views/things.js";

// each returns { title, content }, and may ask the service; the signal ends when another view is wanted
const VIEWS = { "": home, about, device, devices, match: matrix, model, models, query, things };
// what stands in the menu for views that do not
const MENU = { device: "devices", model: "models", about: "things" };

const main = document.getElementById("main");
let leaving = new AbortController();
let isFirst = true;

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const signal = leaving.signal;
  const { name, parameters } = place();
  mark(MENU[name] ?? name);
  main.classList.add("busy");
  main.setAttribute("aria-busy", "true");
  try {
    const view = VIEWS[name];
    if (!view) throw new Failure(404, "There is no such page here.");
    const { title, content } = await view(parameters, signal);
    if (!signal.aborted) put(title, content);
  } catch (error) {
    if (!signal.aborted) put("Something went wrong", [h("h1", { tabindex: "-1" }, "That did not work"), failure(error, show)]);
  }
}

function put(title, content) {
  document.title = title ? `${title} · tinylearn registry` : "tinylearn registry";
  fill(main, content);
  main.classList.remove("busy");
  main.removeAttribute("aria-busy");
  say(title);
  if (!isFirst) {
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
  isFirst = false;
}

function mark(name) {
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
setUpForgetting(document.getElementById("forget"));
addEventListener("hashchange", () => {
  for (const box of document.querySelectorAll("dialog[open]")) box.close();  // they ask about the view that is left
  show();
});
show();
