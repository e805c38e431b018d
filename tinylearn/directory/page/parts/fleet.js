// What a fleet says of a device.

import { h } from "../dom.js";
import { count, figure } from "../format.js";
import { facts } from "./bits.js";

/** In a line. */
export function fleetLine(statuses) {
  if (!statuses.length) return h("span", { class: "soft" }, "—");
  const [one] = statuses;
  return h("span", {}, online(one), h("span", { class: "sub" },
    `${one.fleet ?? "fleet"}, version ${figure(one.modelVersion)}`,
    one.lastRound !== null && `, round ${count(one.lastRound)}`, one.lastLoss !== null && `, loss ${figure(one.lastLoss)}`));
}

/** All of it. */
export const fleetFacts = (one) => facts([
  ["State", online(one)],
  ["Fleet", one.fleet ?? "—"],
  ["Model version", figure(one.modelVersion)],
  ["Run", one.run === null ? null : String(one.run)],
  ["Last round", one.lastRound === null ? null : count(one.lastRound)],
  ["Loss in it", one.lastLoss === null ? null : figure(one.lastLoss)],
  ["Samples in it", one.lastSamples === null ? null : count(one.lastSamples)],
  ["Starts", one.starts === null ? null : count(one.starts)],
]);

function online(one) {
  const text = one.evicted ? "evicted" : one.online ? "online" : "offline";
  return h("span", {}, h("span", { class: one.online && !one.evicted ? "dot on" : "dot", "aria-hidden": "true" }), text);
}
