// The packet path as a picture: stages in the order packets pass them, as wide as what flows, with
// what each drops leaving below. Stages, tables and reasons are those the UPF tells of.

import { h, KeyedList, setText, show } from "./dom.js";
import { count, entrySummary, label, octets, perSecond, plural } from "./format.js";
import { poll } from "./live.js";
import { get } from "./rest.js";
import { River } from "./river.js";
import { tracer } from "./trace.js";

const TABLES_EVERY_MS = 5000;
const SESSION_EVERY_MS = 1000;

export function path() {
  const seid = new URLSearchParams(location.hash.split("?")[1] ?? "").get("session");
  const lede = h("p", { class: "lede" });
  const river = new River();
  const stages = h("ol", { class: "stages" });
  const list = new KeyedList(
    stages,
    ({ stage }) => stage,
    () => new Stage(),
  );
  const followed = h("p", { class: "followed" });
  const known = new Map();
  let session = null;
  let figures = null;
  let traced = null;
  const trace = tracer((steps) => {
    traced = steps === null ? null : new Map(steps.map((step) => [step.name, step]));
    draw();
  });

  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", {}, "Packet path"), lede),
      followForm(followed),
    ),
    followed,
    h("div", { class: "path" }, river.element, stages),
    trace.element,
  );

  function draw() {
    if (figures === null) return;
    const all = figures.pipeline.map((each) =>
      stageOf(each, figures.drops, known.get(each.stage), session, traced),
    );
    stages.style.setProperty("--stages", all.length);
    const most = Math.max(...all.map(({ perS }) => perS), 1);
    list.update(all.map((each) => ({ ...each, share: each.perS / most })));
    river.update(all);
    setText(lede, sentence(all));
  }

  const stops = [
    poll(TABLES_EVERY_MS, async () => {
      try {
        for (const each of await get("/v1/pipeline")) known.set(each.stage, each);
        draw();
      } catch (problem) {
        setText(lede, problem.message);
      }
    }),
  ];
  if (seid !== null) {
    stops.push(
      poll(SESSION_EVERY_MS, async () => {
        try {
          session = await get(`/v1/sessions/${encodeURIComponent(seid)}`);
          followed.replaceChildren(...followedText(session));
          trace.suggest(session.ue_ipv4 ?? session.ue_ipv6?.replace(/\/.*/, "1") ?? "");
          draw();
        } catch (problem) {
          setText(followed, problem.message);
        }
      }),
    );
  }
  return {
    title: "Packet path",
    element,
    update(now) {
      figures = now;
      draw();
    },
    dispose() {
      for (const stop of stops) stop();
      river.dispose();
      list.dispose();
    },
  };
}

/** All that is shown of a stage. `traced`: the steps of a packet by table, if one was traced. */
function stageOf({ stage, title, packets, packets_per_s: perS }, allDrops, known, session, traced) {
  const drops = allDrops.filter((drop) => drop.stage === stage && drop.packets > 0);
  const tables = (known?.tables ?? []).map((table) => ({
    ...table,
    passed: table.hits,
    hits: hitsOf(table.name, session),
    traced: traced?.get(table.name),
  }));
  const droppedPerS = drops.reduce((sum, drop) => sum + drop.packets_per_s, 0);
  return { stage, title, packets, perS, drops, droppedPerS, tables };
}

/** Entries of the session in a table, each with the counter of its PDR. */
function hitsOf(table, session) {
  if (session === null) return [];
  const counters = new Map(session.counters.map((counter) => [counter.pdr_id, counter]));
  return session.entries
    .filter((entry) => entry.table === table)
    .map((entry) => ({ ...entry, counter: counters.get(entry.pdr_id) }));
}

function sentence(all) {
  const entering = all[0]?.perS ?? 0;
  const dropped = all.reduce((sum, { droppedPerS }) => sum + droppedPerS, 0);
  if (entering === 0) return "No packet is passing right now.";
  const told =
    dropped > 0 ? `${count(Math.ceil(dropped))} of them are dropped on the way` : "none is dropped";
  return `${plural(Math.ceil(entering), "packet")} enter each second, ${told}.`;
}

function followForm(told) {
  const input = h("input", {
    id: "follow",
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "10.45.0.2",
  });
  return h(
    "form",
    {
      class: "inline",
      role: "search",
      onsubmit: async (event) => {
        event.preventDefault();
        try {
          const [found] = await get(
            `/v1/sessions?limit=1&ue=${encodeURIComponent(input.value.trim())}`,
          );
          if (found) location.hash = `#/path?session=${found.up_seid}`;
          else setText(told, `No session has the UE address ${input.value}.`);
        } catch (problem) {
          setText(told, problem.message);
        }
      },
    },
    h("div", { class: "field" }, h("label", { for: "follow" }, "Follow the UE"), input),
    h("button", { class: "plain" }, "Follow"),
  );
}

function followedText({ up_seid: seid, ue_ipv4: ipv4, ue_ipv6: ipv6 }) {
  const ue = ipv4 ?? ipv6;
  return [
    "Marked: the tables that packets of ",
    h("a", { href: `#/sessions/${seid}` }, ue ?? `session ${seid}`),
    " hit. ",
    h("a", { href: "#/path" }, "Show all alike"),
  ];
}

class Stage {
  constructor() {
    this.title = h("h2");
    this.now = h("span", { class: "now" });
    this.total = h("span", { class: "total" });
    this.drops = h("ul", { class: "stage-drops" });
    this.dropList = new KeyedList(
      this.drops,
      ({ reason }) => reason,
      () => new StageDrop(),
    );
    this.tables = h("ul", { class: "stage-tables" });
    this.tableList = new KeyedList(
      this.tables,
      ({ name }) => name,
      () => new StageTable(),
    );
    this.element = h(
      "li",
      {},
      this.title,
      h("p", { class: "stage-flow" }, this.now, this.total),
      this.drops,
      this.tables,
    );
  }

  update({ title, packets, perS, drops, tables, share }) {
    setText(this.title, title);
    setText(this.now, perSecond(perS));
    setText(this.total, `${count(packets)} in all`);
    this.element.style.setProperty("--share", share.toFixed(3));
    this.dropList.update(drops);
    this.tableList.update(tables);
    show(this.drops, drops.length > 0);
    show(this.tables, tables.length > 0);
  }
}

class StageDrop {
  constructor() {
    this.element = h("li");
  }

  update({ reason, packets, packets_per_s: perS }) {
    setText(
      this.element,
      perS > 0
        ? `${label(reason)}, ${perSecond(perS)}`
        : `${label(reason)}, ${count(packets)} before`,
    );
    this.element.classList.toggle("happening", perS > 0);
  }
}

class StageTable {
  constructor() {
    this.name = h("span", { class: "table-name" });
    this.fill = h("span", { class: "fill" });
    this.bar = h("span", { class: "bar", "aria-hidden": "true" });
    this.hits = h("ul", { class: "hits" });
    this.hitList = new KeyedList(
      this.hits,
      (entry) => JSON.stringify(entry.key),
      () => new Hit(),
    );
    this.traced = h("span", { class: "traced" });
    this.element = h("li", {}, this.name, this.bar, this.fill, this.traced, this.hits);
  }

  update({ name, entries, size, hits, passed, traced }) {
    if (this.element.title !== name) {
      this.element.title = name;
      this.name.replaceChildren(...breakable(name.split(".").at(-1)));
    }
    setText(
      this.fill,
      [
        size ? `${count(entries)} of ${count(size)}` : plural(entries, "entry", "entries"),
        ...(passed ? [plural(passed, "packet")] : []),
      ].join(", "),
    );
    show(this.bar, Boolean(size));
    this.bar.style.setProperty("--share", size ? (entries / size).toFixed(4) : "0");
    this.element.classList.toggle("hit", hits.length > 0 || traced?.is_hit === true);
    setText(this.traced, traced === undefined ? "" : `traced packet: ${traced.is_hit ? "hit" : "miss"}`);
    this.hitList.update(hits);
    show(this.hits, hits.length > 0);
  }
}

/** An entry of the session followed, with what its PDR counts. */
class Hit {
  constructor() {
    this.entry = h("span");
    this.count = h("span", { class: "count" });
    this.element = h("li", {}, this.entry, this.count);
  }

  update({ key, action, pdr_id: pdr, counter }) {
    const text = entrySummary({ key, action });
    setText(this.entry, pdr === null ? text : `PDR ${pdr}: ${text}`);
    setText(
      this.count,
      counter === undefined
        ? ""
        : `${plural(counter.packets, "packet")}, ${octets(counter.octets)}`,
    );
  }
}

/** A name that may be broken after its underscores. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));
}
