// Quantities as people say them. A kB is 1000 bytes, as everywhere in the project.

const BYTES = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]];
const SMALL = [[1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const LARGE = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

const unknown = (value) => value === null || value === undefined || Number.isNaN(value);

/** Four digits at most. */
const digits = (value) => (value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4))));

const scaled = (value, units) => {
  const [factor, unit] = units.find(([least]) => Math.abs(value) >= least) ?? units[units.length - 1];
  return [digits(value / factor), unit];
};

/** 24 kB */
export const bytes = (value) => (unknown(value) ? "—" : scaled(value, BYTES).join(" "));

/** 1,234 */
export const count = (value) => (unknown(value) ? "—" : Number(value).toLocaleString("en"));

/** 1.2 M */
export const many = (value) => (unknown(value) ? "—" : scaled(value, LARGE).join(" ").trim());

/** 64 MHz */
export const hertz = (value) => (unknown(value) ? "—" : scaled(value, LARGE).join(" ") + "Hz");

/** 12.5 ms */
export const seconds = (value) => (unknown(value) ? "—" : scaled(value, SMALL).join(" ") + "s");

/** 3.1 µJ */
export const joules = (value) => (unknown(value) ? "—" : scaled(value, SMALL).join(" ") + "J");

/** 21 mW */
export const watts = (value) => (unknown(value) ? "—" : scaled(value, SMALL).join(" ") + "W");

/** 91.2 % */
export const percent = (value) => (unknown(value) ? "—" : `${digits(100 * value)} %`);

/** yes, no or a dash */
export const truth = (value) => (unknown(value) ? "—" : value ? "yes" : "no");

/** A number of any size, to four digits. */
export const figure = (value) => (unknown(value) ? "—" : digits(value));

/** In the reader's own time. */
export const moment = (text) => {
  const time = new Date(text);
  return text && !Number.isNaN(time.getTime()) ? time.toLocaleString() : "—";
};

/** "1 device", "2 devices" */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
