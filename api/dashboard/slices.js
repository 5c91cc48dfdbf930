// Slices: what each may carry, and what it carries.

import { ThroughputChart } from "./chart.js";
import { KeyedList, h, setAttribute, setText, show } from "./dom.js";
import { capacity as capacityText, plural, rate, rateParts } from "./format.js";
import { deleteSlice, editSlice } from "./slice_form.js";
import { get } from "./rest.js";

const WINDOWS = [
  ["1 min", 60_000],
  ["5 min", 300_000],
  ["1 h", 3_600_000],
];
const FULL_FROM = 0.97;
const WAYS = [
  { way: "up", name: "uplink", arrow: "↑" },
  { way: "down", name: "downlink", arrow: "↓" },
];

let windowMs = WINDOWS[1][1];

const bits = (mbps) => (mbps === null ? null : 1e6 * mbps);

/** What a slice's figures say of one direction. */
function direction(slice, name) {
  const capacity = bits(slice[`${name}_mbps`]);
  const throughput = bits(slice.throughput[`${name}_mbps`]);
  return { capacity, throughput, isFull: capacity !== null && throughput >= FULL_FROM * capacity };
}

export function slices(live) {
  const lede = h("p", { class: "lede" });
  const list = h("div", { class: "slices" });
  const news = h("p", { class: "visually-hidden", role: "status" });
  const configured = new Map();
  let full = null;

  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", {}, "Slices"), lede),
      h("div", { class: "tools" }, windowChoice(redraw), h("button", { class: "primary", type: "button", onclick: () => editSlice(null, reload) }, "New slice")),
    ),
    news,
    list,
  );
  const rows = new KeyedList(
    list,
    ({ name }) => String(name),
    (slice) => new SliceRow(live, slice, configured, reload),
  );

  async function reload() {
    try {
      for (const each of await get("/v1/slices")) configured.set(each.name, each);
      redraw();
    } catch (problem) {
      setText(lede, problem.message);
    }
  }

  function redraw() {
    if (live.figures !== null) update(live.figures);
  }

  function update(figures) {
    setText(lede, summary(figures.slices));
    rows.update(figures.slices);
    const now = fullOnes(figures.slices);
    if (full !== null && now.join() !== full.join()) {
      setText(news, now.length ? `At capacity: ${now.join(", ")}` : "No slice is at its capacity");
    }
    full = now;
  }

  const onChanged = ({ detail }) => detail === "slices" && reload();
  live.addEventListener("changed", onChanged);
  reload();
  return {
    title: "Slices",
    element,
    update,
    dispose() {
      live.removeEventListener("changed", onChanged);
      rows.dispose();
    },
  };
}

function fullOnes(all) {
  return all.flatMap((slice) =>
    WAYS.filter(({ name }) => direction(slice, name).isFull).map(({ name }) => `${slice.name} ${name}`),
  );
}

function summary(all) {
  const named = all.filter(({ name }) => name !== null);
  if (named.length === 0) return "No slice yet. Sessions go unlimited until one claims them.";
  const total = (name) => rate(all.reduce((sum, slice) => sum + direction(slice, name).throughput, 0));
  const full = fullOnes(all);
  const standing = full.length ? `at capacity: ${full.join(", ")}` : "all within their capacity";
  return `${plural(named.length, "slice")} carrying ${total("uplink")} up and ${total("downlink")} down; ${standing}.`;
}

function windowChoice(onchange) {
  const choices = WINDOWS.map(([text, ms]) =>
    h(
      "label",
      {},
      h("input", {
        type: "radio",
        name: "window",
        value: ms,
        checked: ms === windowMs,
        onchange: () => {
          windowMs = ms;
          onchange();
        },
      }),
      h("span", {}, text),
    ),
  );
  return h("fieldset", { class: "segments" }, h("legend", { class: "visually-hidden" }, "Time shown"), choices);
}

class SliceRow {
  constructor(live, { name }, configured, reload) {
    Object.assign(this, { live, name, configured });
    const title = name ?? "In no slice";
    this.chart = new ThroughputChart(title);
    this.facts = h("p", { class: "facts" });
    this.members = h("a", { href: name === null ? "#/sessions" : `#/sessions?slice=${encodeURIComponent(name)}` });
    this.figures = Object.fromEntries(WAYS.map((each) => [each.name, new Figure(each)]));
    const id = `slice-${name ?? ""}`;
    this.element = h(
      "article",
      { class: "slice", "aria-labelledby": id },
      h(
        "div",
        { class: "slice-head" },
        h("h2", { id }, title),
        this.facts,
        h("p", { class: "facts" }, this.members),
        name !== null && this.#actions(reload),
      ),
      this.chart.element,
      h("dl", { class: "figures" }, WAYS.map(({ name: way }) => this.figures[way].element)),
    );
  }

  #actions(reload) {
    const button = (text, act) =>
      h(
        "button",
        { type: "button", class: "plain", "aria-label": `${text} slice ${this.name}`, onclick: () => act(this.configured.get(this.name), reload) },
        text,
      );
    return h("div", { class: "slice-actions" }, button("Change", editSlice), button("Delete", deleteSlice));
  }

  update(slice) {
    const held = this.configured.get(slice.name);
    setText(this.facts, held ? identity(held) : slice.name === null ? "Unlimited, claimed by no S-NSSAI and DNN" : "");
    setText(this.members, sessionsText(slice));
    const capacity = {};
    for (const { way, name } of WAYS) {
      const told = direction(slice, name);
      capacity[way] = told.capacity;
      this.figures[name].update(told);
    }
    const to = Date.parse(this.live.figures.time);
    this.chart.update(this.live.series(`slice:${slice.name}`), { to, windowMs, capacity });
  }

  dispose() {
    this.chart.dispose();
  }
}

function sessionsText({ sessions, max_sessions: most }) {
  return most === null || most === undefined ? plural(sessions, "session") : `${sessions} of ${plural(most, "session")}`;
}

function identity({ sst, sd, dnns }) {
  const parts = [`SST ${sst}`];
  if (sd !== null) parts.push(`SD ${sd}`);
  parts.push(dnns.length ? dnns.join(", ") : "every DNN");
  return parts.join(" · ");
}

/** One direction in figures: what flows, of how much. */
class Figure {
  constructor({ way, name, arrow }) {
    this.value = h("span", { class: "value" });
    this.unit = h("span", { class: "unit" });
    this.of = h("span", { class: "of" });
    this.element = h(
      "div",
      { class: `figure ${way}` },
      h("dt", {}, h("span", { "aria-hidden": "true" }, `${arrow} `), name),
      h("dd", {}, h("span", { class: "now" }, this.value, " ", this.unit), this.of),
    );
  }

  update({ capacity, throughput, isFull }) {
    const [value, unit] = rateParts(throughput);
    setText(this.value, value);
    setText(this.unit, unit);
    setText(this.of, capacity === null ? "no limit" : isFull ? `at capacity, ${capacityText(capacity)}` : `${Math.round((100 * throughput) / capacity)} % of ${capacityText(capacity)}`);
    setAttribute(this.element, "data-full", isFull ? "yes" : null);
    show(this.of, true);
  }
}
