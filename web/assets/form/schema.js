/**
 * From a JSON Schema (2020-12) to what a form can ask for. Understood are objects, strings, enumerations,
 * numbers, booleans, lists of numbers, lists of such lists, alternatives of objects, and `null` beside
 * any of them; whatever else there may be is asked for as JSON.
 */

/**
 * @typedef {object} Field
 * @property {"text" | "choice" | "integer" | "number" | "boolean" | "object" | "either" | "list" | "rows" | "json"} kind
 * @property {string} title
 * @property {string} description
 * @property {any} default `undefined` where there is none
 * @property {boolean} nullable
 * @property {any} schema
 * @property {{value: any, label: string, title?: string}[]} [choices] of a choice
 * @property {{name: string, field: Field, required: boolean}[]} [fields] of an object
 * @property {Field[]} [variants] of an `either`
 */

const MAX_DEPTH = 12;

/** @param {any} schema @param {any} [root] where `$ref` leads @returns {Field} */
export function describe(schema, name = "", root = schema, depth = 0) {
  const { node, nullable } = resolve(schema, root);
  const common = {
    title: node.title ?? words(name),
    description: node.description ?? "",
    default: node.default,
    nullable,
    schema: node,
  };
  const inner = (child, key) => describe(child, key, root, depth + 1);
  if (depth > MAX_DEPTH) return { kind: "json", ...common };
  const alternatives = node.oneOf ?? node.anyOf;
  if (Array.isArray(node.enum) || (alternatives && alternatives.every((item) => "const" in item))) {
    const options = Array.isArray(node.enum) ? node.enum.map((value) => ({ const: value })) : alternatives;
    const choices = options
      .filter((item) => item.const !== null)
      .map((item) => ({
        value: item.const,
        label: item.title ?? plain(String(item.const)),
        title: item.description,
      }));
    return { kind: "choice", ...common, choices };
  }
  if (alternatives && alternatives.every((item) => kindOf(resolve(item, root).node) === "object")) {
    const variants = alternatives.map((item, index) => {
      const variant = inner(item, "");
      return {
        ...variant,
        title:
          variant.title || variant.fields.map(({ field }) => field.title).join(", ") || `Way ${index + 1}`,
      };
    });
    return { kind: "either", ...common, variants };
  }
  const kind = kindOf(node);
  if (kind === "object") {
    const required = new Set(node.required ?? []);
    const fields = Object.entries(node.properties ?? {}).map(([key, child], index) => ({
      name: key,
      field: inner(child, key),
      required: required.has(key),
      order: resolve(child, root).node["x-order"] ?? 1000 + index,
    }));
    fields.sort((a, b) => a.order - b.order);
    return { kind: "object", ...common, fields };
  }
  if (kind === "array") {
    const item = node.items ? resolve(node.items, root).node : {};
    if (isNumber(item)) return { kind: "list", ...common, integers: item.type === "integer" };
    if (item.type === "array" && item.items && isNumber(resolve(item.items, root).node))
      return { kind: "rows", ...common };
    return { kind: "json", ...common };
  }
  if (kind === "string") return { kind: "text", ...common };
  if (kind === "integer" || kind === "number" || kind === "boolean") return { kind, ...common };
  return { kind: "json", ...common };
}

const isNumber = (node) => node.type === "number" || node.type === "integer";

const kindOf = (node) => node.type ?? (node.properties ? "object" : undefined);

/** Follows `$ref`, unwraps `allOf` of one, and takes `null` out of types and alternatives. */
function resolve(schema, root) {
  let node = schema ?? {};
  let nullable = false;
  for (let step = 0; step < MAX_DEPTH; step += 1) {
    if (typeof node.$ref === "string" && node.$ref.startsWith("#")) {
      const { $ref, ...rest } = node;
      node = { ...follow($ref, root), ...rest };
    } else if (Array.isArray(node.allOf) && node.allOf.length === 1) {
      const { allOf, ...rest } = node;
      node = { ...allOf[0], ...rest };
    } else if (Array.isArray(node.type) && node.type.includes("null")) {
      nullable = true;
      const types = node.type.filter((type) => type !== "null");
      node = { ...node, type: types.length === 1 ? types[0] : types };
    } else {
      const key = node.oneOf ? "oneOf" : node.anyOf ? "anyOf" : null;
      const list = key && node[key].filter((item) => item.type !== "null");
      if (!key || list.length === node[key].length) break;
      nullable = true;
      const { [key]: _, ...rest } = node;
      node = list.length === 1 ? { ...list[0], ...rest } : { ...rest, [key]: list };
    }
  }
  return { node, nullable };
}

function follow(ref, root) {
  let node = root;
  for (const part of ref.slice(1).split("/").filter(Boolean))
    node = node?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
  return node ?? {};
}

/** A word of the service's as one of a sentence's; what looks like a name stays as it is. */
const plain = (word) => (/^[a-z][a-z_-]*$/.test(word) ? words(word.replaceAll("-", " ")) : word);

const words = (name) => {
  const spaced = name.replaceAll("_", " ").trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

/** The default of a field, from the inside out where it says none itself. */
export function defaultOf(field) {
  if (field.default !== undefined) return field.default;
  if (field.nullable) return null;
  if (field.kind === "object") {
    const entries = field.fields
      .map(({ name, field: inner }) => [name, defaultOf(inner)])
      .filter(([, value]) => value !== undefined && value !== null);
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  }
  if (field.kind === "either") return defaultOf(field.variants[0]);
  return undefined;
}

/** What is wrong with a number; nothing, if nothing is. */
export function checkNumber(x, schema) {
  if (!Number.isFinite(x)) return "This is to be a number.";
  if (schema.type === "integer" && !Number.isInteger(x)) return "This is to be a whole number.";
  if (schema.type === "integer" && !Number.isSafeInteger(x)) return "This is too large to be kept exactly.";
  if (schema.minimum !== undefined && x < schema.minimum) return `At least ${schema.minimum}.`;
  if (schema.exclusiveMinimum !== undefined && x <= schema.exclusiveMinimum)
    return `More than ${schema.exclusiveMinimum}.`;
  if (schema.maximum !== undefined && x > schema.maximum) return `At most ${schema.maximum}.`;
  if (schema.exclusiveMaximum !== undefined && x >= schema.exclusiveMaximum)
    return `Less than ${schema.exclusiveMaximum}.`;
  if (
    schema.multipleOf !== undefined &&
    Math.abs(x / schema.multipleOf - Math.round(x / schema.multipleOf)) > 1e-9
  )
    return `A multiple of ${schema.multipleOf}.`;
  return "";
}

/** What is wrong with a text. */
export function checkText(text, schema) {
  if (schema.minLength !== undefined && text.length < schema.minLength)
    return `At least ${schema.minLength} characters.`;
  if (schema.maxLength !== undefined && text.length > schema.maxLength)
    return `At most ${schema.maxLength} characters.`;
  if (schema.pattern !== undefined) {
    try {
      if (!new RegExp(schema.pattern, "u").test(text)) return "This has not the form that is asked for.";
    } catch {
      // The server knows its own pattern.
    }
  }
  return "";
}

/** What is wrong with the length of a list. */
export function checkLength(list, schema) {
  if (schema.minItems !== undefined && list.length < schema.minItems)
    return schema.minItems === 1 ? "At least one is needed." : `At least ${schema.minItems} are needed.`;
  if (schema.maxItems !== undefined && list.length > schema.maxItems) return `At most ${schema.maxItems}.`;
  return "";
}

/** Whether two values of a form are the same. */
export const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
