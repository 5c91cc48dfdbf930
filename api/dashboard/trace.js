// Tracing a packet on the packet path: what would become of it, and the tables it would hit.

import { h, setText, show } from "./dom.js";
import { ask } from "./rest.js";

/**
 * A form that asks for a packet of a UE, with its story below. `onTraced(steps)` is told what was
 * traced, null when nothing is shown any more. `suggest(ue)` fills in an address where none is yet.
 */
export function tracer(onTraced) {
  const address = h("input", {
    id: "trace-ue",
    name: "ue",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "10.45.0.2",
  });
  const remote = h("input", {
    id: "trace-remote",
    name: "remote",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "a neighbour on N6",
  });
  const direction = select("trace-direction", "direction", ["uplink", "downlink"]);
  const protocol = select("trace-protocol", "protocol", ["udp", "tcp", "icmp"]);
  const button = h("button", { class: "plain" }, "Trace");
  const alert = h("p", { class: "error", role: "alert" });
  const told = h("div", { role: "status" });
  const steps = h("ol", { class: "trace-steps" });
  const form = h(
    "form",
    { class: "trace-form", onsubmit: submit },
    field("UE address", address),
    field("Direction", direction),
    field("Far end", remote),
    field("Protocol", protocol),
    button,
  );

  async function submit(event) {
    event.preventDefault();
    setText(alert, "");
    button.disabled = true;
    try {
      const { data } = await ask("POST", "/v1/trace", { body: wanted() });
      told.replaceChildren(...verdict(data));
      steps.replaceChildren(...data.steps.filter(({ meaning }) => meaning !== null).map(step));
      onTraced(data.steps);
    } catch (problem) {
      setText(alert, problem.message);
      told.replaceChildren();
      steps.replaceChildren();
      onTraced(null);
    }
    show(steps, steps.childElementCount > 0);
    button.disabled = false;
  }

  function wanted() {
    const body = { direction: direction.value, ue: address.value.trim(), protocol: protocol.value };
    if (remote.value.trim() !== "") body.remote = remote.value.trim();
    return body;
  }

  show(steps, false);
  const element = h(
    "section",
    { class: "trace", "aria-labelledby": "trace-heading" },
    h("h2", { id: "trace-heading" }, "Trace a packet"),
    h(
      "p",
      { class: "hint" },
      "What would become of it, with the entries the switch holds now. Nothing is sent, nothing is counted.",
    ),
    form,
    alert,
    told,
    steps,
  );
  return {
    element,
    suggest(ue) {
      address.value ||= ue;
    },
  };
}

function verdict({ fate, summary, what_to_do: advice, up_seid: seid }) {
  const told = summary.charAt(0).toUpperCase() + summary.slice(1);
  return [
    h(
      "p",
      { class: "fate", "data-fate": fate },
      h("strong", {}, `${told}.`),
      " ",
      seid && h("a", { href: `#/sessions/${seid}` }, "Its session"),
    ),
    advice && h("p", { class: "advice" }, `What to do: ${advice}.`),
  ].filter(Boolean);
}

function step({ stage, name, meaning }) {
  return h(
    "li",
    {},
    h("span", { class: "table-name" }, `${stage} · ${name.split(".").at(-1)}`),
    meaning,
  );
}

function field(text, input) {
  return h("div", { class: "field" }, h("label", { for: input.id }, text), input);
}

function select(id, name, values) {
  return h(
    "select",
    { id, name },
    values.map((value) => h("option", { value }, value)),
  );
}
