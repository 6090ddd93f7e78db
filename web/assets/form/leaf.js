/** Fields that hold one value. */

import { h, uniqueId } from "../dom.js";
import { sentence } from "../format.js";
import { segmented } from "../components/segmented.js";
import { formatRows, parseList, parseNumber, parseRows } from "./parsing.js";
import { checkLength, checkNumber, checkText } from "./schema.js";

const MOST_SEGMENTS = 4;
const END_OF_TYPES = 2 ** 31 - 1;

/**
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {() => {value: any, error: string}} read `value` is `undefined` where nothing is said
 * @property {(value: any) => void} write
 * @property {(message: string) => void} complain an empty message takes an earlier one back
 * @property {() => void} focus
 */

/**
 * A field with its label, its description and a place for what is wrong.
 *
 * @param {{title: string, description: string, path: string, required: boolean, hint?: string, group?: boolean}} about
 * @param {HTMLElement} input
 */
function frame({ title, description, path, required, hint, group = false }, input, labelled = input) {
  const id = labelled.id;
  const error = h("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const about = h(
    "p",
    { class: "field-hint", id: `${id}-hint` },
    sentence(description),
    hint && description && " ",
    hint && h("span", { class: "field-range" }, hint),
  );
  labelled.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  const label = group
    ? h("span", { class: "label", id: `${id}-label` }, title)
    : h("label", { for: id }, title);
  if (!required) label.append(h("span", { class: "optional" }, " optional"));
  const element = h(
    "div",
    { class: "field", "data-path": path, testid: `field${path.replaceAll("/", "-")}` },
    label,
    input,
    error,
    (description || hint) && about,
  );
  return {
    element,
    complain(message) {
      error.textContent = message;
      error.hidden = message === "";
      if (message) labelled.setAttribute("aria-invalid", "true");
      else labelled.removeAttribute("aria-invalid");
      element.classList.toggle("is-wrong", message !== "");
    },
  };
}

function rangeHint(schema) {
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const most = schema.maximum ?? schema.exclusiveMaximum;
  // Where the type ends there is nothing worth telling.
  const high = most < END_OF_TYPES ? most : undefined;
  if (schema.exclusiveMinimum !== undefined && high !== undefined)
    return `More than ${schema.exclusiveMinimum}, at most ${high}.`;
  if (low !== undefined && high !== undefined) return `${low} to ${high}.`;
  if (schema.exclusiveMinimum !== undefined) return `More than ${schema.exclusiveMinimum}.`;
  if (low !== undefined) return `From ${low}.`;
  if (high !== undefined) return `At most ${high}.`;
  return "";
}

/**
 * @param {import("./schema.js").Field} field
 * @param {string} path its pointer
 * @param {{required: boolean, changed: () => void}} options
 * @returns {Control}
 */
export function leaf(field, path, options) {
  if (field.kind === "boolean") return checkbox(field, path, options);
  if (field.kind === "choice") return choice(field, path, options);
  return textual(field, path, options);
}

function checkbox(field, path, { changed }) {
  const id = uniqueId("field");
  const input = h("input", { type: "checkbox", id, role: "switch", class: "switch" });
  const framed = frame({ title: field.title, description: field.description, path, required: true }, input);
  framed.element.classList.add("field-switch");
  input.addEventListener("change", () => {
    framed.complain("");
    changed();
  });
  return {
    ...framed,
    read: () => ({ value: input.checked, error: "" }),
    write: (value) => {
      input.checked = value === true;
    },
    focus: () => input.focus(),
  };
}

function choice(field, path, { required, changed }) {
  const id = uniqueId("field");
  const optional = field.nullable || (!required && field.default === undefined);
  if (field.choices.length <= MOST_SEGMENTS && !optional) {
    const position = (value) => String(field.choices.findIndex((item) => item.value === value));
    let current = field.choices[0].value;
    const buttons = segmented({
      label: field.title,
      choices: field.choices.map((item, index) => ({
        value: String(index),
        label: item.label,
        title: item.title,
      })),
      value: "0",
      onChange: (value) => {
        current = field.choices[Number(value)].value;
        framed.complain("");
        changed();
      },
    });
    buttons.element.id = id;
    const framed = frame(
      { title: field.title, description: field.description, path, required: true, group: true },
      buttons.element,
    );
    return {
      ...framed,
      read: () => ({ value: current, error: "" }),
      write: (value) => {
        const known = field.choices.some((item) => item.value === value);
        current = known ? value : field.choices[0].value;
        buttons.set(position(current));
      },
      focus: () =>
        (buttons.element.querySelector(":checked") ?? buttons.element.querySelector("input")).focus(),
    };
  }
  const select = h(
    "select",
    { id },
    optional && h("option", { value: "" }, "Not set"),
    field.choices.map((item, index) => h("option", { value: index, title: item.title }, item.label)),
  );
  const framed = frame(
    { title: field.title, description: field.description, path, required: !optional },
    select,
  );
  select.addEventListener("change", () => {
    framed.complain("");
    changed();
  });
  return {
    ...framed,
    read: () => ({
      value: select.value === "" ? undefined : field.choices[Number(select.value)].value,
      error: "",
    }),
    write: (value) => {
      const index = field.choices.findIndex((item) => item.value === value);
      select.value = index < 0 ? (optional ? "" : "0") : String(index);
    },
    focus: () => select.focus(),
  };
}

/** How a kind is written, read and checked. `parse` throws a sentence for what cannot be. */
const KINDS = {
  text: { parse: (text) => text, format: String, check: checkText },
  integer: { parse: parseNumber, format: String, check: checkNumber, inputmode: "numeric", hint: rangeHint },
  number: { parse: parseNumber, format: String, check: checkNumber, inputmode: "decimal", hint: rangeHint },
  list: {
    parse: parseList,
    format: (list) => list.join(", "),
    check: (list, schema) =>
      list.some(Number.isNaN)
        ? "Numbers only, with spaces or commas between them."
        : checkLength(list, schema),
  },
  rows: {
    area: true,
    parse: parseRows,
    format: formatRows,
    check: (rows, schema) => {
      const wrong = rows.findIndex((row) => row.length === 0 || row.some(Number.isNaN));
      if (wrong >= 0) return `Row ${wrong + 1} has something that is no number.`;
      const uneven = rows.findIndex((row) => row.length !== rows[0].length);
      if (uneven >= 0)
        return `Row ${uneven + 1} has ${rows[uneven].length} values, the first has ${rows[0].length}.`;
      return checkLength(rows, schema);
    },
  },
  json: {
    area: true,
    parse: (text) => {
      try {
        return JSON.parse(text);
      } catch {
        throw new Error("This is to be JSON.");
      }
    },
    format: (value) => JSON.stringify(value, null, 2),
    check: () => "",
  },
};

function textual(field, path, { required, changed }) {
  const kind = KINDS[field.kind];
  const id = uniqueId("field");
  const input = kind.area
    ? h("textarea", { id, rows: 4, spellcheck: "false", class: "mono" })
    : h("input", {
        id,
        type: "text",
        inputmode: kind.inputmode,
        autocomplete: "off",
        spellcheck: "false",
        class: field.kind === "text" ? "" : "number",
      });
  const optional = field.nullable || (!required && field.default === undefined);
  if (!optional) input.setAttribute("aria-required", "true");
  const framed = frame(
    {
      title: field.title,
      description: field.description,
      path,
      required: !optional,
      hint: kind.hint?.(field.schema),
    },
    input,
  );
  const read = () => {
    if (input.value.trim() === "") return { value: undefined, error: optional ? "" : "This is needed." };
    try {
      const value = kind.parse(input.value);
      return { value, error: kind.check(value, field.schema) };
    } catch (error) {
      return { value: undefined, error: error.message };
    }
  };
  let touched = false;
  input.addEventListener("input", () => {
    if (touched) framed.complain(read().error);
    changed();
  });
  // Not before the field is left: nobody likes to be told of an error while typing.
  input.addEventListener("blur", () => {
    if (input.value.trim() === "" && !touched) return;
    touched = true;
    framed.complain(read().error);
  });
  return {
    ...framed,
    complain(message) {
      touched = touched || message !== "";
      framed.complain(message);
    },
    read,
    write: (value) => {
      input.value = value === undefined || value === null ? "" : kind.format(value);
      touched = false;
    },
    focus: () => input.focus(),
  };
}
