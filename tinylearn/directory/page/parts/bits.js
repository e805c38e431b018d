// Small things that many views show.

import { h } from "../dom.js";
import { bytes } from "../format.js";

/** A share from 0 to 1 as a bar; more than 1 is too much. */
export function bar(share, label = null) {
  if (!Number.isFinite(share)) return null;
  const inside = h("i");
  inside.style.width = `${Math.max(1, Math.min(100, 100 * share))}%`;
  return h("span", { class: share > 1 ? "bar over" : "bar", role: label && "img", "aria-label": label, title: label }, inside);
}

/** Bytes that are needed of those that are there. */
export function room(needed, left) {
  if (needed === null) return "—";
  if (left === null) return bytes(needed);
  const there = needed + left;
  const label = `${bytes(needed)} of ${bytes(there)}`;
  return [h("span", { class: "room" }, label), bar(there > 0 ? needed / there : 2, null)];
}

/** Words in small boxes; an empty list is a dash. */
export const chips = (names, kind = "") => (names.length
  ? h("span", { class: "chips" }, names.map((name) => h("span", { class: `chip ${kind}`, title: name }, name)))
  : h("span", { class: "soft" }, "—"));

/** A number that matters, with what it is. */
export const tile = (value, label, href = null) => h(href ? "a" : "div", { class: "tile", href }, h("b", {}, value), h("span", {}, label));

/** Terms with what they are. */
export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null)
  .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

/** A part of a view under a heading. */
export const card = (heading, ...children) => h("section", { class: "card" }, heading && h("h2", {}, heading), ...children);

/** The head of a view; what follows the text stands at its right. */
export const head = (title, text, ...right) => h("div", { class: "head" },
  h("div", {}, h("h1", { tabindex: "-1" }, title), text && h("p", { class: "soft" }, text)), right.length ? h("div", { class: "row" }, right) : null);
