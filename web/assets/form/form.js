/** A form for the parameters of a service. */

import { h, uniqueId } from "../dom.js";
import { sentence } from "../format.js";
import { leaf } from "./leaf.js";
import { defaultOf, describe } from "./schema.js";

/** A step of a JSON pointer. */
const escape = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");

/**
 * @param {any} schema
 * @param {() => void} changed
 */
export function schemaForm(schema, changed) {
  const root = describe(schema);
  /**
   * What can be complained to. Fields of the same name in two variants share a pointer; one of them is shown.
   * @type {{path: string, complain: (message: string) => void, focus: () => void, shown: () => boolean, wrong: () => boolean}[]}
   */
  const places = [];
  const top = group(root, "", { places, changed });
  const initial = defaultOf(root);
  top.write(initial);

  const clear = () => places.forEach((place) => place.complain(""));
  /** The place of a pointer, or of what it is within. */
  const nearest = (pointer) => {
    for (let path = pointer; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
      const place = places.find((candidate) => candidate.path === path && candidate.shown());
      if (place) return place;
    }
    return null;
  };
  return {
    element: h("div", { class: "params", testid: "params" }, top.element),
    hasFields: root.kind === "object" && root.fields.length > 0,
    /** Reads all, and complains where something is wrong. @returns {{value: any, wrong: number}} */
    read() {
      clear();
      const errors = [];
      const value = top.read(errors);
      for (const { path, message } of errors) nearest(path)?.complain(message);
      return { value: value ?? {}, wrong: errors.length };
    },
    /** Reads without complaint. */
    peek: () => top.read([]) ?? {},
    write: (value) => {
      top.write(value);
      clear();
    },
    reset: () => {
      top.write(initial);
      clear();
    },
    /** Shows what the server found. @param {{pointer: string, detail: string}[]} errors @returns what has no place here */
    complain(errors) {
      clear();
      const messages = new Map();
      const homeless = [];
      for (const error of errors) {
        const pointer = error.pointer.replace(/^#/, "").replace(/^\/params(?=\/|$)/, "");
        const place = nearest(pointer);
        if (place) messages.set(place, [...(messages.get(place) ?? []), error.detail]);
        else homeless.push(error);
      }
      messages.forEach((details, place) => place.complain(details.map(sentence).join(" ")));
      return homeless;
    },
    focusFirstWrong() {
      const wrong = places.find((place) => place.shown() && place.wrong());
      wrong?.focus();
      return wrong !== undefined;
    },
  };
}

/** The fields of an object. */
function group(field, path, context) {
  const members = (field.fields ?? []).map(({ name, field: inner, required }) => ({
    name,
    node: node(inner, `${path}/${escape(name)}`, required, context),
  }));
  return {
    element: h(
      "div",
      { class: "field-grid" },
      members.map(({ node: member }) => member.element),
    ),
    read(errors) {
      const value = {};
      for (const { name, node: member } of members) {
        const part = member.read(errors);
        if (part !== undefined) value[name] = part;
      }
      return value;
    },
    write: (value) => members.forEach(({ name, node: member }) => member.write(value?.[name])),
    focus: () => members[0]?.node.focus(),
  };
}

function node(field, path, required, context) {
  if (field.kind === "object")
    return field.nullable || (!required && field.default === undefined && hasRequired(field))
      ? optionalGroup(field, path, context)
      : framedGroup(field, path, context);
  if (field.kind === "either") return either(field, path, context);
  const control = leaf(field, path, { required, changed: context.changed });
  register(context, path, control, control.element);
  return {
    element: control.element,
    read(errors) {
      const { value, error } = control.read();
      if (error) errors.push({ path, message: error });
      return value;
    },
    write: (value) => control.write(value === undefined ? defaultOf(field) : value),
    focus: control.focus,
  };
}

const hasRequired = (field) => field.fields.some(({ required }) => required);

function register({ places }, path, control, element) {
  places.push({
    path,
    complain: control.complain,
    focus: control.focus,
    shown: () => element.closest("[hidden]") === null,
    wrong: () => element.classList.contains("is-wrong"),
  });
}

/** A heading, what it is about, and a place for what is wrong with the whole. */
function fieldset(field, path, ...children) {
  const error = h("p", { class: "field-error", hidden: true });
  const element = h(
    "fieldset",
    { class: "field-group", "data-path": path, testid: `field${path.replaceAll("/", "-")}` },
    h("legend", {}, field.title),
    field.description && h("p", { class: "field-hint" }, sentence(field.description)),
    children,
    error,
  );
  return {
    element,
    complain(message) {
      error.textContent = message;
      error.hidden = message === "";
      element.classList.toggle("is-wrong", message !== "");
    },
  };
}

function framedGroup(field, path, context) {
  const inner = group(field, path, context);
  const framed = fieldset(field, path, inner.element);
  register(context, path, { complain: framed.complain, focus: inner.focus }, framed.element);
  return {
    element: framed.element,
    read: inner.read,
    write: (value) => inner.write(value ?? defaultOf(field)),
    focus: inner.focus,
  };
}

/** An object that may be left alone. */
function optionalGroup(field, path, context) {
  const inner = group(field, path, context);
  const id = uniqueId("set");
  const toggle = h("input", { type: "checkbox", id, role: "switch", class: "switch" });
  const body = h("div", { class: "field-optional" }, inner.element);
  const framed = fieldset(
    { title: field.title, description: "" },
    path,
    h(
      "div",
      { class: "field field-switch" },
      h("label", { for: id }, "Set by hand"),
      toggle,
      field.description && h("p", { class: "field-hint" }, sentence(field.description)),
    ),
    body,
  );
  const draw = () => {
    body.hidden = !toggle.checked;
  };
  toggle.addEventListener("change", () => {
    draw();
    framed.complain("");
    context.changed();
    if (toggle.checked) inner.focus();
  });
  register(context, path, { complain: framed.complain, focus: () => toggle.focus() }, framed.element);
  return {
    element: framed.element,
    read: (errors) => (toggle.checked ? inner.read(errors) : undefined),
    write(value) {
      const next = value === undefined ? defaultOf(field) : value;
      toggle.checked = next !== null && next !== undefined;
      inner.write(next ?? undefined);
      draw();
    },
    focus: () => toggle.focus(),
  };
}

/** One of several objects. */
function either(field, path, context) {
  const variants = field.variants.map((variant) => group(variant, path, context));
  const name = uniqueId("either");
  const inputs = field.variants.map((variant, index) => {
    const input = h("input", {
      type: "radio",
      name,
      value: index,
      class: "visually-hidden",
      testid: `variant${path.replaceAll("/", "-")}-${index}`,
    });
    return { input, label: h("label", { class: "segment" }, input, h("span", {}, variant.title)) };
  });
  const bodies = variants.map((variant) => h("div", { class: "variant" }, variant.element));
  let chosen = 0;
  const draw = () => {
    inputs.forEach(({ input }, index) => {
      input.checked = index === chosen;
    });
    bodies.forEach((body, index) => {
      body.hidden = index !== chosen;
    });
  };
  inputs.forEach(({ input }, index) =>
    input.addEventListener("change", () => {
      chosen = index;
      framed.complain("");
      draw();
      context.changed();
    }),
  );
  const framed = fieldset(
    field,
    path,
    h(
      "div",
      { class: "segmented", role: "radiogroup", "aria-label": field.title },
      inputs.map(({ label }) => label),
    ),
    bodies,
  );
  const focus = () => inputs[chosen].input.focus();
  register(context, path, { complain: framed.complain, focus }, framed.element);
  return {
    element: framed.element,
    read: (errors) => variants[chosen].read(errors),
    write(value) {
      const next = value === undefined || value === null ? defaultOf(field) : value;
      chosen = Math.max(0, bestVariant(field.variants, next));
      variants.forEach((variant, index) => variant.write(index === chosen ? next : undefined));
      draw();
    },
    focus,
  };
}

/** The variant that knows the most of the value's keys. */
function bestVariant(variants, value) {
  const keys = Object.keys(value ?? {});
  const known = variants.map(
    ({ fields }) => keys.filter((key) => fields.some(({ name }) => name === key)).length,
  );
  return known.indexOf(Math.max(...known));
}
