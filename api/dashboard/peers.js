// PFCP peers: the SMFs this UPF is associated with.

import { h, KeyedList, setAttribute, setText, show } from "./dom.js";
import { ago, plural } from "./format.js";
import { onChanged } from "./live.js";
import { ask, get } from "./rest.js";

export function peers(live) {
  const lede = h("p", { class: "lede" });
  const rows = h("tbody");
  const alert = h("p", { class: "error", role: "alert" });
  const list = new KeyedList(
    rows,
    (peer) => peer.node_id,
    (peer) => new PeerRow(peer, release),
  );
  const table = h(
    "div",
    { class: "scroll", role: "region", "aria-label": "PFCP peers", tabindex: "0" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Node", "Address", "State", "Sessions", "Since", ""].map((text) =>
            text ? h("th", { scope: "col" }, text) : h("td"),
          ),
        ),
      ),
      rows,
    ),
  );

  function draw(associations, now) {
    setText(
      lede,
      associations.length
        ? `Associated with ${plural(associations.length, "SMF")} over PFCP.`
        : "No SMF has set up an association yet.",
    );
    show(table, associations.length > 0);
    list.update(associations.map((peer) => ({ ...peer, now })));
  }

  async function look() {
    try {
      draw(await get("/v1/associations"), Date.now());
    } catch (problem) {
      setText(alert, problem.message);
    }
  }

  async function release(peer) {
    setText(alert, "");
    const force = peer.sessions > 0;
    const question =
      `Release the association with ${peer.node_id}?` +
      (force ? ` Its ${plural(peer.sessions, "session")} will end.` : "");
    if (!confirm(question)) return;
    try {
      await ask(
        "DELETE",
        `/v1/associations/${encodeURIComponent(peer.node_id)}${force ? "?force=true" : ""}`,
      );
    } catch (problem) {
      setText(alert, problem.message);
    }
  }

  return {
    title: "Peers",
    element: h(
      "div",
      {},
      h("div", { class: "head" }, h("div", {}, h("h1", {}, "Peers"), lede)),
      alert,
      table,
      setUp(alert),
    ),
    update: ({ associations, time }) => draw(associations, Date.parse(time)),
    dispose: onChanged(live, "associations", look),
  };
}

function setUp(alert) {
  const input = h("input", {
    id: "smf-address",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "10.100.4.1",
  });
  const button = h("button", { class: "primary" }, "Set up");
  return h(
    "form",
    {
      class: "inline",
      onsubmit: async (event) => {
        event.preventDefault();
        setText(alert, "");
        button.disabled = true;
        try {
          await ask("POST", "/v1/associations", {
            body: { address: input.value.trim(), port: 8805 },
          });
          input.value = "";
        } catch (problem) {
          setText(alert, [...problem.fields.values()].join("; ") || problem.message);
        }
        button.disabled = false;
      },
    },
    h(
      "div",
      { class: "field" },
      h("label", { for: "smf-address" }, "Set up an association from here, with the SMF at"),
      input,
    ),
    button,
  );
}

class PeerRow {
  constructor(peer, release) {
    this.peer = peer;
    this.address = h("td", { "data-label": "Address" });
    this.state = h("td", { class: "state", "data-label": "State" });
    this.sessions = h("a", { href: `#/sessions?smf=${encodeURIComponent(peer.node_id)}` });
    this.since = h("td", { "data-label": "Since" });
    this.element = h(
      "tr",
      {},
      h("th", { scope: "row" }, peer.node_id),
      this.address,
      this.state,
      h("td", { "data-label": "Sessions" }, this.sessions),
      this.since,
      h(
        "td",
        {},
        h(
          "button",
          {
            type: "button",
            class: "plain",
            "aria-label": `Release ${peer.node_id}`,
            onclick: () => release(this.peer),
          },
          "Release",
        ),
      ),
    );
  }

  update(peer) {
    this.peer = peer;
    setText(this.address, peer.address);
    setText(this.state, peer.is_reachable ? "reachable" : "silent");
    setAttribute(this.state, "data-state", peer.is_reachable ? "live" : "lost");
    setText(this.sessions, plural(peer.sessions, "session"));
    setText(this.since, peer.since ? ago(Date.parse(peer.since), peer.now) : "–");
  }
}
