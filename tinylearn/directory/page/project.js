// "Generate project": asks for format and target, gets the zip, hands it to the browser.

import { fill, h, say } from "./dom.js";
import { fetched, get, query } from "./http.js";
import { MODES, choice } from "./parts/choice.js";
import { failure } from "./parts/notice.js";

/** `pair`: device and model by IRI and title, and the mode. */
export async function generate(pair) {
  const state = { model: pair.model, device: pair.device, mode: pair.mode, softFloat: pair.softFloat, format: "", target: "" };
  const said = h("div"), button = h("button", { type: "submit" }, "Download zip");
  const box = h("dialog", { "aria-labelledby": "project-title" });
  const download = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fill(said, h("p", { class: "soft", role: "status" }, "Generating…"));
    try {
      const answer = await fetched(`/api/project${query(state)}`);
      const name = nameOf(answer);
      save(await answer.blob(), name);
      fill(said, h("p", { class: "notice", role: "status" }, `${name} is on its way. Fill in sensors.c, if there is one, and build.`));
      say(`${name} is downloaded`);
    } catch (error) {
      fill(said, failure(error));
    } finally {
      button.disabled = false;
    }
  };
  fill(box, h("form", { onsubmit: download },
    h("h2", { id: "project-title" }, "Generate project"),
    h("p", {}, h("b", {}, pair.modelTitle), " for ", h("b", {}, pair.deviceTitle)),
    choice("For", MODES, state.mode, (mode) => { state.mode = mode; }),
    await fields(state),
    said,
    h("div", { class: "end" }, h("button", { type: "button", class: "second", onclick: () => box.close() }, "Close"), button)));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

async function fields(state) {
  try {
    const { formats, targets } = await get("choices");
    return [
      select("Format", "what suits the target", formats, (name) => { state.format = name; }),
      select("Target", "as the device says", targets, (name) => { state.target = name; }),
    ];
  } catch (error) {
    return failure(error);
  }
}

function select(label, standard, options, choose) {
  const option = ({ name, title }) => h("option", { value: name }, title ? `${name}: ${title}` : name);
  const field = h("select", { onchange: () => choose(field.value) }, h("option", { value: "" }, standard), options.map(option));
  return h("label", {}, label, field);
}

function nameOf(answer) {
  return /filename="([A-Za-z0-9_.-]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "project.zip";
}

/** Hands content to the browser as a file. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
