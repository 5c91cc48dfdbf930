// Provisioning, changing and deleting a slice. What REST refuses is said at the field it is about.

import { h, setAttribute, setText, show } from "./dom.js";
import { capacity, plural } from "./format.js";
import { ask } from "./rest.js";

const WHAT_IF_AFTER_MS = 350;

// name, label, hint, and how text becomes the value REST takes.
const number = (text) => (text.trim() === "" ? null : Number(text.replace(",", ".")));
const numberOrZero = (text) => number(text) ?? 0;
const FIELDS = [
  ["name", "Name", "Letters, digits, dots and dashes", String],
  ["sst", "SST", "0 to 255", number],
  ["sd", "SD", "Six hex digits, or empty", (text) => text.trim() || null],
  [
    "dnns",
    "DNNs",
    "Apart by commas; empty for every DNN",
    (text) =>
      text
        .split(",")
        .map((each) => each.trim())
        .filter(Boolean),
  ],
  ["uplink_mbps", "Uplink, Mbit/s", "Empty for no limit", number],
  ["downlink_mbps", "Downlink, Mbit/s", "Empty for no limit", number],
  ["guaranteed_uplink_mbps", "Guaranteed uplink, Mbit/s", "0 for none", numberOrZero],
  ["guaranteed_downlink_mbps", "Guaranteed downlink, Mbit/s", "0 for none", numberOrZero],
  ["max_sessions", "Sessions at most", "Empty for no limit", number],
  ["dscp", "DSCP of GTP-U", "0 to 63; empty for 0", number],
  ["excess_dscp", "DSCP of excess", "Above the guaranteed share; empty for the same", number],
  ["uplink_burst_ms", "Uplink burst, ms", "How long it may exceed the capacity", number],
  ["downlink_burst_ms", "Downlink burst, ms", "How long it may exceed the capacity", number],
];
const GROUPS = [
  ["Who belongs to it", ["name", "sst", "sd", "dnns"]],
  [
    "Capacity",
    [
      "uplink_mbps",
      "downlink_mbps",
      "guaranteed_uplink_mbps",
      "guaranteed_downlink_mbps",
      "uplink_burst_ms",
      "downlink_burst_ms",
      "max_sessions",
      "dscp",
      "excess_dscp",
    ],
  ],
];
const FRESH = {
  sst: 1,
  sd: null,
  dnns: [],
  uplink_mbps: null,
  downlink_mbps: null,
  uplink_burst_ms: 250,
  downlink_burst_ms: 250,
  guaranteed_uplink_mbps: 0,
  guaranteed_downlink_mbps: 0,
  max_sessions: null,
  dscp: null,
  excess_dscp: null,
};
const WHOLE = ["sst", "max_sessions", "dscp", "excess_dscp"];

class Field {
  constructor([name, label, hint, read], value, isFixed) {
    Object.assign(this, { name, read });
    const id = `field-${name}`;
    this.input = h("input", {
      id,
      name,
      value: Array.isArray(value) ? value.join(", ") : (value ?? ""),
      readonly: isFixed,
      autocomplete: "off",
      spellcheck: "false",
      inputmode: WHOLE.includes(name) ? "numeric" : /_(mbps|ms)$/.test(name) ? "decimal" : null,
      "aria-describedby": `${id}-hint`,
    });
    this.hint = h("p", { class: "hint", id: `${id}-hint` }, hint);
    this.error = h("p", { class: "error", id: `${id}-error`, hidden: true });
    this.element = h(
      "div",
      { class: "field" },
      h("label", { for: id }, label),
      this.input,
      this.hint,
      this.error,
    );
  }

  get value() {
    const value = this.read(this.input.value);
    // What is no number is sent as it was typed: REST says what is wrong with it.
    return Number.isNaN(value) ? this.input.value : value;
  }

  complain(what) {
    show(this.error, what !== null);
    setText(this.error, what ?? "");
    setAttribute(this.input, "aria-invalid", what === null ? null : "true");
    setAttribute(
      this.input,
      "aria-describedby",
      what === null ? this.hint.id : `${this.error.id} ${this.hint.id}`,
    );
  }
}

/** A dialog that is gone when closed; `submit()` returns true when all is done. */
function openDialog(title, content, actions, submit) {
  const id = "dialog-title";
  const alert = h("p", { class: "error", role: "alert" });
  const form = h(
    "form",
    { novalidate: true },
    h("h2", { id }, title),
    alert,
    content,
    h("div", { class: "actions" }, actions),
  );
  const dialog = h("dialog", { "aria-labelledby": id }, form);
  const submitter = form.querySelector("button.primary");
  actions[0].addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submitter.disabled = true;
    setText(alert, "");
    try {
      await submit();
      dialog.close();
    } catch (problem) {
      setText(alert, problem.message);
      content.dispatchEvent(new CustomEvent("refused", { detail: problem }));
    }
    submitter.disabled = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, alert, form };
}

const cancel = () => h("button", { type: "button", class: "plain" }, "Cancel");
const pathOf = (name) => `/v1/slices/${encodeURIComponent(name)}`;

/** Make a slice, or change `held`; `done()` is called once REST took it. */
export function editSlice(held, done) {
  const fields = FIELDS.map(
    (field) =>
      new Field(field, held ? held[field[0]] : FRESH[field[0]], held && field[0] === "name"),
  );
  const byName = new Map(fields.map((field) => [field.name, field]));
  const forecast = h("div", { class: "forecast", role: "status" });
  const content = h(
    "div",
    {},
    GROUPS.map(([legend, names]) =>
      h(
        "fieldset",
        {},
        h("legend", {}, legend),
        h(
          "div",
          { class: "fields" },
          names.map((name) => byName.get(name).element),
        ),
      ),
    ),
    forecast,
  );

  const nameOf = () => byName.get("name").value.trim();
  const body = () =>
    Object.fromEntries(
      fields.filter(({ name }) => name !== "name").map((field) => [field.name, field.value]),
    );

  const { form, alert } = openDialog(
    held ? `Change ${held.name}` : "New slice",
    content,
    [cancel(), h("button", { class: "primary" }, held ? "Save" : "Create slice")],
    async () => {
      for (const field of fields) field.complain(null);
      if (!nameOf()) {
        byName.get("name").complain("A slice needs a name.");
        byName.get("name").input.focus();
        throw new Error("Give the slice a name.");
      }
      const headers = held ? { "If-Match": held.etag } : { "If-None-Match": "*" };
      await ask("PUT", pathOf(nameOf()), { body: body(), headers });
      done();
    },
  );

  content.addEventListener("refused", ({ detail: problem }) => {
    let first = null;
    for (const [where, what] of problem.fields ?? []) {
      const field = byName.get(where.split(".")[0]);
      field?.complain(what);
      first ??= field;
    }
    if (first) setText(alert, "Some fields are not as they must be.");
    first?.input.focus();
    if (problem.status === 412)
      setText(
        alert,
        held
          ? "Somebody changed this slice meanwhile. Close this and look again."
          : "There is a slice of this name already.",
      );
  });
  foresee(form, forecast, () => [nameOf() || "new", body()]);
}

/** Tell, as the user types, whether what he asks for would fit the ports. */
function foresee(form, forecast, asked) {
  let timer = null;
  const look = async () => {
    const [name, body] = asked();
    try {
      const { data } = await ask("POST", `${pathOf(name)}/what-if`, { body });
      forecast.replaceChildren(...forecastLines(data));
      setAttribute(forecast, "data-fits", data.fits ? "yes" : "no");
    } catch {
      // A half-typed value cannot be judged; what is wrong with it is said when it is sent.
      forecast.replaceChildren();
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WHAT_IF_AFTER_MS);
  });
  look();
}

function forecastLines({ fits, reasons, doubts, directions }) {
  const lines = directions
    .filter(({ port_mbps: port }) => port !== null)
    .map(
      ({
        direction,
        port_role: role,
        port_mbps: port,
        capacity_mbps: sum,
        guaranteed_mbps: guaranteed,
        oversubscription,
      }) => {
        const parts = [
          sum === null ? "slices without limit" : `slices add up to ${capacity(1e6 * sum)}`,
        ];
        if (oversubscription !== null && oversubscription > 1)
          parts[0] += `, ${oversubscription.toFixed(1)} times the port`;
        if (guaranteed > 0) parts.push(`${capacity(1e6 * guaranteed)} guaranteed`);
        return h(
          "p",
          {},
          `${direction[0].toUpperCase()}${direction.slice(1)}, ${capacity(1e6 * port)} on ${role}: ${parts.join("; ")}.`,
        );
      },
    );
  const verdict = fits ? "This fits the ports." : `This does not fit: ${reasons.join("; ")}`;
  const doubted = doubts.map((each) => h("p", { class: "hint" }, each));
  return [h("p", { class: "verdict" }, verdict), ...lines, ...doubted];
}

/** Delete a slice, after asking; once more if sessions are in it. */
export function deleteSlice(held, done) {
  const force = h("input", { type: "checkbox", id: "force" });
  const insist = h(
    "p",
    { class: "check", hidden: true },
    force,
    h("label", { for: "force" }, "Delete it all the same. Its sessions go on without its limit."),
  );
  const inUse =
    held.sessions > 0
      ? ` ${plural(held.sessions, "session")} ${held.sessions === 1 ? "is" : "are"} in it.`
      : "";
  const content = h(
    "div",
    {},
    h("p", {}, `Its capacity no longer holds from then on.${inUse}`),
    insist,
  );
  content.addEventListener("refused", ({ detail }) => show(insist, detail.status === 409));
  openDialog(
    `Delete ${held.name}?`,
    content,
    [cancel(), h("button", { class: "primary danger" }, "Delete slice")],
    async () => {
      await ask("DELETE", `${pathOf(held.name)}${force.checked ? "?force=true" : ""}`);
      done();
    },
  );
}
