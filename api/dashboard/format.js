// Figures as people read them. Rates are bit/s of users' IP packets, volumes octets.

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const BIT_UNITS = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
const NARROW_SPACE = "\u202f";
const counting = new Intl.NumberFormat("en", { useGrouping: true });
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

function scaled(value, units) {
  let scale = 0;
  let rest = Math.abs(value);
  while (rest >= 999.5 && scale < units.length - 1) {
    rest /= 1000;
    scale += 1;
  }
  const digits = scale === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return [rest.toFixed(digits), units[scale]];
}

/** A rate as [figure, unit]: ["49.8", "Mbit/s"]. */
export function rateParts(bitsPerSecond) {
  return scaled(bitsPerSecond, BIT_UNITS);
}

/** A rate in one string. */
export function rate(bitsPerSecond) {
  return rateParts(bitsPerSecond).join(" ");
}

/** A capacity as the operator wrote it: 20 Mbit/s, not 20.0. */
export function capacity(bitsPerSecond) {
  const [figure, unit] = rateParts(bitsPerSecond);
  return `${Number(figure)} ${unit}`;
}

/** Octets in one string. */
export function octets(value) {
  return scaled(value, BYTE_UNITS).join(" ");
}

/** A count with its thousands apart. */
export function count(value) {
  return counting.format(value).replaceAll(",", NARROW_SPACE);
}

/** Packets per second; small rates keep a digit. */
export function perSecond(value) {
  return value === 0
    ? "0/s"
    : value < 10
      ? `${value.toFixed(1)}/s`
      : `${count(Math.round(value))}/s`;
}

/** "1 session", "3 sessions". */
export function plural(value, noun, nouns = `${noun}s`) {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

/** How long ago a moment (ms since 1970) was. */
export function ago(then, now) {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** The wall clock's time of a moment (ms since 1970). */
export function time(moment) {
  return clock.format(moment);
}

const ABBREVIATIONS =
  /\b(bar|dnn|dscp|far|gbr|gtpu|ip|mbr|pdr|psc|qer|qfi|qfis|rqi|sdf|seid|teid|tos|ttl|ue|udp|urr)\b/g;

/** A name of the UPF in words: `no_session` is "no session", `far_id` "FAR", `ue_ipv4` "UE IPv4". */
export function label(name) {
  return name
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/^(is|has) | (ids?|addr)$/g, "")
    .replace("fteid", "F-TEID")
    .replace(/ipv(\d)/g, "IPv$1")
    .replace(ABBREVIATIONS, (each) => each.toUpperCase().replace("QFIS", "QFI"));
}

/** A value of the pipeline as people write it: addresses dotted, TEIDs and MACs in hex digits. */
export function valueText(name, value) {
  if (typeof value === "string" && /^\d+\/\d+$/.test(value)) {
    const [number, length] = value.split("/");
    return `${valueText(name, Number(number))}/${length}`;
  }
  if (typeof value !== "number") return String(value);
  if (/ipv4|_addr$/.test(name))
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
  if (/mac$/.test(name))
    return value
      .toString(16)
      .padStart(12, "0")
      .replace(/(..)(?!$)/g, "$1:");
  if (/teid$/.test(name)) return `0x${value.toString(16).padStart(8, "0")}`;
  return count(value);
}

/** A table entry in one line: `teid 0x00000001 → forward(usage_id 2)`. */
export function entryText({ key, action, params }) {
  const fields = (named) =>
    Object.entries(named).map(([name, value]) => `${name} ${valueText(name, value)}`);
  return `${fields(key).join(", ")} → ${action.split(".").at(-1)}(${fields(params).join(", ")})`;
}

/** What a table entry matches and what it does, without parameters. */
export function entrySummary({ key, action }) {
  return entryText({ key, action, params: {} }).replace(/\(\)$/, "");
}
