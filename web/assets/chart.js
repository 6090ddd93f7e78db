/** Lines over iterations, by uPlot. */

import { fill, h } from "./dom.js";
import { count, value } from "./format.js";
import uPlot from "./vendor/uplot/uPlot.esm.js";

/** So many values are read out. */
const MOST_READ = 10;

const dark = matchMedia("(prefers-color-scheme: dark)");
export const isDark = () => dark.matches;

/** The values of custom properties. */
function ink() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    soft: read("--soft"),
    line: read("--line"),
    surface: read("--surface"),
    font: read("--font-chart"),
  };
}

/** @typedef {{label: string, color: string, dash?: number[], width?: number, quiet?: boolean}} Line `quiet`: a line to compare with, not to read from */

/**
 * A chart that follows its width, its data and the colour scheme.
 *
 * @param {{log?: boolean, sync: string, height: number, signal: AbortSignal, readout: HTMLElement, tail?: () => string}} options
 *   `readout` shows the values below the pointer, or the last ones, and then `tail()`
 */
export function lineChart({ log = false, sync, height, signal, readout, tail = () => "" }) {
  const element = h("div", { class: "chart", role: "img" });
  /** @type {uPlot | null} */
  let plot = null;
  /** @type {Line[]} */
  let lines = [];
  /** @type {(number | null)[][]} */
  let data = [[]];
  /** What is read out: as `data`, but for what a logarithmic axis has no place for. */
  let said = data;
  let shape = "";

  function build() {
    plot?.destroy();
    plot = null;
    if (lines.length === 0 || element.clientWidth === 0) return;
    const { soft, line, surface, font } = ink();
    const axis = {
      stroke: soft,
      font: `12px ${font}`,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1, size: 4 },
    };
    plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        padding: [10, 12, 0, 0],
        cursor: { sync: { key: sync }, drag: { x: true, y: false }, y: false, points: { size: 7 } },
        scales: {
          x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
          y: log ? { distr: 3, log: 10 } : {},
        },
        axes: [
          {
            ...axis,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000],
            space: 48,
            size: 30,
            values: (_, ticks) => ticks.map((tick) => (tick >= 0 ? count(tick) : "")),
          },
          {
            ...axis,
            size: 58,
            values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : log ? power(tick) : value(tick))),
            ...(log ? { splits: (_, __, low, high) => powers(low, high) } : {}),
          },
        ],
        series: [
          {},
          ...lines.map(({ label, color, dash, width = 2, quiet = false }) => ({
            label,
            stroke: color,
            width,
            dash,
            spanGaps: true,
            points: quiet ? { show: false } : { size: 5, fill: surface, stroke: color },
          })),
        ],
        hooks: { setCursor: [() => tell()] },
      },
      data,
      element,
    );
  }

  /** What is below the pointer. */
  function tell() {
    const pointed = plot && plot.cursor.left >= 0 ? plot.cursor.idx : null;
    const index = pointed ?? data[0].length - 1;
    const parts = lines.filter(({ quiet }) => !quiet).map((line, at) => ({ line, y: said[at + 1][index] }));
    const shown = parts
      .slice(0, MOST_READ)
      .map(({ line, y }) =>
        h(
          "span",
          { class: "reading" },
          line.label && h("span", { class: "reading-mark", style: { "--color": line.color } }),
          line.label && h("span", { class: "soft" }, line.label),
          value(y),
        ),
      );
    fill(
      readout,
      h("span", { class: "soft" }, `Iteration ${count(data[0][index])}`),
      shown,
      parts.length > MOST_READ && h("span", {}, "…"),
      h("span", { class: "soft" }, tail()),
    );
  }

  const observer = new ResizeObserver(() => {
    if (!plot) build();
    else if (plot.width !== element.clientWidth && element.clientWidth > 0)
      plot.setSize({ width: element.clientWidth, height });
  });
  observer.observe(element);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    plot?.destroy();
  });
  dark.addEventListener(
    "change",
    () => {
      shape = "";
      onTheme();
    },
    { signal },
  );
  let onTheme = build;

  return {
    element,
    /**
     * @param {Line[]} nextLines
     * @param {(number | null)[][]} nextData the iterations first, then a list a line
     * @param {(number | null)[][]} [nextSaid] what is read out, if it is something else
     */
    show(nextLines, nextData, nextSaid = nextData) {
      const nextShape = JSON.stringify(nextLines);
      data = nextData;
      said = nextSaid;
      lines = nextLines;
      if (nextShape !== shape || !plot) {
        shape = nextShape;
        build();
      } else plot.setData(data);
      tell();
    },
    /** What to do when the colour scheme is another. */
    set themed(action) {
      onTheme = action;
    },
  };
}

/** The powers of ten in a range, fewer where there are many. */
function powers(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.ceil((last - first + 1) / 7);
  const all = [];
  for (let exponent = Math.ceil(first / step) * step; exponent <= last; exponent += step)
    all.push(10 ** exponent);
  return all;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A power of ten as it is printed. */
function power(x) {
  const whole = Math.round(Math.log10(x));
  if (whole >= -2 && whole <= 3) return String(Number(x.toPrecision(3)));
  return `10${whole < 0 ? "⁻" : ""}${[...String(Math.abs(whole))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("")}`;
}
