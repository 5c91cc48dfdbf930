// What flows through the pipeline as a river: as wide as the packets it carries, with a leg for
// what it loses.

import { s, setAttribute } from "./dom.js";

const RIVER_PX = 56; // the width of the widest flow
const LEAST_PX = 1.5; // of a bed nothing flows in
const LEG_PX = 14; // how far into a column what is dropped leaves
const TOP_PX = 8;
const HEIGHT_PX = 112;

/** The river over columns of equal width, one a stage ({ perS, droppedPerS }, packets/s). */
export class River {
  #width = 0;
  #stages = [];
  #observer;

  constructor() {
    this.flow = s("path", { class: "flow" });
    this.legs = s("g", { class: "legs" });
    this.marks = s("g", { class: "marks" });
    this.element = s(
      "svg",
      { class: "river", height: HEIGHT_PX, "aria-hidden": "true", focusable: "false" },
      this.legs,
      this.flow,
      this.marks,
    );
    this.#observer = new ResizeObserver(([{ contentRect }]) => {
      this.#width = contentRect.width;
      this.#draw();
    });
    this.#observer.observe(this.element);
  }

  update(stages) {
    this.#stages = stages;
    this.#draw();
  }

  dispose() {
    this.#observer.disconnect();
  }

  #draw() {
    const stages = this.#stages;
    if (this.#width === 0 || stages.length === 0) return;
    const column = this.#width / stages.length;
    const most = Math.max(...stages.map(({ perS }) => perS), 1);
    const thick = (perS) => Math.max(LEAST_PX, (RIVER_PX * perS) / most);
    const at = stages.map((_, index) => Math.round(index * column));
    const enters = stages.map(({ perS }) => TOP_PX + thick(perS));
    const leaves = stages.map(
      ({ perS, droppedPerS }) => TOP_PX + thick(Math.max(0, perS - droppedPerS)),
    );
    // The bank above is straight; what a stage drops leaves below, where it begins.
    let bank = `M0,${TOP_PX}H${this.#width.toFixed(1)}V${leaves.at(-1).toFixed(1)}`;
    for (let i = stages.length - 1; i >= 0; i -= 1) {
      bank += `H${at[i] + LEG_PX}V${enters[i].toFixed(1)}H${at[i]}`;
      if (i > 0) bank += `V${leaves[i - 1].toFixed(1)}`;
    }
    setAttribute(this.flow, "d", `${bank}Z`);
    this.legs.replaceChildren(
      ...stages.flatMap(({ droppedPerS }, i) =>
        droppedPerS > 0 ? [leg(at[i] + LEG_PX, leaves[i], enters[i])] : [],
      ),
    );
    this.marks.replaceChildren(
      ...at.map((x) => s("line", { x1: x + 0.5, x2: x + 0.5, y1: TOP_PX - 4, y2: HEIGHT_PX })),
    );
  }
}

/** What leaves a river between two heights, bending down. */
function leg(x, above, below) {
  const width = Math.max(LEAST_PX, below - above);
  const [middle, end] = [below - width / 2, x + LEG_PX + width / 2];
  return s("path", {
    "stroke-width": width.toFixed(1),
    d: `M${x},${middle}C${end},${middle} ${end},${below} ${end},${HEIGHT_PX}`,
  });
}
