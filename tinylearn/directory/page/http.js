// Requests to the service this page came from.

import * as token from "./token.js";

const SECONDS = 90;

/** What the service, or the way to it, says went wrong. */
export class Failure extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** JSON of an address of the API; parameters that are empty are left out. */
export async function get(name, parameters = {}, signal = undefined) {
  const answer = await send(`/api/${name}${query(parameters)}`, {}, signal);
  return answer.json();
}

/** Any address of the service, as it is. */
export const fetched = (address, options = {}, signal = undefined) => send(address, options, signal);

/** ?a=b&c=d */
export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

async function send(address, options, signal) {
  let answer = await tried(address, options, signal);
  while (answer.status === 401) {
    if ((await token.ask(token.current() !== null)) === null) {
      throw new Failure(401, "This registry shows nothing without a token.");
    }
    answer = await tried(address, options, signal);
  }
  if (!answer.ok) throw new Failure(answer.status, await detail(answer));
  return answer;
}

async function tried(address, options, signal) {
  const known = token.current();
  const headers = { ...options.headers, ...(known ? { Authorization: `Bearer ${known}` } : {}) };
  const patience = AbortSignal.timeout(1000 * SECONDS);
  try {
    return await fetch(address, {
      ...options, headers, credentials: "omit", redirect: "error",
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const why = error.name === "TimeoutError" ? `gave no answer in ${SECONDS} seconds` : "does not answer; is it still running?";
    throw new Failure(0, `The service ${why}`);
  }
}

async function detail(answer) {
  try {
    const said = await answer.json();
    return String(said.detail || said.title || answer.statusText);
  } catch {
    return answer.statusText || `status ${answer.status}`;
  }
}
