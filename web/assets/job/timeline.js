/** When the MsVPUs of a job computed, waited, and were on the way. */

import { json, paths } from "../api.js";
import { copyButton } from "../components/copy.js";
import { isOver } from "../components/state-chip.js";
import { h, refill, repeatedly, text } from "../dom.js";
import { count, counted, duration, share } from "../format.js";
import { lanes } from "./lanes.js";
import { KINDS, prepare, tableText } from "./times.js";

/** How often is asked while the job runs; afterwards it does not change any more. */
const RUNNING_MS = 2000;
const QUIET_MS = 300000;

const TITLES = {
  compute: ["Compute", "It computes its step, or loads its tile."],
  wait: ["Wait", "For its tile or a CPU, for the answers of others, or for the leader's next order."],
  transfer: [
    "Transfer",
    "Its order and its answer are on the way: what leader and node have measured between them, without what the node computed or waited.",
  ],
};

/** @param {{id: string, signal: AbortSignal}} options */
export function timeline({ id, signal }) {
  /** @type {Map<number, string>} */
  const names = new Map();
  /** Those that were asked for. @type {Set<number>} */
  const asked = new Set();
  const nameOf = (node) => names.get(node) ?? `Node ${node}`;
  const view = lanes({ signal, nameOf });
  const about = h("p", { class: "soft", testid: "timeline-about" });
  const shares = KINDS.map(() => h("strong", {}));
  const legend = h(
    "ul",
    { class: "lanes-legend", "aria-label": "Legend" },
    KINDS.map((kind, index) =>
      h(
        "li",
        { title: TITLES[kind][1] },
        h("span", { class: `lanes-mark lanes-mark-${kind}`, "aria-hidden": "true" }),
        h("span", {}, TITLES[kind][0]),
        shares[index],
        h("span", { class: "visually-hidden" }, TITLES[kind][1]),
      ),
    ),
  );
  const table = h("div", {
    class: "scroll-x lanes-table",
    tabindex: 0,
    role: "region",
    "aria-label": "MsVPUs",
  });
  const fold = h(
    "details",
    { class: "lanes-fold", testid: "timeline-table" },
    h("summary", {}, "As a table"),
    h(
      "div",
      { class: "fold-tools" },
      copyButton(() => (times ? tableText(times, nameOf) : ""), {
        label: "Copy table of all rounds of these MsVPUs, for a spreadsheet",
        short: "Copy table",
      }),
    ),
    table,
  );
  fold.addEventListener("toggle", () => drawTable());
  const element = h(
    "section",
    { class: "card lanes-card", "aria-labelledby": "timeline-title", testid: "timeline" },
    h(
      "div",
      { class: "lanes-head" },
      h("h2", { id: "timeline-title" }, "Team over time"),
      legend,
      view.tools,
    ),
    about,
    view.frame,
    view.readout,
    fold,
  );
  element.hidden = true;

  let state = "";
  /** @type {import("./times.js").Times | null} */
  let times = null;
  const load = async () => {
    const wait = isOver(state) ? QUIET_MS : RUNNING_MS;
    if (state === "PENDING") return wait;
    const answer = await json("GET", paths.team(id), { signal });
    if (answer.rounds.length > 0 && !signal.aborted) {
      times = prepare(answer);
      await learnNames();
      draw();
    }
    return wait;
  };
  let refresh = null;

  /** Of a job that has ended the names are known; while it runs, the cluster has them. */
  async function learnNames() {
    const unknown = times.groups.filter(({ node }) => node !== null && !names.has(node) && !asked.has(node));
    if (unknown.length === 0 || isOver(state)) return;
    for (const { node } of unknown) asked.add(node);
    const nothing = { nodes: [] };
    const { nodes } = await json("GET", paths.nodes, { signal }).catch(() => nothing);
    for (const { node, name } of nodes) if (name && asked.has(node)) names.set(node, name);
  }

  function draw() {
    const wasHidden = element.hidden;
    element.hidden = false;
    text(about, aboutOf(times));
    const all = times.sums.reduce((sum, ms) => sum + ms, 0);
    for (const [index, part] of shares.entries()) text(part, all > 0 ? share(times.sums[index] / all) : "");
    view.show(times);
    if (wasHidden) view.redraw();
    drawTable();
  }

  function drawTable() {
    if (!fold.open || !times) return;
    const number = (words) => h("td", { class: "number" }, words);
    refill(
      table,
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["MsVPU", "Node", "Rounds", ...KINDS.map((kind) => TITLES[kind][0])].map((heading, index) =>
              h("th", { scope: "col", class: index === 1 ? "" : "number" }, heading),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          times.lanes.map((lane) =>
            h(
              "tr",
              {},
              h("th", { scope: "row", class: "number" }, count(lane.rank)),
              h("td", {}, lane.node === null ? "–" : nameOf(lane.node)),
              number(count(lane.stints.filter(Boolean).length)),
              lane.sums.map((ms) => number(duration(ms))),
            ),
          ),
        ),
      ),
    );
  }

  return {
    element,
    /** @param {import("./model.js").Model} model */
    update({ job, nodes }) {
      let renamed = false;
      for (const { node, name } of nodes) {
        if (!name || names.get(node) === name) continue;
        names.set(node, name);
        renamed = true;
      }
      if (renamed && times) draw();
      if (job.state === state) return;
      state = job.state;
      if (refresh) refresh();
      else refresh = repeatedly(load, RUNNING_MS, signal);
    },
  };
}

/** Which MsVPUs and which rounds are shown. */
function aboutOf({ teamSize, stride, lanes: { length }, rounds }) {
  const who =
    stride > 1
      ? `${count(length)} of ${counted(teamSize, "MsVPU")} are shown, every ${ordinal(stride)} from rank 0`
      : `${counted(teamSize, "MsVPU")}, each in a lane`;
  const first = rounds[0].round;
  const number = rounds.filter(({ round }) => round !== null).length;
  const what =
    first === null || first > 1 ? `the latest ${counted(number, "round")}` : counted(number, "round");
  return `${who}, by node; ${what}.`;
}

function ordinal(number) {
  const ending =
    number % 100 >= 11 && number % 100 <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th");
  return `${count(number)}${ending}`;
}
