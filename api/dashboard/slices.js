// Slices: what each may carry, and what it carries.

import { ThroughputChart } from "./chart.js";
import { h, KeyedList, setAttribute, setText, show } from "./dom.js";
import { capacity as capacityText, plural, rate, rateParts } from "./format.js";
import { onChanged } from "./live.js";
import { get } from "./rest.js";
import { deleteSlice, editSlice } from "./slice_form.js";

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
  let configured = null;
  let full = null;

  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", {}, "Slices"), lede),
      h(
        "div",
        { class: "tools" },
        windowChoice(() => live.figures && draw(live.figures)),
        h(
          "button",
          { class: "primary", type: "button", onclick: () => editSlice(null, reload) },
          "New slice",
        ),
      ),
    ),
    news,
    list,
  );
  const rows = new KeyedList(
    list,
    ({ name }) => String(name),
    (slice) => new SliceRow(live, slice, reload),
  );

  async function reload() {
    try {
      configured = new Map((await get("/v1/slices")).map((slice) => [slice.name, slice]));
      if (live.figures !== null) draw(live.figures);
    } catch (problem) {
      setText(lede, problem.message);
    }
  }

  function draw(figures) {
    if (configured === null) return;
    const all = merged(figures.slices, configured);
    setText(lede, summary(all));
    rows.update(all);
    const now = fullOnes(all);
    if (full !== null && now.join() !== full.join()) {
      setText(news, now.length ? `At capacity: ${now.join(", ")}` : "No slice is at its capacity");
    }
    full = now;
  }

  const ignoreChanges = onChanged(live, "slices", reload);
  reload();
  return {
    title: "Slices",
    element,
    update: draw,
    dispose() {
      ignoreChanges();
      rows.dispose();
    },
  };
}

/** Slices as configured, each with its figures: what was just changed shows before it is measured. */
function merged(measured, configured) {
  const figures = new Map(measured.map((slice) => [slice.name, slice]));
  const named = [...configured.values()].map((held) => {
    const { throughput, sessions } = figures.get(held.name) ?? held;
    return { ...held, throughput, sessions };
  });
  return [...named, ...measured.filter(({ name }) => name === null)];
}

function fullOnes(all) {
  return all.flatMap((slice) =>
    WAYS.filter(({ name }) => direction(slice, name).isFull).map(
      ({ name }) => `${slice.name} ${name}`,
    ),
  );
}

function summary(all) {
  const named = all.filter(({ name }) => name !== null);
  if (named.length === 0) return "No slice yet. Sessions go unlimited until one claims them.";
  const total = (name) =>
    rate(all.reduce((sum, slice) => sum + direction(slice, name).throughput, 0));
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
  return h(
    "fieldset",
    { class: "segments" },
    h("legend", { class: "visually-hidden" }, "Time shown"),
    choices,
  );
}

class SliceRow {
  constructor(live, { name }, reload) {
    Object.assign(this, { live, name });
    const title = name ?? "In no slice";
    this.chart = new ThroughputChart(title);
    this.facts = h("p", { class: "facts" });
    this.members = h("a", {
      href: name === null ? "#/sessions" : `#/sessions?slice=${encodeURIComponent(name)}`,
    });
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
      h(
        "dl",
        { class: "figures" },
        WAYS.map(({ name: way }) => this.figures[way].element),
      ),
    );
  }

  #actions(reload) {
    const button = (text, act) =>
      h(
        "button",
        {
          type: "button",
          class: "plain",
          "aria-label": `${text} slice ${this.name}`,
          onclick: () => act(this.held, reload),
        },
        text,
      );
    return h(
      "div",
      { class: "slice-actions" },
      button("Change", editSlice),
      button("Delete", deleteSlice),
    );
  }

  update(slice) {
    this.held = slice;
    setText(
      this.facts,
      slice.name === null ? "Unlimited, claimed by no S-NSSAI and DNN" : identity(slice),
    );
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
  return most === null || most === undefined
    ? plural(sessions, "session")
    : `${sessions} of ${plural(most, "session")}`;
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
    setText(
      this.of,
      capacity === null
        ? "no limit"
        : isFull
          ? `at capacity, ${capacityText(capacity)}`
          : `${Math.round((100 * throughput) / capacity)} % of ${capacityText(capacity)}`,
    );
    setAttribute(this.element, "data-full", isFull ? "yes" : null);
    show(this.of, true);
  }
}
