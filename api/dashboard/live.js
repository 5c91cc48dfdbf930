// What the UPF is doing now, and did in the last hour: one stream of figures for the whole page.
//
// Nothing runs while nobody looks: a hidden page lets go of the stream and catches up when shown.

import { events, get } from "./rest.js";

const HOUR_MS = 3_600_000;
const COARSE_MS = 10_000; // between points of the UPF's own history
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

/** Measured points of one thing over time, oldest first: { time (ms), up, down } in bit/s. */
class Series {
  points = [];

  add(point) {
    const last = this.points.at(-1);
    if (last !== undefined && point.time <= last.time) return;
    this.points.push(point);
    if (this.points[0].time < point.time - HOUR_MS) {
      this.points.splice(
        0,
        this.points.findIndex(({ time }) => time >= point.time - HOUR_MS),
      );
    }
  }

  /** Fill with coarser points the times when nothing was measured here. */
  backfill(coarse) {
    const isMissing = ({ time }) =>
      !this.points.some((point) => Math.abs(point.time - time) < COARSE_MS);
    const missing = coarse.filter(isMissing);
    // In place: charts hold on to the points of their series.
    this.points.push(...missing);
    this.points.sort((a, b) => a.time - b.time);
  }
}

/**
 * The figures of the moment, with what came before. Tells its listeners: "figures" when there are
 * new ones, "changed" when things were configured otherwise (`detail` names which; null for all,
 * when some may have been missed), "connection" when `isConnected` changes.
 */
export class Live extends EventTarget {
  figures = null;
  isConnected = false;
  problem = null;
  #series = new Map();
  #stream = null;
  #isDrawing = false;

  start() {
    document.addEventListener("visibilitychange", () => this.#follow());
    this.#follow();
  }

  /** The series of a slice, port or other thing: `key` such as "slice:video". */
  series(key) {
    return this.#of(key).points;
  }

  #of(key) {
    if (!this.#series.has(key)) this.#series.set(key, new Series());
    return this.#series.get(key);
  }

  #follow() {
    this.#stream?.abort();
    this.#stream = null;
    if (document.visibilityState === "hidden") return;
    this.#stream = new AbortController();
    this.#run(this.#stream.signal);
  }

  async #run(signal) {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        for await (const { event, data } of events("/v1/events?interval_s=1", signal)) {
          if (!this.isConnected) {
            this.#catchUp();
            this.#tellChanged(null);
          }
          this.#setConnected(true, null);
          retryMs = FIRST_RETRY_MS;
          if (event === "figures") this.#take(data);
          if (event === "changed") this.#tellChanged(data.what);
        }
        this.#setConnected(false, null);
      } catch (error) {
        if (signal.aborted) return;
        this.#setConnected(false, error);
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    }
  }

  #tellChanged(what) {
    this.dispatchEvent(new CustomEvent("changed", { detail: what }));
  }

  #setConnected(isConnected, problem) {
    if (this.isConnected === isConnected && this.problem === problem) return;
    Object.assign(this, { isConnected, problem });
    this.dispatchEvent(new Event("connection"));
  }

  async #catchUp() {
    try {
      for (const { slice, points } of await get("/v1/usage?window_s=3600")) {
        const coarse = points.map(({ time, uplink_mbps, downlink_mbps }) => ({
          time: Date.parse(time),
          up: 1e6 * uplink_mbps,
          down: 1e6 * downlink_mbps,
        }));
        this.#of(`slice:${slice}`).backfill(coarse);
      }
      this.#tell();
    } catch (error) {
      this.#setConnected(this.isConnected, error);
    }
  }

  #take(figures) {
    this.figures = figures;
    const time = Date.parse(figures.time);
    for (const { name, throughput } of figures.slices) {
      this.#note(`slice:${name}`, time, throughput.uplink_mbps, throughput.downlink_mbps);
    }
    for (const { name, rx_mbps, tx_mbps } of figures.ports) {
      this.#note(`port:${name}`, time, rx_mbps, tx_mbps);
    }
    this.#tell();
  }

  #note(key, time, upMbps, downMbps) {
    this.#of(key).add({ time, up: 1e6 * upMbps, down: 1e6 * downMbps });
  }

  /** Events that came together are drawn once. */
  #tell() {
    if (this.#isDrawing || this.figures === null) return;
    this.#isDrawing = true;
    setTimeout(() => {
      this.#isDrawing = false;
      this.dispatchEvent(new Event("figures"));
    });
  }
}

/** Call `look` when what it shows was changed: "slices" or "associations". Returns what ends it. */
export function onChanged(live, what, look) {
  const listen = ({ detail }) => {
    if (detail === null || detail === what) look();
  };
  live.addEventListener("changed", listen);
  return () => live.removeEventListener("changed", listen);
}

/**
 * Ask again and again while the page is looked at: `look()` each `everyMs`, never twice at a time.
 * Returns what stops it.
 */
export function poll(everyMs, look) {
  let timer = null;
  let isStopped = false;
  const again = async () => {
    if (document.visibilityState === "visible") await look();
    if (!isStopped) timer = setTimeout(again, everyMs);
  };
  again();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
