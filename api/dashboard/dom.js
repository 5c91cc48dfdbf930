// Building and keeping up the page: elements from calls, lists by key, text only when it changed.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** An HTML element: attributes by name, listeners as `onclick`, children as nodes or text. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element, likewise. */
export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Set text, but touch the page only if it differs: what stays the same is not laid out again. */
export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Set an attribute or, for null and false, take it away; only if it differs. */
export function setAttribute(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/** Show or hide an element. */
export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/**
 * A list of parts kept in step with a list of items. `make(item)` gives a part, an object with its
 * `element` and `update(item)`; parts live as long as their key is among the items, in their order.
 */
export class KeyedList {
  #parts = new Map();

  constructor(parent, keyOf, make) {
    Object.assign(this, { parent, keyOf, make });
  }

  update(items) {
    const keys = new Set(items.map(this.keyOf));
    for (const [key, part] of this.#parts) {
      if (!keys.has(key)) {
        part.element.remove();
        part.dispose?.();
        this.#parts.delete(key);
      }
    }
    let previous = null;
    for (const item of items) {
      const part = this.#part(item);
      part.update(item);
      const place = previous === null ? this.parent.firstElementChild : previous.nextElementSibling;
      if (place !== part.element) this.parent.insertBefore(part.element, place);
      previous = part.element;
    }
  }

  dispose() {
    this.update([]);
  }

  #part(item) {
    const key = this.keyOf(item);
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = this.make(item);
      this.#parts.set(key, part);
    }
    return part;
  }
}
