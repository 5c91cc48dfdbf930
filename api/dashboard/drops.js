// Drops: why packets did not go on, what each reason means, and how it goes right now.

import { h, KeyedList, setText, show } from "./dom.js";
import { count, label, octets, perSecond, plural } from "./format.js";
import { get } from "./rest.js";

export function drops() {
  const lede = h("p", { class: "lede" });
  const rows = h("tbody");
  const quiet = h("p", { class: "never" });
  const meanings = new Map();
  let most = 0;
  const list = new KeyedList(
    rows,
    ({ reason }) => reason,
    () => new DropRow(meanings, () => most),
  );
  const table = h(
    "div",
    { class: "scroll", role: "region", "aria-label": "Drops by reason", tabindex: "0" },
    h(
      "table",
      { class: "drops" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Reason", "Stage"].map((text) => h("th", { scope: "col" }, text)),
          ["Now", "Packets", "Octets"].map((text) =>
            h("th", { scope: "col", class: "number" }, text),
          ),
        ),
      ),
      rows,
    ),
  );
  get("/v1/drops").then(
    (all) => {
      for (const { reason, meaning } of all) meanings.set(reason, meaning);
    },
    (problem) => setText(quiet, problem.message),
  );

  return {
    title: "Drops",
    element: h(
      "div",
      {},
      h("div", { class: "head" }, h("div", {}, h("h1", {}, "Drops"), lede)),
      table,
      quiet,
    ),
    update({ drops: all }) {
      const seen = all.filter(({ packets }) => packets > 0).sort((a, b) => b.packets - a.packets);
      most = seen[0]?.packets ?? 0;
      list.update(seen);
      show(table, seen.length > 0);
      const total = seen.reduce((sum, { packets }) => sum + packets, 0);
      const now = seen.reduce((sum, each) => sum + each.packets_per_s, 0);
      setText(
        lede,
        total === 0
          ? "No packet was dropped since the UPF started."
          : `${plural(total, "packet")} dropped since the UPF started, ${perSecond(now)} now. Every dropped packet is counted under one reason.`,
      );
      const never = all.filter(({ packets }) => packets === 0).map(({ reason }) => label(reason));
      setText(quiet, never.length ? `Never seen: ${never.join(", ")}.` : "");
    },
  };
}

class DropRow {
  constructor(meanings, most) {
    Object.assign(this, { meanings, most });
    this.name = h("span", { class: "reason" });
    this.meaning = h("span", { class: "meaning" });
    this.stage = h("td", { "data-label": "Stage" });
    this.now = h("td", { class: "number", "data-label": "Now" });
    this.packets = h("span");
    this.bar = h("span", { class: "bar", "aria-hidden": "true" });
    this.octets = h("td", { class: "number", "data-label": "Octets" });
    this.element = h(
      "tr",
      {},
      h("th", { scope: "row" }, this.name, this.meaning),
      this.stage,
      this.now,
      h("td", { class: "number", "data-label": "Packets" }, this.packets, this.bar),
      this.octets,
    );
  }

  update(drop) {
    setText(this.name, label(drop.reason));
    setText(this.meaning, this.meanings.get(drop.reason) ?? "");
    setText(this.stage, drop.stage ? label(drop.stage) : "–");
    setText(this.now, perSecond(drop.packets_per_s));
    this.now.classList.toggle("happening", drop.packets_per_s > 0);
    setText(this.packets, count(drop.packets));
    this.bar.style.setProperty("--share", (drop.packets / this.most()).toFixed(3));
    setText(this.octets, octets(drop.octets));
  }
}
