/** Lines over iterations, by uPlot. */

import { h } from "./dom.js";
import { count, value } from "./format.js";
import uPlot from "./vendor/uplot/uPlot.esm.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
export const isDark = () => dark.matches;

/** The values of custom properties. */
function ink() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { soft: read("--soft"), line: read("--line"), surface: read("--surface"), font: read("--font-chart") };
}

/** @typedef {{label: string, color: string, dash?: number[], width?: number, points?: boolean}} Line */

/**
 * A chart that follows its width, its data and the colour scheme.
 *
 * @param {{log?: boolean, sync: string, height: number, signal: AbortSignal, readout: HTMLElement, rest: () => string}} options
 *   `readout` shows the values below the pointer, and `rest()` when there is no pointer
 */
export function lineChart({ log = false, sync, height, signal, readout, rest }) {
  const element = h("div", { class: "chart", role: "img" });
  /** @type {uPlot | null} */
  let plot = null;
  /** @type {Line[]} */
  let lines = [];
  /** @type {(number | null)[][]} */
  let data = [[]];
  let shape = "";

  function build() {
    plot?.destroy();
    plot = null;
    if (lines.length === 0 || element.clientWidth === 0) return;
    const { soft, line, surface, font } = ink();
    const axis = { stroke: soft, font: `12px ${font}`, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
    plot = new uPlot({
      width: element.clientWidth,
      height,
      legend: { show: false },
      padding: [10, 12, 0, 0],
      cursor: { sync: { key: sync }, drag: { x: true, y: false }, y: false, points: { size: 7 } },
      scales: { x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) }, y: log ? { distr: 3, log: 10 } : {} },
      axes: [
        { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000], space: 48, size: 30, values: (_, ticks) => ticks.map((tick) => (tick >= 0 ? count(tick) : "")) },
        { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : log ? power(tick) : value(tick))), ...(log ? { space: 24 } : {}) },
      ],
      series: [{}, ...lines.map(({ label, color, dash, width = 2, points }) => ({ label, stroke: color, width, dash, spanGaps: true, points: points === false ? { show: false } : { size: 5, fill: surface, stroke: color } }))],
      hooks: { setCursor: [() => tell()] },
    }, data, element);
  }

  /** What is below the pointer. */
  function tell() {
    const index = plot?.cursor.idx;
    if (index === null || index === undefined || plot.cursor.left < 0) {
      readout.textContent = rest();
      return;
    }
    const parts = lines.map(({ label }, at) => [label, data[at + 1][index]]).filter(([, y]) => y !== null && y !== undefined);
    const shown = parts.slice(0, 8).map(([label, y]) => `${label} ${value(y)}`).join("   ");
    readout.textContent = `Iteration ${count(data[0][index])}:   ${shown}${parts.length > 8 ? "   …" : ""}`;
  }

  const observer = new ResizeObserver(() => {
    if (!plot) build();
    else if (plot.width !== element.clientWidth && element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height });
  });
  observer.observe(element);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    plot?.destroy();
  });
  dark.addEventListener("change", () => {
    shape = "";
    onTheme();
  }, { signal });
  let onTheme = build;

  return {
    element,
    /** @param {Line[]} nextLines @param {(number | null)[][]} nextData the iterations first, then a list a line */
    show(nextLines, nextData) {
      const nextShape = JSON.stringify(nextLines);
      data = nextData;
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

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A power of ten as it is printed. */
function power(x) {
  const exponent = Math.log10(x);
  if (!Number.isInteger(Math.round(exponent * 1e6) / 1e6)) return "";
  const whole = Math.round(exponent);
  if (whole >= -2 && whole <= 3) return String(Number(x.toPrecision(3)));
  return `10${whole < 0 ? "⁻" : ""}${[...String(Math.abs(whole))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("")}`;
}
