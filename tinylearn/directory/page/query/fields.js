// Parameters of a query by name as fields of a form. What is typed goes into `values`.

import { fill, h, later } from "../dom.js";
import { get } from "../http.js";

// parameters of these names are IRIs of what is registered: titles are offered while somebody types
const OFFERED = { device: "devices", model: "models", of: "models" };

export function fields({ parameters, help }, values, signal) {
  return [help && h("p", {}, help), parameters.map((one) => field(one, values, signal))];
}

function field(parameter, values, signal) {
  const { name, kind, help, default: standard } = parameter;
  values[name] ??= standard ?? "";
  const keep = (event) => { values[name] = event.target.value; };
  const needed = standard === null;
  const input = kind.includes("|") || kind === "boolean" ? select(kind, values[name], keep) : typed(name, kind, values, keep, needed, signal);
  return h("label", {}, `${name}${needed ? "" : " (optional)"}: ${help}`, input);
}

function select(kind, value, keep) {
  const options = kind === "boolean" ? ["true", "false"] : kind.split("|");
  const found = h("select", { onchange: keep }, options.map((one) => h("option", { value: one }, one)));
  found.value = value;
  return found;
}

function typed(name, kind, values, keep, needed, signal) {
  const type = kind === "integer" || kind === "number" ? "number" : "text";
  const input = h("input", { type, value: values[name], step: kind === "number" ? "any" : null, required: needed, autocomplete: "off", placeholder: kind === "iri" ? "IRI, or type a title" : kind, oninput: keep });
  const wanted = kind === "iri" ? (name === "sensor" ? "sensors" : OFFERED[name]) : null;
  if (!wanted) return input;
  const list = h("datalist", { id: `offered-${name}` });
  input.setAttribute("list", list.id);
  const offer = async () => {
    const found = await get(wanted, wanted === "sensors" ? {} : { q: input.value, limit: 20 }, signal).catch(() => ({}));
    fill(list, (found.items ?? found.sensors ?? []).map((one) => h("option", { value: one.iri }, one.title ?? one.name)));
  };
  input.addEventListener("focus", offer, { once: true });
  input.addEventListener("input", later(offer));
  return [input, list];
}
