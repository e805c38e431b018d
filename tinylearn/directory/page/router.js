// Which view is shown: the part of the address behind #, such as #/devices?q=nano.

/** The view's name and its parameters. */
export function place() {
  const [path, text = ""] = decodeHash().split("?", 2);
  return { name: path.replace(/^\/+|\/+$/g, ""), parameters: Object.fromEntries(new URLSearchParams(text)) };
}

/** The address of a view; parameters that are empty are left out. */
export function to(name, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false && value !== 0);
  return `#/${name}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

/** Says in the address what is shown now, without showing it anew. */
export function remember(name, parameters) {
  history.replaceState(null, "", to(name, parameters));
}

function decodeHash() {
  return location.hash.replace(/^#/, "");
}
