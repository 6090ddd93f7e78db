/** A lane for each MsVPU, over time. */

import { announce } from "../components/announce.js";
import { icon } from "../components/icons.js";
import { h } from "../dom.js";
import { count, duration } from "../format.js";
import { paint } from "./lanes-paint.js";
import { KINDS, roundName } from "./times.js";

const ZOOM = 1.6;
/** No closer than this, in milliseconds across the whole width. */
const CLOSEST_MS = 0.01;

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
  const readout = h("p", { class: "lanes-readout soft", testid: "lanes-readout" });
  const button = (name, label, action) =>
    h(
      "button",
      { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: action } },
      icon(name),
    );
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
  let placed = { left: 0, width: 1, tops: [], lane: 0 };

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
    placed = paint(canvas, { times, width, range: shown(), cursor, nameOf });
    frame.dataset.lanes = String(times.lanes.length);
    frame.dataset.rounds = String(times.rounds.length);
    frame.classList.toggle("is-zoomed", range !== null);
    tell();
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
