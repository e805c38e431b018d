// The token of a service that wants one for reading: kept for this tab alone, sent as a Bearer header.

import { h } from "./dom.js";

const KEY = "tinylearn-token";
const SENDABLE = /^[\x21-\x7e]+$/;
let asking = null;

/** Null where none was given. */
export const current = () => sessionStorage.getItem(KEY);

/** Asks for it once, however many requests wait for it; null where nobody wants to give one. */
export function ask(wasWrong) {
  asking ??= dialog(wasWrong).finally(() => { asking = null; });
  return asking;
}

/** Shows the button that forgets, while there is something to forget. */
export function setUpForgetting(button) {
  button.hidden = current() === null;
  button.onclick = () => {
    sessionStorage.removeItem(KEY);
    location.reload();
  };
}

function dialog(wasWrong) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", autocomplete: "off", required: true, id: "token", "aria-describedby": "token-help" });
    const said = h("p", { class: "notice bad", role: "alert", hidden: !wasWrong }, "That token is not known here.");
    const box = h("dialog", { "aria-labelledby": "token-title" },
      h("form", { method: "dialog", onsubmit: (event) => take(event) },
        h("h2", { id: "token-title" }, "This registry asks for a token"),
        h("p", { id: "token-help", class: "soft" }, "It stays in this tab until you close it."),
        said,
        h("label", { for: "token" }, "Token", input),
        h("div", { class: "end" },
          h("button", { type: "button", class: "second", onclick: () => box.close() }, "Cancel"),
          h("button", { type: "submit" }, "Continue"))));
    let given = null;
    const take = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!SENDABLE.test(text)) {
        said.textContent = "A token has letters, digits and signs of ASCII alone.";
        said.hidden = false;
        return;
      }
      given = text;
      sessionStorage.setItem(KEY, text);
      box.close();
    };
    box.addEventListener("close", () => {
      box.remove();
      setUpForgetting(document.getElementById("forget"));
      resolve(given);
    });
    document.body.append(box);
    box.showModal();
  });
}
