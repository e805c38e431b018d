// The card that says why a pair fits or not: passing while it is pointed at, staying when it was pressed.

import { fill, h } from "../dom.js";
import { get } from "../http.js";
import { joules, percent, seconds } from "../format.js";
import { generate } from "../project.js";
import { to } from "../router.js";
import { facts, room } from "./bits.js";
import { failure } from "./notice.js";

export class Why {
  #pinned = null;

  /** `signal`: ends when the view does. */
  constructor(signal) {
    this.element = h("aside", { class: "why passing", hidden: true, "aria-live": "polite", "aria-label": "Why" });
    const close = (event) => { if (event.key === "Escape") this.hide(true); };
    addEventListener("keydown", close, { signal });
    addEventListener("scroll", () => { if (!this.#pinned) this.hide(); }, { signal, capture: true, passive: true });
  }

  /** Shown for as long as somebody points there, unless another one is pinned. */
  pass(mark, pair) {
    if (this.#pinned) return;
    fill(this.element, short(pair));
    this.#place(mark);
  }

  leave() {
    if (!this.#pinned) this.element.hidden = true;
  }

  /** Stays, with all that is known of the pair. */
  async pin(mark, pair) {
    this.hide();
    this.#pinned = mark;
    mark.setAttribute("aria-pressed", "true");
    this.element.classList.remove("passing");
    fill(this.element, this.#closing(), short(pair));
    this.#place(mark);
    try {
      const all = await get("match", { device: pair.device, model: pair.model, mode: pair.mode, softFloat: pair.softFloat });
      if (this.#pinned === mark) fill(this.element, this.#closing(), short({ ...pair, ...all }), more({ ...pair, ...all }));
    } catch (error) {
      if (this.#pinned === mark) this.element.append(failure(error));
    }
    if (this.#pinned === mark) this.#place(mark);
  }

  /** `back`: puts the keyboard where it was. */
  hide(back = false) {
    const mark = this.#pinned;
    this.#pinned = null;
    this.element.hidden = true;
    this.element.classList.add("passing");
    mark?.setAttribute("aria-pressed", "false");
    if (back && mark?.isConnected) {
      mark.focus();
      this.element.hidden = true;
    }
  }

  #closing() {
    return h("button", { type: "button", class: "quiet small close", "aria-label": "Close", onclick: () => this.hide(true) }, "✕");
  }

  /** Below the mark or above it, wherever there is room. */
  #place(mark) {
    const card = this.element, at = mark.getBoundingClientRect();
    card.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = card;
    const below = at.bottom + 8 + height < innerHeight;
    card.style.left = `${Math.max(12, Math.min(at.left, document.documentElement.clientWidth - width - 12))}px`;
    card.style.top = `${Math.max(12, below ? at.bottom + 8 : at.top - height - 8)}px`;
  }
}

const short = (pair) => [
  h("h3", {}, pair.modelTitle),
  h("p", { class: "soft" }, `on ${pair.deviceTitle}, for ${pair.mode}`),
  h("p", { class: pair.fits ? "yes" : "no" }, pair.fits ? "✓ fits" : "✗ does not fit"),
  pair.reasons?.length ? h("ul", {}, pair.reasons.map((text) => h("li", {}, text))) : null,
  pair.warnings?.map((text) => h("p", {}, h("span", { class: "chip warn" }, text))),
];

const more = (pair) => [
  facts([
    ["RAM", room(pair.need?.ramBytes ?? null, pair.ramLeft)],
    ["Flash", room(pair.need?.flashBytes ?? null, pair.flashLeft)],
    ["Accuracy", pair.accuracy === null ? null : percent(pair.accuracy)],
    ["A step", pair.seconds === null ? null : [seconds(pair.seconds), pair.joules !== null && `, ${joules(pair.joules)}`]],
  ]),
  h("div", { class: "row" },
    pair.fits && h("button", { type: "button", class: "small", onclick: () => generate(pair) }, "Generate project…"),
    h("a", { class: "button second small", href: to("device", { iri: pair.device }) }, "Device"),
    h("a", { class: "button second small", href: to("model", { iri: pair.model }) }, "Model")),
];
