// What went wrong, kindly.

import { h } from "../dom.js";

const HEADINGS = {
  0: "No answer",
  400: "That was not understood",
  401: "A token is needed",
  404: "Not there",
  413: "That is too long",
  422: "Not possible",
  500: "The service failed",
  501: "Not possible",
  503: "The service is busy",
  504: "That took too long",
};

/** A failed request; `again` is called when somebody wants to try once more. */
export function failure(error, again = null) {
  const heading = HEADINGS[error.status] ?? "Something went wrong";
  return h("div", { class: "notice bad", role: "alert" },
    h("h3", {}, heading),
    h("p", {}, error.message),
    again && h("p", {}, h("button", { type: "button", class: "second small", onclick: () => again() }, "Try again")));
}

/** Something worth knowing. */
export const notice = (kind, ...children) => h("div", { class: `notice ${kind}` }, ...children);

/** Instead of an empty list. */
export const nothing = (...children) => h("div", { class: "empty" }, ...children);
