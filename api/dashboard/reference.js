// The reference of REST, made of /openapi.json: every call with what it takes, answers and examples.

import { h } from "./dom.js";
import { members, prose, resolver, words } from "./schema.js";

const METHODS = ["get", "put", "post", "patch", "delete"];

async function show() {
  const main = document.getElementById("main");
  const answer = await fetch("/openapi.json");
  if (!answer.ok) {
    main.append(h("p", { class: "error" }, `/openapi.json: ${answer.status}`));
    return;
  }
  const told = await answer.json();
  const calls = callsOf(told);
  const resolve = resolver(told);
  const sections = told.tags
    .map(({ name, description }) => ({
      name,
      description,
      calls: calls.filter(({ tags }) => tags[0] === name),
    }))
    .filter((section) => section.calls.length > 0);
  document.title = `REST · ${told.info.title}`;
  document.getElementById("calls").replaceChildren(
    h(
      "ul",
      {},
      sections.map(({ name }) => h("li", {}, h("a", { href: `#${anchor(name)}` }, capital(name)))),
    ),
  );
  main.replaceChildren(
    h("h1", {}, "REST"),
    h(
      "div",
      { class: "lede" },
      prose(told.info.description),
      h("p", {}, `Version ${told.info.version}. For machines: `, h("a", { href: "/openapi.json" }, "OpenAPI"), "."),
    ),
    ...sections.map((section) => sectionOf(section, resolve)),
  );
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function callsOf(told) {
  return Object.entries(told.paths).flatMap(([path, verbs]) =>
    METHODS.filter((method) => verbs[method]).map((method) => ({ path, method, ...verbs[method] })),
  );
}

function sectionOf({ name, description, calls }, resolve) {
  const id = anchor(name);
  return h(
    "section",
    { "aria-labelledby": id },
    h("h2", { id }, capital(name)),
    h("p", { class: "quiet" }, `${description}.`),
    calls.map((call) => callOf(call, resolve)),
  );
}

function callOf(call, resolve) {
  const { path, method, summary, description, parameters = [], requestBody, responses } = call;
  const body = requestBody?.content["application/json"];
  const examples = body ? examplesOf(body, resolve) : [];
  return h(
    "details",
    { class: "call", id: `${method}-${anchor(path)}` },
    h(
      "summary",
      {},
      h("span", { class: "method", "data-method": method }, method.toUpperCase()),
      h("code", {}, path),
      h("span", { class: "about" }, summary),
    ),
    h(
      "div",
      { class: "inside" },
      description && prose(description),
      h("pre", { tabindex: "0" }, curl(call, examples[0])),
      parameters.length > 0 && [h("h3", {}, "Parameters"), parameterList(parameters, resolve)],
      body && [
        h("h3", {}, "Body"),
        members(body.schema, resolve) ?? h("p", {}, words(body.schema, resolve)),
        examples.slice(1).map((each) => example(each)),
      ],
      h("h3", {}, "Answers"),
      Object.entries(responses).map(([status, each]) => answerOf(status, each, resolve)),
    ),
  );
}

function parameterList(parameters, resolve) {
  return h(
    "dl",
    {},
    parameters.flatMap(({ name, in: where, required, schema, description }) => [
      h("dt", {}, h("code", {}, name), required && h("span", { class: "must" }, " required")),
      h(
        "dd",
        {},
        h("span", { class: "type" }, `${where}, ${words(schema, resolve)}`),
        description && h("span", { class: "about" }, description),
      ),
    ]),
  );
}

function answerOf(status, { description, content = {}, headers = {} }, resolve) {
  const [[type, body] = []] = Object.entries(content);
  const inside = [
    ...Object.entries(headers).map(([name, { description: about }]) =>
      h("p", {}, h("code", {}, name), `: ${about}`),
    ),
    ...(body ? examplesOf(body, resolve).map((each) => example(each)) : []),
    Number(status) < 400 && body ? members(body.schema ?? {}, resolve) : null,
  ].filter(Boolean);
  const line = [
    h("strong", { class: "status", "data-class": status[0] }, status),
    ` ${description}`,
    type && h("span", { class: "type" }, ` ${type}`),
  ];
  return inside.length > 0
    ? h("details", { class: "answer" }, h("summary", {}, line), inside)
    : h("p", { class: "answer" }, line);
}

/** Examples of a body: its own, else those of what it is. */
function examplesOf({ example: own, schema = {} }, resolve) {
  if (own !== undefined) return [own];
  return resolve(schema).examples ?? [];
}

function example(value) {
  return h(
    "pre",
    { tabindex: "0" },
    typeof value === "string" ? value : JSON.stringify(value, null, 2),
  );
}

/** The call as it is typed, with the examples of what it takes. */
function curl({ path, method, parameters = [] }, body) {
  const filled = parameters
    .filter(({ in: where }) => where === "path")
    .reduce((at, { name, example: own, schema }) => {
      const value = own ?? schema.examples?.[0] ?? name.toUpperCase();
      return at.replace(`{${name}}`, value);
    }, path);
  const words = ["curl"];
  if (method !== "get") words.push(`-X ${method.toUpperCase()}`);
  words.push(`${location.origin}${filled}`);
  if (body !== undefined) {
    words.push(`-H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`);
  }
  return words.join(" ");
}

function anchor(text) {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A call that is linked to is opened. */
function openLinked() {
  const linked = document.getElementById(location.hash.slice(1));
  if (linked instanceof HTMLDetailsElement) linked.open = true;
}

addEventListener("hashchange", openLinked);
await show();
openLinked();
