/** The numbers behind the curves. */

import { copyButton } from "../components/copy.js";
import { fill, h } from "../dom.js";
import { count, counted, duration, value, words } from "../format.js";

const MOST_ROWS = 400;
const MOST_VALUES = 12;

const vector = (list) => (list.length === 1 ? value(list[0]) : `(${list.map(value).join(", ")})`);

export function iterationTable() {
  const place = h("div", { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "Iterations" });
  const counter = h("span", { class: "soft" });
  const note = h("p", { class: "soft" });
  let model = null;
  let series = null;
  let drawn = "";
  const tsv = () => {
    const rows = model?.iterations ?? [];
    const keys = Object.keys(rows[0]?.details ?? {});
    const head = [
      "iteration",
      ...(rows[0]?.values ?? []).flatMap((item, index) =>
        item.map((_, band) => `value_${index + 1}_${band + 1}`),
      ),
      "error",
      "elapsed_ms",
      ...keys,
    ];
    return [
      head,
      ...rows.map((row) => [
        row.iteration,
        ...row.values.flat(),
        row.error ?? "",
        row.elapsed_ms,
        ...keys.map((key) => row.details[key] ?? ""),
      ]),
    ]
      .map((cells) => cells.join("\t"))
      .join("\n");
  };
  const details = h(
    "details",
    { class: "card fold", testid: "iterations" },
    h("summary", {}, h("h2", {}, "Iterations"), counter),
    h(
      "div",
      { class: "fold-tools" },
      copyButton(tsv, { label: "Copy table of the iterations, for a spreadsheet", short: "Copy table" }),
    ),
    note,
    place,
  );
  details.addEventListener("toggle", () => draw());

  function draw() {
    const rows = model?.iterations ?? [];
    details.hidden = rows.length === 0;
    counter.textContent = counted(rows.length, "row");
    if (!details.open || rows.length === 0) return;
    const mark = `${rows.length}/${rows.at(-1).iteration}`;
    if (mark === drawn) return;
    drawn = mark;
    const shown = rows.slice(-MOST_ROWS);
    note.textContent = shown.length < rows.length ? `The last ${count(shown.length)}; the copy has all.` : "";
    const values = Math.min(MOST_VALUES, rows[0].values.length);
    // The error stands in a column of its own already.
    const repeated = (key) => rows.every((row) => row.details?.[key] === row.error);
    const keys = [...new Set(rows.slice(0, 3).flatMap((row) => Object.keys(row.details ?? {})))].filter(
      (key) => !repeated(key),
    );
    const name = series?.values ? words(series.values) : "Value";
    const cell = (words_) => h("td", { class: "number" }, words_);
    fill(
      place,
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col", class: "number" }, "Iteration"),
            Array.from({ length: values }, (_, index) =>
              h(
                "th",
                { scope: "col", class: "number", title: `${name} ${index + 1}` },
                index === 0 ? `${name} 1` : String(index + 1),
              ),
            ),
            rows[0].values.length > values && h("th", { scope: "col" }, "…"),
            h("th", { scope: "col", class: "number" }, words(series?.error ?? "error")),
            keys.map((key) => h("th", { scope: "col", class: "number" }, words(key))),
            h("th", { scope: "col", class: "number" }, "Elapsed"),
          ),
        ),
        h(
          "tbody",
          {},
          shown.map((row) =>
            h(
              "tr",
              {},
              cell(count(row.iteration)),
              row.values.slice(0, values).map((item) => cell(vector(item))),
              row.values.length > values && h("td", {}, "…"),
              cell(value(row.error)),
              keys.map((key) =>
                cell(
                  typeof row.details?.[key] === "number"
                    ? value(row.details[key])
                    : String(row.details?.[key] ?? "–"),
                ),
              ),
              cell(duration(row.elapsed_ms)),
            ),
          ),
        ),
      ),
    );
  }
  return {
    element: details,
    update(next, service) {
      model = next;
      series = service?.series ?? null;
      draw();
    },
  };
}
