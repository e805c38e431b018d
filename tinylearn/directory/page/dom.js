// Elements from data. Text goes in as text nodes, so that whatever a registry holds is shown, never run.

const SVG = "http://www.w3.org/2000/svg";
// where a link may lead: within the page, within the service, or to the web
const SAFE = /^(#|\/(?!\/)|https?:\/\/)/i;

/** An element; attributes named on… are listeners, false and null leave one out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same of an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Replaces all that an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** Tells those who do not see the page. */
export function say(text) {
  document.getElementById("spoken").textContent = text;
}

/** What runs when nothing has come for a while, such as while somebody types. */
export function later(action, milliseconds = 250) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), milliseconds);
  };
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...flat(children));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) {
    if (typeof value !== "function") throw new TypeError(`${name} takes a function`);
    element.addEventListener(name.slice(2), value);
  } else if (name === "value" || name === "checked" || name === "disabled") {
    element[name] = value;
  } else if (name !== "href" || SAFE.test(value)) {
    element.setAttribute(name, value === true ? "" : value);
  }
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
