// Ports: the interfaces that carry users' packets, received above the line and sent below it.

import { ThroughputChart } from "./chart.js";
import { h, KeyedList, setAttribute, setText } from "./dom.js";
import { capacity, count, octets, rate } from "./format.js";

const LEAST_WINDOW_MS = 30_000; // grows with what was seen
const MOST_WINDOW_MS = 300_000;
const ROLES = { access: "Access, towards the gNBs", core: "Core, towards the data network" };

export function ports(live) {
  const lede = h("p", { class: "lede" });
  const list = h("div", { class: "slices" });
  const rows = new KeyedList(
    list,
    ({ name }) => name,
    (port) => new PortRow(live, port),
  );
  return {
    title: "Ports",
    element: h(
      "div",
      {},
      h("div", { class: "head" }, h("div", {}, h("h1", {}, "Ports"), lede)),
      list,
    ),
    update({ ports: all }) {
      const down = all.filter((port) => !port.is_up).map(({ name }) => name);
      setText(lede, down.length ? `Down: ${down.join(", ")}.` : "All ports are up.");
      rows.update(all);
    },
    dispose: () => rows.dispose(),
  };
}

class PortRow {
  constructor(live, { name }) {
    this.live = live;
    this.chart = new ThroughputChart(`Port ${name}`, { up: "received", down: "sent" });
    this.role = h("p", { class: "facts" });
    this.state = h("p", { class: "facts state" });
    this.figures = { rx: new PortFigure("up", "received"), tx: new PortFigure("down", "sent") };
    const id = `port-${name}`;
    this.element = h(
      "article",
      { class: "slice", "aria-labelledby": id },
      h("div", { class: "slice-head" }, h("h2", { id }, name), this.role, this.state),
      this.chart.element,
      h("dl", { class: "figures" }, this.figures.rx.element, this.figures.tx.element),
    );
  }

  update(port) {
    setText(this.role, ROLES[port.role] ?? port.role);
    setText(
      this.state,
      port.is_up
        ? port.speed_mbps === null
          ? "Up, of unknown speed"
          : `Up, ${capacity(1e6 * port.speed_mbps)}`
        : "Down",
    );
    setAttribute(this.state, "data-state", port.is_up ? "live" : "lost");
    for (const [way, figure] of Object.entries(this.figures)) figure.update(port, way);
    const to = Date.parse(this.live.figures.time);
    const points = this.live.series(`port:${port.name}`);
    const windowMs = Math.min(MOST_WINDOW_MS, Math.max(LEAST_WINDOW_MS, to - points[0].time));
    this.chart.update(points, { to, windowMs, capacity: { up: null, down: null } });
  }

  dispose() {
    this.chart.dispose();
  }
}

class PortFigure {
  constructor(way, name) {
    this.now = h("span", { class: "now" });
    this.packets = h("span", { class: "of" });
    this.total = h("span", { class: "of" });
    this.element = h(
      "div",
      { class: `figure small ${way}` },
      h("dt", {}, name),
      h("dd", {}, this.now, this.packets, this.total),
    );
  }

  update(port, way) {
    setText(this.now, rate(1e6 * port[`${way}_mbps`]));
    setText(this.packets, `${count(Math.round(port[`${way}_packets_per_s`]))} packets/s`);
    setText(this.total, `${octets(port[`${way}_octets`])} in all`);
  }
}
