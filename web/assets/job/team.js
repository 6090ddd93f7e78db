/** Who computed: nodes with what was expected of them, and what they did. */

import { fill, h, refill } from "../dom.js";
import { count, counted, duration, share, value, words } from "../format.js";

const nameOf = (node) => node.name ?? `Node ${node.node}`;

function meter(part, kind) {
  return h("span", {
    class: `meter meter-${kind}`,
    "aria-hidden": "true",
    style: { "--part": String(Math.min(1, Math.max(0, part))) },
  });
}

export function team() {
  const body = h("div");
  const element = h(
    "section",
    { class: "card team-card", "aria-labelledby": "team-title", testid: "team" },
    h("h2", { id: "team-title" }, "Team"),
    body,
  );
  let drawn = "";
  return {
    element,
    /** @param {import("./model.js").Model} model */
    update({ job, nodes }) {
      element.hidden = nodes.length === 0;
      const mark = JSON.stringify([nodes, job.state]);
      if (nodes.length === 0 || mark === drawn) return;
      drawn = mark;
      const tiles = job.result?.tiles;
      const msvpus = nodes.reduce((sum, node) => sum + node.msvpus, 0);
      const cut =
        tiles?.rows && tiles?.columns ? `, one for each tile of ${tiles.rows} × ${tiles.columns}` : "";
      const about = h(
        "p",
        { class: "soft" },
        `${counted(msvpus, "MsVPU")}${cut}, on ${nodes.length === 1 ? "this process alone" : counted(nodes.length, "node")}.`,
      );
      if (nodes.length === 1 && nodes[0].predicted_ms === null) {
        fill(
          body,
          about,
          h(
            "p",
            {},
            h("strong", {}, duration(nodes[0].actual_ms)),
            h("span", { class: "soft" }, " from the first task to the last answer"),
          ),
        );
        return;
      }
      const longest = Math.max(
        ...nodes.flatMap((node) => [node.actual_ms, node.predicted_ms ?? 0]),
        Number.EPSILON,
      );
      refill(
        body,
        about,
        h(
          "div",
          { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "Nodes of the team" },
          h(
            "table",
            { class: "team-table" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                ["Node", "Performance index", "MsVPUs", "Time: predicted and actual", "ε"].map(
                  (heading, index) =>
                    h(
                      "th",
                      {
                        scope: "col",
                        class: index === 2 || index === 4 ? "number" : "",
                        title: heading === "ε" ? "How far the node's time is from the mean" : undefined,
                      },
                      heading,
                    ),
                ),
              ),
            ),
            h(
              "tbody",
              {},
              nodes.map((node) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, nameOf(node)),
                  h(
                    "td",
                    {},
                    node.performance_index === null
                      ? "–"
                      : h(
                          "span",
                          { class: "metered" },
                          meter(node.performance_index, "index"),
                          value(node.performance_index),
                        ),
                  ),
                  h(
                    "td",
                    { class: "number" },
                    count(node.msvpus),
                    node.load_index !== null &&
                      h(
                        "span",
                        { class: "soft", title: "Load index: what it deserves" },
                        ` of ${value(Number(node.load_index.toFixed(1)))}`,
                      ),
                  ),
                  h(
                    "td",
                    {},
                    h(
                      "span",
                      { class: "times" },
                      node.predicted_ms !== null &&
                        h(
                          "span",
                          { class: "metered" },
                          meter(node.predicted_ms / longest, "predicted"),
                          h(
                            "span",
                            { class: "soft" },
                            h("span", { class: "visually-hidden" }, "predicted "),
                            duration(node.predicted_ms),
                          ),
                        ),
                      h(
                        "span",
                        { class: "metered" },
                        meter(node.actual_ms / longest, "actual"),
                        h(
                          "span",
                          {},
                          h("span", { class: "visually-hidden" }, "actual "),
                          duration(node.actual_ms),
                        ),
                      ),
                    ),
                  ),
                  h("td", { class: "number" }, share(node.deviation)),
                ),
              ),
            ),
          ),
        ),
      );
    },
  };
}

/** Where the time went. */
export function timings() {
  const body = h("div");
  const element = h(
    "section",
    { class: "card team-card", "aria-labelledby": "timings-title", testid: "timings" },
    h("h2", { id: "timings-title" }, "Time"),
    body,
  );
  let drawn = null;
  return {
    element,
    update({ job }) {
      const spent = job.result?.timings;
      const entries =
        spent && typeof spent === "object"
          ? Object.entries(spent).filter(
              ([key, ms]) => key.endsWith("_ms") && key !== "total_ms" && typeof ms === "number",
            )
          : [];
      element.hidden = entries.length === 0;
      if (entries.length === 0 || spent === drawn) return;
      drawn = spent;
      const total = entries.reduce((sum, [, ms]) => sum + ms, 0);
      fill(
        body,
        h(
          "div",
          { class: "stack", "aria-hidden": "true" },
          entries.map(([, ms], index) =>
            h("span", { class: `stack-part stack-${index % 5}`, style: { "--part": String(ms / total) } }),
          ),
        ),
        h(
          "dl",
          { class: "stack-legend" },
          entries.map(([key, ms], index) =>
            h(
              "div",
              {},
              h(
                "dt",
                {},
                h("span", { class: `swatch stack-${index % 5}`, "aria-hidden": "true" }),
                words(key.replace(/_ms$/, "")),
              ),
              h("dd", {}, duration(ms)),
            ),
          ),
          h(
            "div",
            { class: "stack-total" },
            h("dt", {}, "Total"),
            h("dd", {}, duration(spent.total_ms ?? total)),
          ),
        ),
      );
    },
  };
}
