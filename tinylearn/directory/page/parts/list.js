// A searchable list that is too long to be had at once: asks for a page of it, shows it, turns pages.

import { fill, h, later, say } from "../dom.js";
import { count } from "../format.js";
import { get } from "../http.js";
import { remember } from "../router.js";
import { failure, nothing } from "./notice.js";
import { pager } from "./pager.js";

/**
 * `view`: the view's name, and the API's; `noun`: of many; `show(items)`: an element; `parameters`: from
 * the address; `others`: more fields of the toolbar, as `(parameters, change) => elements`.
 * Resolves when the first page is there.
 */
export async function list({ view, noun, show, parameters, signal, others = () => [] }) {
  const state = { offset: 0, ...parameters };
  const body = h("div"), pages = h("nav", { class: "pager", "aria-label": `Pages of ${noun}` });
  const total = h("p", { class: "soft", role: "status" });
  let asked = 0;

  async function load() {
    const mine = (asked += 1);
    remember(view, state);
    try {
      const found = await get(view, state, signal);
      if (mine !== asked) return;
      total.textContent = `${count(found.total)} ${noun}`;
      fill(body, found.items.length ? show(found.items) : nothing(state.q ? `No ${noun} with “${state.q}” in title or IRI.` : `No ${noun} yet.`));
      pager(pages, found, noun, turn);
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, load));
    }
  }

  async function turn(offset) {
    state.offset = offset;
    await load();
    scrollTo(0, 0);
    say(`${noun} from number ${offset + 1}`);
  }

  function change(values) {
    Object.assign(state, values, { offset: 0 });
    return load();
  }

  const search = h("input", {
    type: "search", value: state.q ?? "", placeholder: "Title or IRI", autocomplete: "off",
    oninput: later((event) => change({ q: event.target.value })),
  });
  const tools = h("form", { class: "toolbar", role: "search", onsubmit: (event) => { event.preventDefault(); change({ q: search.value }); } },
    h("label", { class: "grow" }, `Search ${noun}`, search), others(state, change), total);
  await load();
  return [tools, h("section", { class: "card flush", "aria-label": noun }, body, pages)];
}
