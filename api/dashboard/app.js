// The page: which view is shown, what stands beside it, and how a token is asked for.

import { h, setAttribute, setText } from "./dom.js";
import { drops } from "./drops.js";
import { ago, count, perSecond } from "./format.js";
import { Live } from "./live.js";
import { path } from "./path.js";
import { peers } from "./peers.js";
import { ports } from "./ports.js";
import { onTokenWanted } from "./rest.js";
import { session } from "./session.js";
import { sessions } from "./sessions.js";
import { slices } from "./slices.js";

// A view is a function (live, parameter) -> { title, element, update?(figures), dispose?() }.
const VIEWS = { slices, sessions, path, drops, peers, ports };
const DETAILS = { sessions: session };
const SCHEMES = ["system", "light", "dark"];
const SCHEME = "tern-scheme";

const live = new Live();
const main = document.getElementById("main");
let current = null;

function route() {
  const [, name = "slices", parameter] = location.hash
    .split("?")[0]
    .split("/")
    .map(decodeURIComponent);
  const makes = (parameter && DETAILS[name]) || VIEWS[name] || slices;
  current?.dispose?.();
  current = makes(live, parameter);
  document.title = `${current.title} · Tern`;
  main.replaceChildren(current.element);
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.hash === `#/${name}` || (link.hash === "#/slices" && makes === slices);
    setAttribute(link, "aria-current", isHere ? "page" : null);
    // On a phone the row of views is wider than the window.
    if (isHere) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (live.figures !== null) current.update?.(live.figures);
}

function navigate() {
  if (!location.hash.startsWith("#/") && location.hash !== "") return; // the skip link
  route();
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function tally(name, text) {
  setText(document.getElementById(`tally-${name}`), text);
}

function showFigures() {
  const { figures } = live;
  const droppedPerS = figures.drops.reduce((sum, each) => sum + each.packets_per_s, 0);
  const upPorts = figures.ports.filter((each) => each.is_up).length;
  const reachable = figures.associations.filter((each) => each.is_reachable).length;
  tally("slices", count(figures.slices.filter((each) => each.name !== null).length));
  tally("sessions", count(figures.sessions));
  tally("drops", droppedPerS > 0 ? perSecond(droppedPerS) : "");
  tally("peers", of(reachable, figures.associations.length));
  tally("ports", of(upPorts, figures.ports.length));
  setText(
    document.getElementById("node"),
    `Version ${figures.version}, up ${ago(Date.parse(figures.since), Date.parse(figures.time))}`,
  );
  showConnection();
  current?.update?.(figures);
}

function of(well, all) {
  return well === all ? count(all) : `${well} of ${all}`;
}

function showConnection() {
  const status = document.getElementById("connection");
  const { figures, isConnected, problem } = live;
  const [state, text] = !isConnected
    ? ["lost", problem?.message ?? "Connecting"]
    : figures?.is_ready === false
      ? ["unready", `Not ready: ${figures.reason}`]
      : ["live", "Serving"];
  setAttribute(status, "data-state", state);
  setText(status, text);
}

function installSchemes() {
  const button = document.getElementById("scheme");
  const apply = (scheme) => {
    if (scheme === "system") delete document.documentElement.dataset.scheme;
    else document.documentElement.dataset.scheme = scheme;
    setText(button, scheme === "system" ? "Auto" : scheme === "light" ? "Light" : "Dark");
    setAttribute(button, "aria-label", `Colours: ${button.textContent}`);
  };
  let scheme = localStorage.getItem(SCHEME) ?? "system";
  apply(scheme);
  button.addEventListener("click", () => {
    scheme = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length];
    localStorage.setItem(SCHEME, scheme);
    apply(scheme);
  });
}

function askForToken(detail) {
  return new Promise((resolve) => {
    const input = h("input", {
      id: "token",
      type: "password",
      autocomplete: "off",
      required: true,
    });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", {}, "Token wanted"),
      h("p", {}, detail),
      h("label", { for: "token" }, "Bearer token"),
      input,
      h("p", { class: "hint" }, "Kept until this tab is closed."),
      h("div", { class: "actions" }, h("button", { class: "primary" }, "Sign in")),
    );
    const dialog = h("dialog", { "aria-label": "Token wanted" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(input.value.trim() || null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

installSchemes();
onTokenWanted(askForToken);
addEventListener("hashchange", navigate);
live.addEventListener("figures", showFigures);
live.addEventListener("connection", showConnection);
route();
live.start();
