/** How the values settled, while they do. */

import { classColor, lineColor } from "../colors.js";
import { isOver } from "../components/state-chip.js";
import { segmented } from "../components/segmented.js";
import { isDark, lineChart } from "../chart.js";
import { fill, h } from "../dom.js";
import { count, value, words } from "../format.js";

const HEIGHT = 250;
/** More lines than these nobody tells apart, and a page gets slow. */
const MOST_LINES = 60;
const MOST_SPOKEN = 8;

/**
 * @param {{signal: AbortSignal, color: (label: number) => string}} options
 */
export function convergence({ signal, color }) {
  let series = null;
  let model = null;
  let bound = null;
  let band = 0;
  let bands = 0;
  const readings = [h("p", { class: "chart-readout" }), h("p", { class: "chart-readout" })];
  const headings = [h("h3", {}), h("h3", {})];
  const bandChoice = h("div", { class: "band-choice" });
  const sync = `job-${Math.random()}`;
  const valuesChart = lineChart({ sync, height: HEIGHT, signal, readout: readings[0] });
  const errorChart = lineChart({
    log: true,
    sync,
    height: HEIGHT,
    signal,
    readout: readings[1],
    tail: () => (bound ? `bound ${value(bound)}` : ""),
  });
  valuesChart.themed = () => draw();
  errorChart.themed = () => draw();
  const waiting = h("p", { class: "soft chart-none" }, "The curves begin with the first iteration.");
  const charts = h(
    "div",
    { class: "charts" },
    h(
      "figure",
      { class: "chart-box" },
      h("figcaption", {}, headings[0], bandChoice),
      valuesChart.element,
      readings[0],
    ),
    h("figure", { class: "chart-box" }, h("figcaption", {}, headings[1]), errorChart.element, readings[1]),
  );
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "convergence-title", testid: "convergence" },
    h("h2", { id: "convergence-title" }, "Convergence"),
    waiting,
    charts,
  );

  /** The last row in words, for who does not see the curves. */
  const spoken = (row) => ({
    values: `At iteration ${count(row.iteration)}: ${row.values
      .slice(0, MOST_SPOKEN)
      .map((item, index) => `${index + 1} at ${value(item[band])}`)
      .join(", ")}.`,
    error: `At iteration ${count(row.iteration)}: ${value(row.error)}${bound ? `; it stops below ${value(bound)}` : ""}.`,
  });

  function drawBands(next) {
    if (next === bands) return;
    bands = next;
    band = Math.min(band, Math.max(0, bands - 1));
    if (bands < 2) {
      fill(bandChoice);
      return;
    }
    const choices = Array.from({ length: bands }, (_, index) => ({
      value: String(index),
      label: `${index + 1}`,
    }));
    const choose = (index) => {
      band = Number(index);
      draw();
    };
    if (bands <= 8)
      fill(
        bandChoice,
        h("span", { class: "soft" }, "Band"),
        segmented({ label: "Band", choices, value: String(band), onChange: choose }).element,
      );
    else {
      const select = h(
        "select",
        { "aria-label": "Band" },
        choices.map(({ value: index, label }) => h("option", { value: index }, `Band ${label}`)),
      );
      select.addEventListener("change", () => choose(select.value));
      fill(bandChoice, select);
    }
  }

  function draw() {
    const rows = model?.iterations ?? [];
    const over = model !== null && isOver(model.job.state);
    element.hidden = series === null || (over && rows.length === 0);
    if (element.hidden) return;
    charts.hidden = rows.length === 0;
    waiting.hidden = rows.length > 0;
    if (rows.length === 0) return;
    drawBands(rows[0].values[0]?.length ?? 0);
    headings[0].textContent = words(series.values);
    headings[1].textContent = words(series.error);
    const x = rows.map(({ iteration }) => iteration);
    const items = Math.min(MOST_LINES, rows[0].values.length);
    const lines = Array.from({ length: items }, (_, index) => ({
      label: `${index + 1}`,
      color: lineColor(color(index + 1) ?? classColor(index + 1), isDark()),
    }));
    valuesChart.show(lines, [
      x,
      ...lines.map((_, index) => rows.map((row) => row.values[index]?.[band] ?? null)),
    ]);
    const style = getComputedStyle(document.documentElement);
    const errors = [{ label: "", color: style.getPropertyValue("--accent").trim() }];
    const data = [x, rows.map(({ error }) => (error > 0 ? error : null))];
    if (bound > 0) {
      errors.push({
        label: "bound",
        color: style.getPropertyValue("--soft").trim(),
        dash: [5, 5],
        width: 1.2,
        quiet: true,
      });
      data.push(x.map(() => bound));
    }
    // A scale of powers needs a positive number to begin with.
    if (data[1].some((error) => error !== null))
      errorChart.show(errors, data, [x, rows.map(({ error }) => error)]);
    valuesChart.element.setAttribute(
      "aria-label",
      `${headings[0].textContent} by iteration. ${spoken(rows.at(-1)).values}`,
    );
    errorChart.element.setAttribute(
      "aria-label",
      `${headings[1].textContent} by iteration, on a logarithmic axis. ${spoken(rows.at(-1)).error}`,
    );
  }

  return {
    element,
    /** @param {import("./model.js").Model} next @param {any} service */
    update(next, service) {
      model = next;
      series = service?.series ?? null;
      const parameters = { ...next.job.params, ...next.job.result?.parameters };
      const usual = service?.params_schema?.properties?.epsilon?.default;
      bound = [parameters.epsilon, usual].find((number) => typeof number === "number") ?? null;
      draw();
    },
  };
}
