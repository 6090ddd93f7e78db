/** A lane for each MsVPU, over time. */

import { announce } from "../components/announce.js";
import { icon } from "../components/icons.js";
import { h } from "../dom.js";
import { count, duration } from "../format.js";
import { KINDS, roundName } from "./times.js";

const TOP = 22;
const BOTTOM = 24;
const MOST_HEIGHT = 400;
const LEAST_LANE = 3;
const MOST_LANE = 18;
/** Between the lanes of two nodes. */
const GAP = 5;
const ZOOM = 1.6;
/** No closer than this, in milliseconds across the whole width. */
const CLOSEST_MS = 0.01;

/** How high a part of each kind is in its lane: without colours they can be told apart all the same. */
const HEIGHTS = [1, 0.34, 0.67];

/**
 * @param {{signal: AbortSignal, nameOf: (node: number) => string}} options
 */
export function lanes({ signal, nameOf }) {
  const canvas = h("canvas", { class: "lanes-canvas", "aria-hidden": "true" });
  const frame = h(
    "div",
    {
      class: "lanes-frame",
      tabindex: 0,
      role: "group",
      "aria-label":
        "MsVPUs over time. The left and right arrow keys go through the rounds, up and down through the MsVPUs; plus and minus zoom, 0 shows all.",
      testid: "lanes",
    },
    canvas,
  );
  const readout = h("p", { class: "lanes-readout", testid: "lanes-readout" });
  const button = (name, label, action) =>
    h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: action } }, icon(name));
  const tools = h(
    "div",
    { class: "lanes-tools" },
    button("minus", "Show more time", () => zoom(1 / ZOOM)),
    button("plus", "Show less time", () => zoom(ZOOM)),
    button("fit", "Show all", () => all()),
  );
  /** @type {import("./times.js").Times | null} */
  let times = null;
  /** What is shown, in milliseconds; all, if it is `null`. @type {[number, number] | null} */
  let range = null;
  /** What is read out. @type {{lane: number, round: number} | null} */
  let cursor = null;
  /** Where the lanes are, from the last drawing. */
  let placed = { left: 0, width: 1, tops: [], lane: MOST_LANE };

  const shown = () => range ?? [times.from, Math.max(times.to, times.from + CLOSEST_MS)];
  const middle = () => {
    const stint = cursor && times.lanes[cursor.lane]?.stints[cursor.round];
    if (!stint) return null;
    const at = (stint.parts[0][1] + stint.parts.at(-1)[2]) / 2;
    const [from, to] = shown();
    return at >= from && at <= to ? at : null;
  };

  function all() {
    range = null;
    draw();
  }

  function show(from, to) {
    const least = Math.min(CLOSEST_MS, times.to - times.from);
    const length = Math.min(Math.max(to - from, least), times.to - times.from);
    const begin = Math.min(Math.max(from, times.from), times.to - length);
    range = length >= (times.to - times.from) * 0.999 ? null : [begin, begin + length];
    draw();
  }

  /** @param {number} factor @param {number} [at] the time that stays where it is */
  function zoom(factor, at) {
    if (!times) return;
    const [from, to] = shown();
    const fixed = at ?? middle() ?? (from + to) / 2;
    show(fixed - (fixed - from) / factor, fixed + (to - fixed) / factor);
  }

  function draw() {
    const width = frame.clientWidth;
    if (!times || times.lanes.length === 0 || width === 0) return;
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
    const style = getComputedStyle(frame);
    const ink = (name) => style.getPropertyValue(name).trim();
    context.font = `12px ${ink("--font-chart")}`;
    context.textBaseline = "middle";
    placed = { left, width: width - left, tops: [], lane };
    drawAxis(context, height, ink);
    drawLanes(context, ratio, ink);
    drawNames(context, ink);
    drawCursor(context, ink);
    frame.dataset.lanes = String(times.lanes.length);
    frame.dataset.rounds = String(times.rounds.length);
    frame.classList.toggle("is-zoomed", range !== null);
    tell();
  }

  const x = (ms) => {
    const [from, to] = shown();
    return placed.left + ((ms - from) / (to - from)) * placed.width;
  };

  /** Rounds above, time below. */
  function drawAxis(context, height, ink) {
    const [from, to] = shown();
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
  function drawLanes(context, ratio, ink) {
    const [from, to] = shown();
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
        for (let column = 0; column < columns; ) {
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
  function drawNames(context, ink) {
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

  function drawCursor(context, ink) {
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

  /** What is below the cursor. */
  function words() {
    const lane = cursor && times.lanes[cursor.lane];
    const stint = lane?.stints[cursor.round];
    if (!lane) return "";
    const name = `MsVPU ${count(lane.rank)}`;
    const where = roundName(times.rounds[cursor.round]);
    if (!stint) return `${name} · ${where} · no answer yet`;
    const parts = KINDS.map((kind, index) => `${kind} ${duration(stint.sums[index])}`);
    return [name, nameOf(stint.node), where, ...parts].join(" · ");
  }

  function tell() {
    const hint = "Point at a lane, or go through them with the arrow keys.";
    readout.textContent = words() || hint;
  }

  /** What is at a place of the frame. */
  function at(event) {
    const box = canvas.getBoundingClientRect();
    const high = event.clientY - box.top;
    const [from, to] = shown();
    const ms = from + ((event.clientX - box.left - placed.left) / placed.width) * (to - from);
    const lane = placed.tops.findIndex((top) => high >= top && high < top + placed.lane);
    const round = times.rounds.findLastIndex(({ began }) => began <= ms);
    const inside = lane >= 0 && round >= 0 && ms >= from && ms <= times.to;
    return { ms, place: inside ? { lane, round } : null };
  }

  let dragged = null;
  frame.addEventListener(
    "pointerdown",
    (event) => {
      if (!times || event.button !== 0 || range === null) return;
      frame.setPointerCapture?.(event.pointerId);
      dragged = { x: event.clientX, range };
    },
    { signal },
  );
  for (const name of ["pointerup", "pointercancel"])
    frame.addEventListener(name, () => (dragged = null), { signal });
  frame.addEventListener(
    "pointermove",
    (event) => {
      if (!times) return;
      if (dragged) {
        const [from, to] = dragged.range;
        const by = ((dragged.x - event.clientX) / placed.width) * (to - from);
        show(from + by, to + by);
        return;
      }
      // A page that scrolls below the pointer moves nothing.
      if (event.movementX === 0 && event.movementY === 0) return;
      const { place } = at(event);
      if (place?.lane === cursor?.lane && place?.round === cursor?.round) return;
      cursor = place;
      draw();
    },
    { signal },
  );
  frame.addEventListener(
    "wheel",
    (event) => {
      // The page scrolls, unless somebody is here.
      if (!times || document.activeElement !== frame) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, at(event).ms);
    },
    { signal, passive: false },
  );
  frame.addEventListener(
    "keydown",
    (event) => {
      if (!times || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "+" || event.key === "=") zoom(ZOOM);
      else if (event.key === "-") zoom(1 / ZOOM);
      else if (event.key === "0") all();
      else if (!go(event.key)) return;
      event.preventDefault();
    },
    { signal },
  );

  /** Moves the cursor; tells whether that was a key for it. */
  function go(key) {
    const last = { lane: times.lanes.length - 1, round: times.rounds.length - 1 };
    const now = cursor ?? { lane: 0, round: Math.max(0, firstShown()) };
    const moves = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      Home: [0, -last.round],
      End: [0, last.round],
      PageUp: [-last.lane, 0],
      PageDown: [last.lane, 0],
    };
    const move = moves[key];
    if (!move) return false;
    const [down, on] = cursor ? move : [0, 0];
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    cursor = { lane: within(now.lane + down, last.lane), round: within(now.round + on, last.round) };
    const { began, ended } = times.rounds[cursor.round];
    const [from, to] = shown();
    if (range && (began < from || began > to)) {
      const centre = (began + (ended ?? times.to)) / 2;
      show(centre - (to - from) / 2, centre + (to - from) / 2);
    } else draw();
    announce(words());
    return true;
  }

  const firstShown = () => times.rounds.findIndex(({ began }) => began >= shown()[0]);

  const observer = new ResizeObserver(() => draw());
  observer.observe(frame);
  signal.addEventListener("abort", () => observer.disconnect());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(), { signal });

  return {
    frame,
    readout,
    tools,
    /** @param {import("./times.js").Times} next */
    show(next) {
      const first = times?.rounds[0]?.round;
      // The rounds before have gone: what is read out is another's now.
      if (times && first !== next.rounds[0]?.round) cursor = null;
      times = next;
      if (range && (range[1] <= times.from || range[0] >= times.to)) range = null;
      draw();
    },
    redraw: draw,
  };
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
