// One of a few, as buttons side by side.

import { h } from "../dom.js";

let number = 0;

/** `options`: [value, text] each; `choose` is called with the value. */
export function choice(legend, options, chosen, choose) {
  number += 1;
  const name = `choice-${number}`;
  const option = ([value, text]) => h("label", {},
    h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }), h("span", {}, text));
  return h("fieldset", { class: "choice" }, h("legend", {}, legend), h("div", {}, options.map(option)));
}

export const MODES = [["inference", "Inference"], ["learning", "Learning"]];
