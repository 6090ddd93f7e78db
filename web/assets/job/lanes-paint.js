/** Paints the lanes of MsVPUs: rounds above them, time below, nodes and ranks beside. */

import { count } from "../format.js";
import { KINDS } from "./times.js";

const TOP = 22;
const BOTTOM = 24;
const MOST_HEIGHT = 400;
const LEAST_LANE = 3;
const MOST_LANE = 18;
/** Between the lanes of two nodes. */
const GAP = 5;

/** How high a part of each kind is in its lane: without colours they can be told apart all the same. */
const HEIGHTS = [1, 0.34, 0.67];

/** @typedef {{left: number, width: number, tops: number[], lane: number}} Placed where the lanes are, and how high each is */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} what
 * @param {import("./times.js").Times} what.times with a lane at least
 * @param {number} what.width in CSS pixels
 * @param {[number, number]} what.range what is shown, in milliseconds
 * @param {{lane: number, round: number} | null} what.cursor
 * @param {(node: number) => string} what.nameOf
 * @returns {Placed}
 */
export function paint(canvas, { times, width, range: [from, to], cursor, nameOf }) {
  const ratio = devicePixelRatio || 1;
  const left = width < 520 ? 64 : 108;
  const gaps = (times.groups.length - 1) * GAP;
  const fit = Math.floor((MOST_HEIGHT - Math.min(gaps, MOST_HEIGHT / 3)) / times.lanes.length);
  const lane = Math.min(MOST_LANE, Math.max(LEAST_LANE, fit));
  const height = TOP + times.lanes.length * lane + gaps + BOTTOM;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.setProperty("height", `${height}px`);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const ink = (name) => style.getPropertyValue(name).trim();
  context.font = `12px ${ink("--font-chart")}`;
  context.textBaseline = "middle";
  /** @type {Placed} */
  const placed = { left, width: width - left, tops: [], lane };
  const x = (ms) => left + ((ms - from) / (to - from)) * placed.width;
  const scene = { context, times, placed, x, from, to, ink, height, ratio, nameOf, cursor };
  drawAxis(scene);
  drawLanes(scene);
  drawNames(scene);
  drawCursor(scene);
  return placed;
}

/** Rounds above, time below. */
function drawAxis({ context, times, placed, x, from, to, ink, height }) {
  const right = placed.left + placed.width;
  context.strokeStyle = ink("--line");
  context.fillStyle = ink("--soft");
  context.lineWidth = 1;
  const line = (at) => {
    context.beginPath();
    context.moveTo(Math.round(at) + 0.5, TOP - 4);
    context.lineTo(Math.round(at) + 0.5, height - BOTTOM + 4);
    context.stroke();
  };
  let free = placed.left;
  for (const [place, round] of times.rounds.entries()) {
    const begin = x(round.began);
    const end = x(times.rounds[place + 1]?.began ?? round.ended ?? times.to);
    if (end < placed.left || begin > right) continue;
    if (end - begin > 3 && begin >= placed.left) line(begin);
    const name = round.round === null ? "assembling" : count(round.round);
    const wide = context.measureText(name).width;
    const at = Math.max(begin, placed.left) + 4;
    if (at >= free && at + wide <= right) {
      context.textAlign = "left";
      context.fillText(name, at, TOP - 13);
      free = at + wide + 10;
    }
  }
  const step = stepOf(to - from, Math.max(2, placed.width / 110));
  context.textAlign = "center";
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
    const at = x(tick);
    if (at < placed.left + 12 || at > right - 24) continue;
    context.fillText(axisTime(tick, step), at, height - BOTTOM + 14);
  }
}

/** Each column of pixels gets the colour of what took the most of it. */
function drawLanes({ context, times, placed, from, to, ink, ratio }) {
  const columns = Math.max(1, Math.round(placed.width * ratio));
  const perMs = columns / (to - from);
  const colors = KINDS.map((kind) => ink(`--lane-${kind}`));
  const time = KINDS.map(() => new Float32Array(columns));
  let top = TOP;
  for (const group of times.groups) {
    for (const lane of times.lanes.slice(group.first, group.first + group.count)) {
      for (const kind of time) kind.fill(0);
      for (const stint of lane.stints)
        for (const [kind, begin, end] of stint?.parts ?? [])
          cover(time[kind], (begin - from) * perMs, (end - from) * perMs);
      const inner = placed.lane - (placed.lane > 4 ? 2 : placed.lane > 3 ? 1 : 0);
      const middle = top + placed.lane / 2;
      for (let column = 0; column < columns;) {
        const kind = most(time, column);
        let end = column + 1;
        while (end < columns && most(time, end) === kind) end += 1;
        if (kind !== null) {
          const high = Math.max(1, inner * (placed.lane > 5 ? HEIGHTS[kind] : 1));
          context.fillStyle = colors[kind];
          context.fillRect(placed.left + column / ratio, middle - high / 2, (end - column) / ratio, high);
        }
        column = end;
      }
      placed.tops.push(top);
      top += placed.lane;
    }
    top += GAP;
  }
}

/** The nodes, and where there is room, the ranks. */
function drawNames({ context, times, placed, ink, nameOf }) {
  context.textAlign = "right";
  const edge = placed.left - 10;
  let free = 0;
  for (const group of times.groups) {
    const top = placed.tops[group.first];
    const high = group.count * placed.lane;
    context.strokeStyle = ink("--line-strong");
    context.beginPath();
    context.moveTo(placed.left - 5.5, top + 1);
    context.lineTo(placed.left - 5.5, top + high - 1);
    context.stroke();
    const lines = placed.lane >= 14 && group.count > 1 ? group.count : 1;
    if (top + high / 2 - 7 < free) continue;
    const ranks = times.lanes.slice(group.first, group.first + group.count).map(({ rank }) => rank);
    const name = group.node === null ? "–" : nameOf(group.node);
    context.fillStyle = ink("--ink");
    if (lines === 1) {
      const two = high >= 30;
      const middle = top + high / 2;
      context.fillText(short(context, name, edge), edge, two ? middle - 7 : middle);
      context.fillStyle = ink("--soft");
      if (two) context.fillText(`${count(ranks[0])} – ${count(ranks.at(-1))}`, edge, middle + 8);
    } else {
      for (const [index, rank] of ranks.entries()) {
        context.fillStyle = ink("--soft");
        context.fillText(count(rank), edge, top + (index + 0.5) * placed.lane);
      }
      context.fillStyle = ink("--ink");
      const room = edge - context.measureText(count(ranks.at(-1))).width - 8;
      context.save();
      context.textAlign = "left";
      context.fillText(short(context, name, room), 0, top + placed.lane / 2);
      context.restore();
    }
    free = top + high / 2 + (high >= 30 ? 16 : 8);
  }
}

function drawCursor({ context, times, placed, x, ink, cursor }) {
  const stint = cursor && times.lanes[cursor.lane]?.stints[cursor.round];
  if (!stint) return;
  const right = placed.left + placed.width;
  const begin = Math.max(placed.left, x(stint.parts[0][1]));
  const end = Math.min(right, Math.max(x(stint.parts.at(-1)[2]), begin + 2));
  if (end < placed.left || begin > right) return;
  context.strokeStyle = ink("--ink");
  context.lineWidth = 1.5;
  context.strokeRect(begin - 0.5, placed.tops[cursor.lane] - 0.5, end - begin + 1, placed.lane + 1);
}

/** Adds to each column the part of it that is within. */
function cover(columns, begin, end) {
  const from = Math.max(0, begin);
  const to = Math.min(columns.length, end);
  if (to <= from) return;
  const first = Math.floor(from);
  const last = Math.min(columns.length - 1, Math.floor(to));
  if (first === last) {
    columns[first] += to - from;
    return;
  }
  columns[first] += first + 1 - from;
  for (let column = first + 1; column < last; column += 1) columns[column] = 1;
  columns[last] += to - last;
}

/** The kind that took the most of a column; `null` where there is nothing. */
function most(time, column) {
  let found = null;
  let longest = 0;
  for (const [kind, columns] of time.entries())
    if (columns[column] > longest) {
      longest = columns[column];
      found = kind;
    }
  return found;
}

/** A round step between the ticks of an axis, for so many at most. */
function stepOf(length, ticks) {
  const rough = length / ticks;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= rough) ?? 10 * power;
}

function axisTime(ms, step) {
  const seconds = step >= 1000 || (step >= 100 && ms >= 10000);
  const digits = (unit) => Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  return seconds ? `${(ms / 1000).toFixed(digits(1000))} s` : `${ms.toFixed(digits(1))} ms`;
}

/** A name that fits. */
function short(context, name, room) {
  if (context.measureText(name).width <= room) return name;
  let end = name.length;
  while (end > 1 && context.measureText(`${name.slice(0, end)}…`).width > room) end -= 1;
  return `${name.slice(0, end)}…`;
}
