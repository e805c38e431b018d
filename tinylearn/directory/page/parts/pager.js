// Forwards and backwards through what is too long for one page.

import { fill, h } from "../dom.js";
import { count } from "../format.js";

/** Puts the buttons into `element`; `turn` is called with the offset that is wanted. */
export function pager(element, { total, offset, limit }, noun, turn) {
  if (total <= limit && offset === 0) return fill(element);
  const last = Math.min(offset + limit, total);
  const button = (text, label, to, possible) => h("button", {
    type: "button", class: "quiet small", "aria-label": `${label} ${noun}`, disabled: !possible, onclick: () => turn(to),
  }, text);
  return fill(element,
    h("span", {}, total ? `${count(offset + 1)}–${count(last)} of ${count(total)} ${noun}` : `no ${noun}`),
    button("« First", "First", 0, offset > 0),
    button("‹ Back", "Previous", Math.max(0, offset - limit), offset > 0),
    button("Next ›", "Next", offset + limit, last < total),
    button("Last »", "Last", Math.max(0, Math.floor((total - 1) / limit) * limit), last < total));
}
