// RFC 4180, as SPARQL 1.1 Query Results CSV has it: values alone.

export function csv({ columns, rows }) {
  const lines = [columns, ...rows.map((row) => columns.map((name) => text(row[name])))];
  return lines.map((cells) => cells.map(quoted).join(",")).join("\r\n") + "\r\n";
}

const text = (term) => (!term ? "" : term.type === "bnode" ? `_:${term.value}` : term.value);
const quoted = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
