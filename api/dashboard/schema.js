// JSON Schema in words: what a value may be, and the members of an object as a table.

import { h } from "./dom.js";

const DEEPEST = 3;

/** Follows references into the document's components. */
export function resolver(document) {
  return (schema) => {
    let found = schema;
    while (found?.$ref) {
      found = found.$ref
        .slice(2)
        .split("/")
        .reduce((at, part) => at[part], document);
    }
    return found ?? {};
  };
}

/** What a value may be, in a few words. */
export function words(schema, resolve) {
  const { type, enum: values, anyOf, oneOf, items, const: constant, $ref } = schema;
  const choices = anyOf ?? oneOf;
  if (constant !== undefined) return JSON.stringify(constant);
  if (values) return values.map((value) => JSON.stringify(value)).join(", ");
  if (choices) return choices.map((each) => words(each, resolve)).join(", or ");
  if ($ref) return words(withoutMembers(resolve(schema)), resolve);
  if (type === "array") return `list of ${items ? words(items, resolve) : "anything"}`;
  return [type ?? "anything", ...limits(schema)].join(" ");
}

function withoutMembers(schema) {
  return schema.properties ? { type: "object" } : schema;
}

function limits({ minimum, maximum, minLength, maxLength, format, pattern }) {
  const said = [];
  if (minimum !== undefined && maximum !== undefined) said.push(`${minimum} to ${maximum}`);
  else if (minimum !== undefined) said.push(`from ${minimum}`);
  else if (maximum !== undefined) said.push(`up to ${maximum}`);
  if (maxLength !== undefined) said.push(`of ${minLength ?? 0} to ${maxLength} characters`);
  if (format) said.push(`(${format})`);
  if (pattern) said.push(pattern);
  return said;
}

/** The members of an object, or of the objects that a value may be, as tables; null if it is none. */
export function members(schema, resolve, depth = 0) {
  const found = resolve(schema);
  if (depth > DEEPEST) return null;
  const choices = found.anyOf ?? found.oneOf;
  if (choices) return group(choices, resolve, depth);
  if (found.type === "array" && found.items) return members(found.items, resolve, depth);
  if (!found.properties) return null;
  const required = new Set(found.required ?? []);
  return h(
    "div",
    { class: "members" },
    found.description && prose(found.description),
    h(
      "dl",
      {},
      Object.entries(found.properties).map(([name, property]) => [
        h("dt", {}, h("code", {}, name), required.has(name) && h("span", { class: "must" }, " required")),
        h("dd", {}, ...member(property, resolve, depth)),
      ]).flat(),
    ),
  );
}

function group(choices, resolve, depth) {
  const tables = choices.map((each) => members(each, resolve, depth)).filter(Boolean);
  if (tables.length === 0) return null;
  return h(
    "div",
    {},
    tables.flatMap((table, index) => (index ? [h("p", { class: "or" }, "or"), table] : [table])),
  );
}

function member(property, resolve, depth) {
  const { description, default: initial } = property;
  const inside = members(property, resolve, depth + 1);
  return [
    h("span", { class: "type" }, words(property, resolve)),
    initial !== undefined && h("span", { class: "type" }, ` · ${JSON.stringify(initial)} unless given`),
    description && h("span", { class: "about" }, description),
    inside && h("details", {}, h("summary", {}, "Members"), inside),
  ].filter(Boolean);
}

/** Text with `code` in it, a paragraph for each that blank lines part. */
export function prose(text) {
  const paragraphs = text.trim().split(/\n\s*\n/);
  return h(
    "div",
    { class: "prose" },
    paragraphs.map((paragraph) =>
      h(
        "p",
        {},
        paragraph.split(/`([^`]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part)),
      ),
    ),
  );
}
