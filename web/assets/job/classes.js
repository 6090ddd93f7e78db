/** The classes with their colours and areas. They also say what the map shows. */

import { copyButton } from "../components/copy.js";
import { icon } from "../components/icons.js";
import { fill, h } from "../dom.js";
import { count, share, value } from "../format.js";

const FIRST_ROWS = 40;

/** Four digits: more than a class of pixels is worth. */
const vector = (list) => list.map((x) => value(Number(x.toPrecision(4)))).join(", ");

/**
 * @param {{color: (label: number) => string, onShow: (shown: (label: number) => boolean, highlight: number | null) => void}} options
 */
export function classTable({ color, onShow }) {
  /** @type {any[]} */
  let classes = [];
  let result = null;
  const hidden = new Set();
  let highlight = null;
  let all = false;
  const list = h("ul", { class: "classes" });
  const more = h("button", { type: "button", class: "link-button", hidden: true }, "Show all");
  const everything = h(
    "button",
    {
      type: "button",
      class: "link-button",
      "aria-label": "Show all classes on the map",
      testid: "classes-all",
      hidden: true,
    },
    "Show all",
  );
  const tsv = () =>
    [
      ["class", "pixels", "share", ...bandNames("mean"), ...bandNames("sd")],
      ...classes.map((item) => [
        item.label,
        item.pixels,
        item.share,
        ...spread(item.mean),
        ...spread(item.sd),
      ]),
    ]
      .map((row) => row.join("\t"))
      .join("\n");
  const bandCount = () => Math.max(1, ...classes.slice(0, 50).map((item) => item.mean?.length ?? 0));
  const bandNames = (name) =>
    Array.from({ length: bandCount() }, (_, index) => (bandCount() === 1 ? name : `${name}_${index + 1}`));
  const spread = (values) => Array.from({ length: bandCount() }, (_, index) => values?.[index] ?? "");
  const nodata = h("p", { class: "soft classes-nodata" });
  const element = h(
    "section",
    { class: "card classes-card", "aria-labelledby": "classes-title", testid: "classes" },
    h(
      "div",
      { class: "card-head" },
      h("h2", { id: "classes-title" }, "Classes"),
      h("span", { class: "spacer" }),
      everything,
      copyButton(tsv, {
        label: "Copy table of the classes, for a spreadsheet",
        short: "Copy table",
        testid: "classes-copy",
      }),
    ),
    list,
    more,
    nodata,
  );
  more.addEventListener("click", () => {
    all = true;
    draw();
  });
  everything.addEventListener("click", () => {
    hidden.clear();
    apply();
  });

  let rows = [];
  function apply() {
    for (const { item, eye, row } of rows) {
      const shown = !hidden.has(item.label);
      eye.setAttribute("aria-pressed", String(shown));
      eye.title = shown ? "Hide on the map" : "Show on the map";
      eye.replaceChildren(icon(shown ? "eye" : "eyeOff"));
      row.classList.toggle("is-hidden", !shown);
    }
    everything.hidden = hidden.size === 0;
    onShow((label) => !hidden.has(label), highlight);
  }

  function draw() {
    const shown = all ? classes : classes.slice(0, FIRST_ROWS);
    const largest = Math.max(...classes.map((item) => item.share), Number.EPSILON);
    rows = shown.map((item) => {
      const swatch = h("span", { class: "swatch", style: { "--color": color(item.label) } });
      const eye = h("button", {
        type: "button",
        class: "icon-button",
        "aria-label": `Class ${item.label} on the map`,
        testid: `class-toggle-${item.label}`,
      });
      const only = h(
        "button",
        {
          type: "button",
          class: "link-button class-only",
          "aria-label": `Only class ${item.label} on the map`,
          testid: `class-only-${item.label}`,
        },
        "only",
      );
      const mean = item.mean ? `mean ${vector(item.mean)}` : "empty";
      const row = h(
        "li",
        { class: "class-row" },
        swatch,
        h("span", { class: "class-name" }, `Class ${item.label}`),
        h("span", { class: "class-share" }, share(item.share)),
        h("span", { class: "class-tools" }, only, eye),
        h("span", {
          class: "class-bar",
          "aria-hidden": "true",
          style: { "--part": String(item.share / largest), "--color": color(item.label) },
        }),
        h(
          "span",
          { class: "class-about" },
          `${count(item.pixels)} px · ${mean}${item.sd ? ` · sd ${vector(item.sd)}` : ""}`,
        ),
      );
      const light = (label) => () => {
        highlight = label;
        onShow((other) => !hidden.has(other), highlight);
      };
      row.addEventListener("pointerenter", light(item.label));
      row.addEventListener("pointerleave", light(null));
      eye.addEventListener("focus", light(item.label));
      eye.addEventListener("blur", light(null));
      eye.addEventListener("click", () => {
        // What is pointed at is brought out; what was just hidden is not.
        highlight = null;
        if (hidden.has(item.label)) hidden.delete(item.label);
        else hidden.add(item.label);
        apply();
      });
      only.addEventListener("click", () => {
        highlight = null;
        const alone = classes.every((other) => hidden.has(other.label) === (other.label !== item.label));
        hidden.clear();
        if (!alone) classes.forEach((other) => other.label !== item.label && hidden.add(other.label));
        apply();
      });
      return { item, eye, row };
    });
    fill(
      list,
      rows.map(({ row }) => row),
    );
    more.hidden = all || classes.length <= FIRST_ROWS;
    more.textContent = `Show all ${count(classes.length)}`;
    const none = result?.image?.nodata_pixels ?? 0;
    nodata.textContent = none > 0 ? `${count(none)} px without data belong to no class.` : "";
    nodata.hidden = none === 0;
    apply();
  }

  return {
    element,
    /** @param {any} next the job's result */
    show(next) {
      result = next;
      classes = next.classes;
      draw();
    },
    /** There is a map now, and the colours are its own. @param {boolean} usable whether the map can hide classes */
    mapped(usable) {
      element.classList.toggle("has-map", usable);
      draw();
    },
    /** The class that the pointer is over on the map. @param {number | null} label */
    point(label) {
      for (const { item, row } of rows) row.classList.toggle("is-pointed", item.label === label);
    },
  };
}
