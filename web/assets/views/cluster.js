/** The machines that compute, and the broker between them. */

import { json, paths } from "../api.js";
import { failed, sentence } from "../components/notice.js";
import { connection } from "../connection.js";
import { fill, h, refill, repeatedly } from "../dom.js";
import { bytes, count, counted, duration, value, words } from "../format.js";

const INTERVAL_MS = 2000;
/** A node that was not heard of for so long is worth a look. */
const LATE_MS = 5000;
const ALWAYS = new Set(["published", "confirmed", "received"]);
const BROKER = {
  connected: ["good", "Connected"],
  connecting: ["fair", "Connecting"],
  failed: ["bad", "Not connected"],
};

/** @param {import("../router.js").Place} place */
export function clusterView({ signal, title }) {
  title("Cluster");
  const figures = h("dl", { class: "figures", testid: "gauges" });
  const nodes = h("div");
  const broker = h("div");
  const body = h("div", { class: "stacked" });
  const about = h("p", { class: "page-about" });
  let shown = false;
  /** What is said to be wrong: said anew only when it is another, so that its button keeps the focus. */
  let wrong = "";
  const refresh = repeatedly(
    async () => {
      try {
        const answer = await json("GET", paths.nodes, { signal });
        about.textContent =
          answer.deployment === "cluster"
            ? "This server is the head of a cluster: the nodes compute."
            : `Everything runs in this one process, on ${counted(answer.workers, "thread")}.`;
        drawFigures(figures, answer);
        drawNodes(nodes, answer);
        drawBroker(broker, answer);
        if (!shown) fill(body, figures, nodes, broker);
        shown = true;
      } catch (error) {
        if (shown || signal.aborted || wrong === sentence(error)) return;
        wrong = sentence(error);
        fill(
          body,
          failed(error, () => refresh()),
        );
      }
    },
    INTERVAL_MS,
    signal,
  );
  connection.addEventListener("back", () => refresh(), { signal });
  return h(
    "div",
    { class: "page" },
    h("div", { class: "page-head" }, h("h1", { tabindex: -1, testid: "page-title" }, "Cluster")),
    about,
    body,
  );
}

function drawFigures(list, { gauges, nodes }) {
  const entries = [
    ["Nodes", count(nodes.length)],
    ["CPUs", count(nodes.reduce((sum, node) => sum + node.cpus, 0))],
    gauges && ["Jobs running", count(gauges.running)],
    gauges && ["Jobs waiting", count(gauges.queued)],
    gauges && ["Kept on disk", bytes(gauges.blob_bytes)],
    gauges && !gauges.writable && ["Disk", "full: nothing more can be taken"],
  ].filter(Boolean);
  list.replaceChildren(
    ...entries.map(([name, words_]) => h("div", {}, h("dt", {}, name), h("dd", {}, words_))),
  );
}

function drawNodes(place, { nodes, deployment }) {
  if (nodes.length === 0) {
    fill(
      place,
      h(
        "section",
        { class: "card" },
        h("h2", {}, "Nodes"),
        h(
          "p",
          {},
          "No node has joined. Jobs wait until one does: run ",
          h("code", {}, "msvpu node"),
          " on a machine that reaches the broker.",
        ),
      ),
    );
    return;
  }
  const cluster = deployment === "cluster";
  const cell = (content, kind = "number") => h("td", { class: kind }, content);
  refill(
    place,
    h(
      "section",
      { class: "card", "aria-labelledby": "nodes-title", testid: "nodes" },
      h("h2", { id: "nodes-title" }, "Nodes"),
      h(
        "div",
        { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "Table of the nodes" },
        h(
          "table",
          { class: "team-table" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              [
                ["Node", ""],
                ["State", ""],
                ["Performance index", ""],
                ["CPUs", "number"],
                ["MsVPUs", "number"],
                cluster && ["Last heard of", "number"],
              ]
                .filter(Boolean)
                .map(([heading, kind]) => h("th", { scope: "col", class: kind }, heading)),
            ),
          ),
          h(
            "tbody",
            {},
            nodes.map((node) => {
              const late = node.age_ms > LATE_MS;
              const [mark, state] = node.draining
                ? ["fair", "Leaving"]
                : late
                  ? ["bad", "Silent"]
                  : ["good", "Ready"];
              return h(
                "tr",
                {},
                h("th", { scope: "row" }, node.name ?? (cluster ? `Node ${node.node}` : "This process")),
                cell(h("span", { class: `state-dot state-${mark}` }, state), ""),
                cell(
                  node.performance_index === null
                    ? "–"
                    : h(
                        "span",
                        { class: "metered" },
                        h("span", {
                          class: "meter meter-index",
                          "aria-hidden": "true",
                          style: { "--part": String(node.performance_index) },
                        }),
                        value(node.performance_index),
                      ),
                  "",
                ),
                cell(count(node.cpus)),
                cell(count(node.msvpus)),
                cluster && cell(node.age_ms == null ? "–" : `${duration(node.age_ms)} ago`),
              );
            }),
          ),
        ),
      ),
    ),
  );
}

function drawBroker(place, { broker }) {
  if (!broker) {
    fill(
      place,
      h(
        "section",
        { class: "card" },
        h("h2", {}, "Broker"),
        h(
          "p",
          { class: "soft" },
          "There is none, and none is needed. To compute on several machines, start the server with ",
          h("code", {}, "--broker"),
          ".",
        ),
      ),
    );
    return;
  }
  const [mark, state] = BROKER[broker.state] ?? ["fair", words(broker.state)];
  const queues = Object.entries(broker.queues ?? {});
  // What has never happened is not worth a row.
  const counters = [...new Set(queues.flatMap(([, queue]) => Object.keys(queue)))].filter(
    (name) => ALWAYS.has(name) || queues.some(([, queue]) => queue[name] > 0),
  );
  const show = (name, n) => (n === undefined ? "–" : name.endsWith("_bytes") ? bytes(n) : count(n));
  refill(
    place,
    h(
      "section",
      { class: "card", "aria-labelledby": "broker-title", testid: "broker" },
      h(
        "div",
        { class: "card-head" },
        h("h2", { id: "broker-title" }, "Broker"),
        h("span", { class: `state-dot state-${mark}`, testid: "broker-state" }, state),
      ),
      broker.detail && h("p", { class: "soft" }, broker.detail),
      queues.length > 0 &&
        h(
          "div",
          { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "Counters of the queues" },
          h(
            "table",
            {},
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                h("th", { scope: "col" }, "Messages since the start"),
                queues.map(([name]) => h("th", { scope: "col", class: "number" }, words(name))),
              ),
            ),
            h(
              "tbody",
              {},
              counters.map((counter) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, words(counter.replace(/_bytes$/, ", size"))),
                  queues.map(([, queue]) =>
                    h(
                      "td",
                      {
                        class:
                          queue[counter] > 0 && ["refused", "dropped", "dead"].includes(counter)
                            ? "number is-bad"
                            : "number",
                      },
                      show(counter, queue[counter]),
                    ),
                  ),
                ),
              ),
            ),
          ),
        ),
    ),
  );
}
