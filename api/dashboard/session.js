// One session, followed: what it carries, the rules its SMF gave, and the entries they became.

import { ThroughputChart } from "./chart.js";
import { h, setText } from "./dom.js";
import { ago, entryText, label, octets, plural, rate, valueText } from "./format.js";
import { poll } from "./live.js";
import { get } from "./rest.js";

const EVERY_MS = 1000;
const LEAST_WINDOW_MS = 30_000; // grows with what was seen
const MOST_WINDOW_MS = 300_000;
const RULES = [
  ["pdrs", "Packet detection rules", "PDR"],
  ["fars", "Forwarding action rules", "FAR"],
  ["qers", "QoS enforcement rules", "QER"],
  ["urrs", "Usage reporting rules", "URR"],
  ["bars", "Buffering action rules", "BAR"],
];

const GROUPS = new Set(["pdi", "forwarding"]);
const INTERNAL = new Set(["usage_id", "endpoint_id"]);

export function session(_live, upSEID) {
  const title = h("h1", {}, `Session ${upSEID}`);
  const lede = h("p", { class: "lede" });
  const facts = h("dl", { class: "facts-list" });
  const chart = new ThroughputChart("This session");
  const figures = h("p", { class: "session-now" });
  const rules = h("div", { class: "rules" });
  const entries = h("div");
  const points = [];
  let before = null;
  let shape = null;

  const element = h(
    "div",
    {},
    h("p", { class: "back" }, h("a", { href: "#/sessions" }, "All sessions")),
    h(
      "div",
      { class: "head" },
      h("div", {}, title, lede),
      h("a", { class: "button", href: `#/path?session=${upSEID}` }, "Show its path"),
    ),
    h("section", { class: "follow", "aria-label": "Throughput" }, chart.element, figures),
    facts,
    rules,
    entries,
  );

  async function look() {
    let found;
    try {
      found = await get(`/v1/sessions/${upSEID}`);
    } catch (problem) {
      setText(lede, problem.status === 404 ? "This session is gone." : problem.message);
      return;
    }
    measure(found);
    setText(title, found.ue_ipv4 ?? found.ue_ipv6 ?? `Session ${upSEID}`);
    setText(lede, sentence(found));
    // Rules and entries are built anew only when the SMF changed them; their counters live on.
    const now = JSON.stringify([found.rules, found.entries]);
    if (now !== shape) {
      shape = now;
      facts.replaceChildren(...factsOf(found));
      rules.replaceChildren(...RULES.map((kind) => ruleList(found, kind)).filter(Boolean));
      entries.replaceChildren(entryList(found));
    }
    showCounters(rules, found.counters ?? []);
  }

  function measure({ usage }) {
    const time = Date.now();
    if (before !== null) {
      const seconds = (time - before.time) / 1000;
      const of = (name) => (8 * Math.max(0, usage[name] - before.usage[name])) / seconds;
      points.push({ time, up: of("uplink_octets"), down: of("downlink_octets") });
      if (points[0].time < time - MOST_WINDOW_MS) points.shift();
      const { up, down } = points.at(-1);
      setText(
        figures,
        `Now ${rate(up)} up and ${rate(down)} down; ${octets(usage.uplink_octets)} and ${octets(usage.downlink_octets)} since it began.`,
      );
      const windowMs = Math.max(LEAST_WINDOW_MS, time - points[0].time);
      chart.update(points, { to: time, windowMs, capacity: { up: null, down: null } });
    }
    before = { time, usage };
  }

  const stop = poll(EVERY_MS, look);
  return {
    title: `Session ${upSEID}`,
    element,
    dispose() {
      stop();
      chart.dispose();
    },
  };
}

function sentence({ dnn, slice, cp_node_id: smf, since }) {
  const of = slice === null ? "in no slice" : `in slice ${slice}`;
  return `A PDU session to ${dnn ?? "no DNN"}, ${of}, from ${smf}, up for ${ago(Date.parse(since), Date.now())}.`;
}

function factsOf(found) {
  const tunnels = (ends) => ends.map(({ teid, address }) => `${teid} at ${address}`).join(", ") || "none";
  return [
    ["UP SEID", found.up_seid],
    ["CP SEID", found.cp_seid],
    ...(found.ue_ipv6 ? [["IPv6 prefix", found.ue_ipv6]] : []),
    ["S-NSSAI", found.s_nssai ?? "none"],
    ["Tunnel here", tunnels(found.local_tunnels)],
    ["Tunnel there", tunnels(found.remote_tunnels)],
  ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

/** A value in words, whatever this version of the UPF gives; "" for none. */
function told(value, name = "") {
  if (value === null || value === undefined || value === false) return "";
  if (value === true) return "yes";
  if (Array.isArray(value)) return value.map((each) => told(each, name)).join("; ");
  if (typeof value === "object") {
    return Object.entries(value)
      .filter(([, each]) => told(each) !== "")
      .map(([key, each]) => (each === true ? label(key) : `${label(key)} ${told(each, key)}`))
      .join(", ");
  }
  return valueText(name, value);
}

/** A rule's fields that have a value; groups such as PDI are opened, internal numbers left out. */
function fieldsOf(rule) {
  return Object.entries(rule).flatMap(([name, value]) => {
    if (GROUPS.has(name) && value !== null) return fieldsOf(value);
    return INTERNAL.has(name) || told(value) === "" ? [] : [[name, value]];
  });
}

/** Rules of a kind, each a line of what it says; fields without a value are left out. */
function ruleList(found, [key, caption, noun]) {
  const all = found.rules?.[key] ?? [];
  if (all.length === 0) return null;
  const id = `${noun.toLowerCase()}_id`;
  const rows = all.map((rule) => {
    const number = rule[id] ?? rule.id;
    const fields = fieldsOf(rule).filter(([name]) => name !== id);
    return h(
      "li",
      {},
      h("h3", {}, `${noun} ${number}`),
      h(
        "dl",
        {},
        fields.map(([name, value]) =>
          h("div", {}, h("dt", {}, label(name)), h("dd", {}, told(value, name))),
        ),
      ),
      key === "pdrs" && h("p", { class: "rule-count", "data-pdr": number }),
    );
  });
  return h("section", {}, h("h2", {}, caption), h("ul", { class: "rule-list" }, rows));
}

function showCounters(rules, counters) {
  for (const place of rules.querySelectorAll("[data-pdr]")) {
    const counter = counters.find((each) => String(each.pdr_id) === place.dataset.pdr);
    if (counter !== undefined) {
      setText(place, `${plural(counter.packets, "packet")}, ${octets(counter.octets)}`);
    }
  }
}

/** What the rules became: entries of the switch's tables, each with the PDR it is for. */
function entryList({ entries = [] }) {
  const rows = entries.map(({ table, key, action, params, pdr_id: pdr }) =>
    h(
      "li",
      {},
      h("h3", {}, h("code", {}, table), pdr !== null && h("span", { class: "for" }, `PDR ${pdr}`)),
      h("p", {}, h("code", {}, entryText({ key, action, params }))),
    ),
  );
  return h(
    "section",
    {},
    h("h2", {}, "Entries in the switch"),
    h("ul", { class: "rule-list" }, rows),
  );
}
