// Tables that become lists of cards where the screen is narrow.

import { h } from "../dom.js";

/** `columns`: { label, cell(row), number, wide }, one each; rows are whatever the cells read. */
export function table(caption, columns, rows) {
  const head = columns.map(({ label, number }) => h("th", { scope: "col", class: number ? "number" : null }, label));
  const cell = (row, { label, cell: make, number, wide }) => h("td", {
    class: [number && "number", wide && "wide"].filter(Boolean).join(" ") || null, "data-label": label,
  }, make(row));
  return h("div", { class: "scroll" },
    h("table", { class: "stack" },
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((column) => cell(row, column)))))));
}
