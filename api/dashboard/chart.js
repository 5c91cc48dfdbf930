// Throughput over time, uplink above the line and downlink below it, against capacity.
//
// Each direction has its own scale, on which its capacity lies at the same height: what is between
// curve and line is headroom, at a glance and for every slice alike.

import { h, s, setAttribute, setText, show } from "./dom.js";
import { capacity as capacityText, rate, time as timeText } from "./format.js";

const CAPACITY_AT = 0.8; // of a direction's height
const FULL_FROM = 0.95; // of capacity; a policer's rate is seen through windows of a second
const BUCKET_PX = 3;
const GAP_MS = 25_000; // older points are ten seconds apart
const AXIS_PX = 18;
const DIRECTIONS = ["up", "down"];

/** Points averaged over buckets that stay where they are while time goes on. */
function bucketed(points, from, to, widthPx) {
  const sizeMs = Math.max(1000, Math.ceil(((to - from) * BUCKET_PX) / widthPx / 1000) * 1000);
  const buckets = [];
  for (const point of points) {
    if (point.time < from - sizeMs || point.time > to) continue;
    const at = Math.floor(point.time / sizeMs);
    const last = buckets.at(-1);
    if (last?.at === at) {
      last.n += 1;
      for (const way of DIRECTIONS) last[way] += (point[way] - last[way]) / last.n;
      last.time = point.time;
    } else {
      buckets.push({ at, n: 1, time: point.time, up: point.up, down: point.down });
    }
  }
  return buckets;
}

function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

/** The value at the end of a direction's scale. */
function scaleEnd(capacity, peak) {
  if (capacity === null) return niceCeiling(Math.max(1.15 * peak, 10_000));
  return Math.max(capacity / CAPACITY_AT, 1.05 * peak);
}

export class ThroughputChart {
  #points = [];
  #cursor = null;
  #size = { width: 0, height: 0 };
  #shown = null;

  /** `names`: what up and down are called; `label`: what the chart is of. */
  constructor(label, names = { up: "uplink", down: "downlink" }) {
    Object.assign(this, { label, names });
    this.#build();
    this.#observer = new ResizeObserver(([{ contentRect }]) => {
      this.#size = { width: Math.round(contentRect.width), height: Math.round(contentRect.height) };
      this.#draw();
    });
    this.#observer.observe(this.svg);
  }

  #observer;

  /** Show `points` over the `windowMs` up to `to`; `capacity`: { up, down } in bit/s, null for none. */
  update(points, { to, windowMs, capacity }) {
    this.#shown = { points, to, windowMs, capacity };
    this.#draw();
  }

  dispose() {
    this.#observer.disconnect();
  }

  #build() {
    const parts = { ticks: s("g", { class: "ticks" }) };
    for (const way of DIRECTIONS) {
      parts[way] = {
        area: s("path", { class: `area ${way}` }),
        line: s("path", { class: `line ${way}` }),
        limit: s("line", { class: `limit ${way}` }),
        full: s("path", { class: `full ${way}` }),
        label: s("text", { class: "limit-label", "text-anchor": "end" }),
        dot: s("circle", { class: `dot ${way}`, r: 3.5, visibility: "hidden" }),
      };
    }
    parts.zero = s("line", { class: "zero", x1: 0 });
    parts.cursor = s("line", { class: "cursor", visibility: "hidden" });
    const { up, down } = parts;
    this.svg = s(
      "svg",
      { "aria-hidden": "true", focusable: "false" },
      ...[parts.ticks, up.area, down.area, up.line, down.line, parts.zero, up.limit, down.limit],
      ...[up.full, down.full, up.label, down.label, parts.cursor, up.dot, down.dot],
    );
    this.readout = h("p", { class: "readout", hidden: true });
    this.element = h("div", {
      class: "chart",
      role: "slider",
      tabindex: "0",
      "aria-label": `${this.label}: throughput over time`,
      "aria-valuemin": "0",
      "aria-valuemax": "0",
      "aria-valuenow": "0",
    });
    this.element.append(this.svg, this.readout);
    this.parts = parts;
    this.#listen();
  }

  #listen() {
    this.svg.addEventListener("pointermove", (event) => this.#pointAt(event.offsetX));
    this.element.addEventListener("pointerleave", () => this.#moveTo(null));
    this.element.addEventListener("blur", () => this.#moveTo(null));
    this.element.addEventListener("keydown", (event) => {
      const last = this.#points.length - 1;
      const at = this.#cursorIndex();
      const wanted = {
        ArrowLeft: at - 1,
        ArrowDown: at - 1,
        ArrowRight: at + 1,
        ArrowUp: at + 1,
        PageDown: at - 10,
        PageUp: at + 10,
        Home: 0,
        End: last,
      }[event.key];
      if (event.key === "Escape") this.#moveTo(null);
      if (wanted === undefined || last < 0) return;
      event.preventDefault();
      this.#moveTo(this.#points[Math.min(last, Math.max(0, wanted))].time);
    });
  }

  #cursorIndex() {
    if (this.#cursor === null) return this.#points.length;
    const found = this.#points.findIndex(({ time }) => time >= this.#cursor);
    return found < 0 ? this.#points.length - 1 : found;
  }

  #pointAt(x) {
    if (this.#shown === null || this.#points.length === 0) return;
    const { to, windowMs } = this.#shown;
    const wanted = to - windowMs + (x / this.#size.width) * windowMs;
    const nearest = this.#points.reduce((best, point) =>
      Math.abs(point.time - wanted) < Math.abs(best.time - wanted) ? point : best,
    );
    this.#moveTo(nearest.time);
  }

  #moveTo(time) {
    this.#cursor = time;
    this.#draw();
  }

  #draw() {
    const { width, height } = this.#size;
    if (this.#shown === null || width === 0) return;
    const { points, to, windowMs, capacity } = this.#shown;
    const from = to - windowMs;
    this.#points = bucketed(points, from, to, width);
    const zero = Math.round((height - AXIS_PX) / 2);
    const x = (time) => ((time - from) / windowMs) * width;
    const ys = {};
    for (const [way, sign] of [
      ["up", -1],
      ["down", 1],
    ]) {
      const peak = this.#points.reduce((most, point) => Math.max(most, point[way]), 0);
      const end = scaleEnd(capacity[way], peak);
      ys[way] = (value) => zero + (sign * zero * value) / end;
      this.#drawDirection(way, capacity[way], end, x, ys[way], zero);
    }
    setAttribute(this.parts.zero, "x2", width);
    setAttribute(this.parts.zero, "y1", zero);
    setAttribute(this.parts.zero, "y2", zero);
    this.#drawTicks(windowMs, width, height);
    this.#drawCursor(x, ys, 2 * zero);
    this.#describe();
  }

  #drawDirection(way, capacity, end, x, y, zero) {
    const { area, line, limit, full, label } = this.parts[way];
    const runs = [];
    let before = -Infinity;
    for (const point of this.#points) {
      if (point.time - before > GAP_MS) runs.push([]);
      runs.at(-1).push(point);
      before = point.time;
    }
    const place = (point) => `${x(point.time).toFixed(1)},${y(point[way]).toFixed(1)}`;
    const lines = runs.map((run) => `M${run.map(place).join("L")}`);
    const areas = runs.map(
      (run, index) =>
        `${lines[index]}L${x(run.at(-1).time).toFixed(1)},${zero}L${x(run[0].time).toFixed(1)},${zero}Z`,
    );
    setAttribute(line, "d", lines.join(""));
    setAttribute(area, "d", areas.join(""));
    const level = y(capacity ?? end).toFixed(1);
    const isLimited = capacity !== null;
    setAttribute(limit, "visibility", isLimited ? null : "hidden");
    for (const [name, value] of [
      ["x1", 0],
      ["x2", this.#size.width],
      ["y1", level],
      ["y2", level],
    ]) {
      setAttribute(limit, name, value);
    }
    setAttribute(full, "d", isLimited ? this.#fullSegments(way, capacity, x, level) : "");
    setText(label, isLimited ? capacityText(capacity) : capacityText(end));
    setAttribute(label, "class", isLimited ? "limit-label" : "limit-label none");
    setAttribute(label, "x", this.#size.width);
    setAttribute(
      label,
      "y",
      way === "up" ? Math.max(11, level - 5) : Math.min(2 * zero - 2, +level + 13),
    );
  }

  /** Where the capacity was all used: strokes on the capacity line itself. */
  #fullSegments(way, capacity, x, level) {
    const segments = [];
    for (let i = 1; i < this.#points.length; i += 1) {
      const [a, b] = [this.#points[i - 1], this.#points[i]];
      if (Math.min(a[way], b[way]) >= FULL_FROM * capacity && b.time - a.time <= GAP_MS) {
        segments.push(`M${x(a.time).toFixed(1)},${level}H${x(b.time).toFixed(1)}`);
      }
    }
    return segments.join("");
  }

  #drawTicks(windowMs, width, height) {
    const steps = width < 420 ? 2 : 5;
    const labels = [];
    for (let i = 0; i <= steps; i += 1) {
      const backS = Math.round((windowMs * (steps - i)) / steps / 1000);
      const text =
        backS === 0
          ? "now"
          : backS % 60 > 0 && backS < 120
            ? `−${backS} s`
            : `−${Math.round(backS / 60)} min`;
      labels.push([
        ((width * i) / steps).toFixed(1),
        text,
        i === 0 ? "start" : i === steps ? "end" : "middle",
      ]);
    }
    const key = `${width}/${height}/${windowMs}`;
    if (this.ticksKey === key) return;
    this.ticksKey = key;
    this.parts.ticks.replaceChildren(
      ...labels.map(([at, text, anchor]) =>
        s("text", { x: at, y: height - 3, "text-anchor": anchor }, text),
      ),
    );
  }

  #drawCursor(x, ys, bottom) {
    const point = this.#cursor === null ? undefined : this.#points[this.#cursorIndex()];
    const { cursor } = this.parts;
    show(this.readout, point !== undefined);
    setAttribute(cursor, "visibility", point === undefined ? "hidden" : null);
    for (const way of DIRECTIONS) {
      const { dot } = this.parts[way];
      setAttribute(dot, "visibility", point === undefined ? "hidden" : null);
      if (point === undefined) continue;
      setAttribute(dot, "cx", x(point.time).toFixed(1));
      setAttribute(dot, "cy", ys[way](point[way]).toFixed(1));
    }
    if (point === undefined) return;
    for (const name of ["x1", "x2"]) setAttribute(cursor, name, x(point.time).toFixed(1));
    setAttribute(cursor, "y1", 0);
    setAttribute(cursor, "y2", bottom);
    setText(this.readout, this.#told(point));
  }

  #told(point) {
    const { up, down } = this.names;
    return `${timeText(point.time)}: ${up} ${rate(point.up)}, ${down} ${rate(point.down)}`;
  }

  /** The chart in words, for those who do not see it: the value under the cursor, else the last. */
  #describe() {
    // A screen reader reads each change of what has the focus: what moves on by itself is left alone.
    const isFocused = document.activeElement === this.element;
    if (isFocused && this.#cursor === null && this.element.hasAttribute("aria-valuetext")) return;
    const index = Math.min(this.#cursorIndex(), this.#points.length - 1);
    const point = this.#points[index];
    setAttribute(this.element, "aria-valuemax", Math.max(0, this.#points.length - 1));
    setAttribute(this.element, "aria-valuenow", Math.max(0, index));
    setAttribute(
      this.element,
      "aria-valuetext",
      point === undefined ? "nothing measured yet" : this.#told(point),
    );
  }
}
