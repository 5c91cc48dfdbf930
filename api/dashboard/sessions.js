// Sessions: all of them, narrowed down, page by page; each leads to what the UPF knows of it.

import { h, KeyedList, setText, show } from "./dom.js";
import { ago, count, octets, plural, rate } from "./format.js";
import { poll } from "./live.js";
import { ask } from "./rest.js";

const PAGE = 50;
const EVERY_MS = 2000;
const FILTERS = [
  ["ue", "UE address"],
  ["slice", "Slice"],
  ["dnn", "DNN"],
  ["smf", "SMF"],
];
const COLUMNS = ["UE", "Slice", "DNN", "SMF", "Up since", "Uplink", "Downlink"];

export function sessions() {
  const wanted = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const pages = [null]; // the SEID each page starts after
  const lede = h("p", { class: "lede" });
  const rows = h("tbody");
  const list = new KeyedList(
    rows,
    ({ up_seid: seid }) => seid,
    () => new SessionRow(),
  );
  const inputs = FILTERS.map(([name, label]) =>
    filter(name, label, wanted.get(name) ?? "", refilter),
  );
  const older = h(
    "button",
    { type: "button", class: "plain", onclick: () => turn(-1) },
    "Previous",
  );
  const newer = h("button", { type: "button", class: "plain", onclick: () => turn(1) }, "Next");
  const pager = h("nav", { class: "pager", "aria-label": "Pages of sessions" }, older, newer);
  const table = h(
    "div",
    { class: "scroll", role: "region", "aria-label": "Sessions", tabindex: "0" },
    h("table", { class: "sessions" }, h("thead", {}, h("tr", {}, COLUMNS.map(head))), rows),
  );
  const element = h(
    "div",
    {},
    h("div", { class: "head" }, h("div", {}, h("h1", {}, "Sessions"), lede)),
    h(
      "form",
      { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      inputs,
    ),
    table,
    pager,
  );
  let last = [];
  let asking = null;

  function refilter(name, value) {
    if (value) wanted.set(name, value);
    else wanted.delete(name);
    const query = wanted.toString();
    history.replaceState(null, "", query ? `#/sessions?${query}` : "#/sessions");
    pages.length = 1;
    look();
  }

  function turn(step) {
    if (step > 0) pages.push(last.at(-1).up_seid);
    else pages.pop();
    look();
  }

  async function look() {
    asking?.abort();
    asking = new AbortController();
    const query = new URLSearchParams(wanted);
    query.set("limit", PAGE);
    if (pages.at(-1) !== null) query.set("after", pages.at(-1));
    try {
      const { data, headers } = await ask("GET", `/v1/sessions?${query}`, {
        signal: asking.signal,
      });
      last = data;
      list.update(data);
      tell(Number(headers.get("X-Total-Count") ?? data.length));
    } catch (problem) {
      if (problem.name !== "AbortError") setText(lede, problem.message);
    }
  }

  function tell(total) {
    const first = PAGE * (pages.length - 1);
    const isMore = first + last.length < total;
    const shown =
      total > last.length ? `, ${count(first + 1)} to ${count(first + last.length)} shown` : "";
    const which = [...wanted].map(
      ([name, value]) => `${FILTERS.find(([each]) => each === name)?.[1] ?? name} ${value}`,
    );
    setText(
      lede,
      `${plural(total, "session")}${which.length ? ` of ${which.join(", ")}` : ""}${shown}.`,
    );
    show(pager, isMore || pages.length > 1);
    older.disabled = pages.length === 1;
    newer.disabled = !isMore;
    show(table, total > 0);
  }

  const stop = poll(EVERY_MS, look);
  return {
    title: "Sessions",
    element,
    dispose() {
      stop();
      asking?.abort();
    },
  };
}

function head(text) {
  const isNumber = text.endsWith("link");
  return h("th", { scope: "col", class: isNumber && "number" }, text);
}

function filter(name, label, value, onchange) {
  const id = `filter-${name}`;
  const input = h("input", { id, type: "search", value, autocomplete: "off", spellcheck: "false" });
  input.addEventListener("change", () => onchange(name, input.value.trim()));
  input.addEventListener("search", () => onchange(name, input.value.trim()));
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

class SessionRow {
  #before = null;

  constructor() {
    this.link = h("a", {});
    this.cells = Object.fromEntries(
      [
        ["slice", "Slice"],
        ["dnn", "DNN"],
        ["smf", "SMF"],
        ["since", "Up since"],
      ].map(([name, label]) => [name, h("td", { "data-label": label })]),
    );
    this.up = new Traffic("Uplink");
    this.down = new Traffic("Downlink");
    const { slice, dnn, smf, since } = this.cells;
    this.element = h(
      "tr",
      {},
      h("th", { scope: "row" }, this.link),
      slice,
      dnn,
      smf,
      since,
      this.up.element,
      this.down.element,
    );
  }

  update(session) {
    const now = Date.now();
    setText(this.link, session.ue_ipv4 ?? session.ue_ipv6 ?? `SEID ${session.up_seid}`);
    this.link.href = `#/sessions/${session.up_seid}`;
    setText(this.cells.slice, session.slice ?? "none");
    setText(this.cells.dnn, session.dnn ?? "none");
    setText(this.cells.smf, session.cp_node_id);
    setText(this.cells.since, ago(Date.parse(session.since), now));
    const before = this.#before ?? { now, usage: session.usage };
    const seconds = (now - before.now) / 1000;
    this.up.update(session.usage.uplink_octets, before.usage.uplink_octets, seconds);
    this.down.update(session.usage.downlink_octets, before.usage.downlink_octets, seconds);
    this.#before = { now, usage: session.usage };
  }
}

/** A direction's rate, and under it all it carried. */
class Traffic {
  constructor(label) {
    this.now = h("span", { class: "now" });
    this.total = h("span", { class: "total" });
    this.element = h("td", { class: "number", "data-label": label }, this.now, this.total);
  }

  update(value, before, seconds) {
    setText(this.now, seconds > 0 ? rate((8 * Math.max(0, value - before)) / seconds) : "–");
    setText(this.total, octets(value));
  }
}
