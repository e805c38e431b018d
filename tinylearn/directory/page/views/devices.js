// All devices: those with known hardware, and those that a fleet knows.

import { h } from "../dom.js";
import { bytes, hertz } from "../format.js";
import { get } from "../http.js";
import { chips, head } from "../parts/bits.js";
import { fleetLine } from "../parts/fleet.js";
import { list } from "../parts/list.js";
import { table } from "../parts/table.js";
import { to } from "../router.js";

const COLUMNS = [
  { label: "Device", wide: true, cell: (one) => [h("a", { class: "title", href: to("device", { iri: one.iri }) }, one.title), h("span", { class: "sub iri", title: one.iri }, one.iri)] },
  { label: "Core", cell: ({ hardware }) => (hardware ? [hardware.core ?? "—", hardware.clockHz && h("span", { class: "sub" }, hertz(hardware.clockHz))] : "—") },
  { label: "RAM", number: true, cell: ({ hardware }) => bytes(hardware?.ramBytes) },
  { label: "Flash", number: true, cell: ({ hardware }) => bytes(hardware?.flashBytes) },
  { label: "Sensors", cell: ({ hardware }) => chips((hardware?.sensors ?? []).map(({ name }) => name)) },
  { label: "Fleet", cell: ({ fleet }) => fleetLine(fleet) },
];

export async function devices(parameters, signal) {
  const { sensors } = await get("sensors", {}, signal);
  const content = await list({
    view: "devices", noun: "devices", parameters, signal,
    show: (items) => table("Devices", COLUMNS, items),
    others: (state, change) => h("label", {}, "With sensor", sensorField(sensors, state.sensor, (sensor) => change({ sensor }))),
  });
  return { title: "Devices", content: [head("Devices", "Microcontrollers and boards, what they have, and what their fleets say of them."), content] };
}

function sensorField(sensors, chosen, choose) {
  const option = ({ iri, name, devices: number }) => h("option", { value: iri }, `${name} (${number})`);
  const field = h("select", { onchange: () => choose(field.value) }, h("option", { value: "" }, "any"), sensors.map(option));
  field.value = chosen ?? "";
  return field;
}
