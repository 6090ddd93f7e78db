/** What was asked for, and what is known of it. */

import { paths } from "../api.js";
import { command, copyButton } from "../components/copy.js";
import { curl } from "../curl.js";
import { fill, h } from "../dom.js";
import { at, begun, bytes, count, duration, shape, timeOfDay, value, words } from "../format.js";
import { stateWord } from "../components/state-chip.js";
import { uploadHeaders } from "../upload.js";

/** The leaves of a value, each with its names. */
function leaves(item, schema, names = []) {
  const nested = item !== null && typeof item === "object" && !Array.isArray(item);
  if (!nested) return [[names, item]];
  return Object.entries(item).flatMap(([key, inner]) => {
    const below = [schema, ...(schema?.oneOf ?? []), ...(schema?.anyOf ?? [])]
      .map((node) => node?.properties?.[key])
      .find(Boolean);
    return leaves(inner, below, [...names, below?.title ?? words(key)]);
  });
}

function shown(item) {
  if (item === null || item === undefined) return "–";
  if (typeof item === "boolean") return item ? "yes" : "no";
  if (typeof item === "number") return Number.isInteger(item) ? count(item) : value(item);
  if (Array.isArray(item))
    return item
      .map((inner) => (Array.isArray(inner) ? inner.map(shown).join(", ") : shown(inner)))
      .join("; ");
  return String(item);
}

const row = (name, ...content) => h("div", {}, h("dt", {}, name), h("dd", {}, content));

export function facts() {
  const list = h("dl", { class: "facts" });
  const element = h(
    "section",
    { class: "card facts-card", "aria-labelledby": "facts-title", testid: "facts" },
    h("h2", { id: "facts-title" }, "Asked for"),
    list,
  );
  let drawn = "";
  return {
    element,
    update({ job }, service) {
      const given =
        job.result?.parameters && typeof job.result.parameters === "object"
          ? job.result.parameters
          : job.params;
      const parameters = leaves(given, service?.params_schema).filter(
        ([names, item]) => names.length > 0 && item !== null,
      );
      const { input } = job;
      // What it shows, and not the revision, which grows all the time: a marked text and a focused button stay.
      const mark = JSON.stringify([
        given,
        service?.name,
        job.outputs,
        job.metadata,
        job.started_at,
        job.ended_at,
        job.attempts,
      ]);
      if (mark === drawn) return;
      drawn = mark;
      fill(
        list,
        row("Service", service?.title ?? job.service),
        parameters.map(([names, item]) => row(names.at(-1), shown(item))),
        job.outputs.length > 0 && row("Results", job.outputs.join(", ")),
        Object.entries(job.metadata).map(([key, item]) => row(key, item)),
        row("Input", `${shape(input)}, ${input.format.toUpperCase()}, ${bytes(input.bytes)}`),
        row("Submitted", h("time", { datetime: job.created_at }, at(job.created_at))),
        job.started_at && row("Waited", duration(new Date(job.started_at) - new Date(job.created_at))),
        job.started_at &&
          job.ended_at &&
          row("Ran", duration(new Date(job.ended_at) - new Date(job.started_at))),
        job.priority !== "normal" && row("Priority", job.priority),
        job.attempts > 1 && row("Attempts", `${count(job.attempts)}: the server was restarted in between`),
        job.owner && row("Owner", job.owner),
        row(
          "Job",
          h("span", { class: "mono id" }, job.id),
          copyButton(() => job.id, { label: "Copy the id of the job" }),
        ),
        row(
          "SHA-256",
          h("span", { class: "mono id", title: input.sha256 }, `${input.sha256.slice(0, 16)}…`),
          copyButton(() => input.sha256, { label: "Copy the SHA-256 of the file" }),
        ),
      );
    },
  };
}

/** What a result has that no other part shows. */
export function otherResult() {
  const list = h("dl", { class: "facts" });
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "result-title", testid: "result", hidden: true },
    h("h2", { id: "result-title" }, "Result"),
    list,
  );
  let drawn = null;
  /** What other parts show. */
  const elsewhere = new Set([
    "job",
    "algorithm",
    "image",
    "parameters",
    "classes",
    "centers",
    "timings",
    "nodes",
    "team",
    "tiles",
    "iterations",
    "converged",
    "stopped_by",
    "labels_sha256",
  ]);
  return {
    element,
    update({ job }) {
      if (job.result === drawn) return;
      drawn = job.result;
      const entries = Object.entries(job.result ?? {}).filter(
        ([key, item]) => !elsewhere.has(key) && item !== null && !(Array.isArray(item) && item.length === 0),
      );
      element.hidden = entries.length === 0;
      fill(
        list,
        leaves(Object.fromEntries(entries)).map(([names, item]) => row(names.at(-1), shown(item))),
        job.result?.labels_sha256 &&
          row(
            "SHA-256 of the labels",
            h(
              "span",
              { class: "mono id", title: job.result.labels_sha256 },
              `${job.result.labels_sha256.slice(0, 16)}…`,
            ),
            copyButton(() => job.result.labels_sha256, { label: "Copy the SHA-256 of the labels" }),
          ),
      );
    },
  };
}

/** What has happened. */
export function log() {
  const list = h("ol", { class: "log" });
  const counter = h("span", { class: "soft" });
  const element = h(
    "details",
    { class: "card fold", testid: "log" },
    h("summary", {}, h("h2", {}, "Log"), counter),
    list,
  );
  const line = (event) => {
    if (event.event === "log")
      return [
        event.level === "warning" ? "warning" : "",
        event.level === "warning" ? event.message : begun(event.message),
      ];
    if (event.event === "done")
      return [
        "",
        `Ended: ${stateWord(event.state).toLowerCase()}${event.error ? `. ${event.error.message}` : ""}`,
      ];
    return [
      "",
      `${stateWord(event.state)}${event.phase ? `, ${event.phase}` : ""}${event.reason ? `: ${event.reason}` : ""}`,
    ];
  };
  let drawn = 0;
  return {
    element,
    update({ log: events }) {
      element.hidden = events.length === 0;
      if (events.length < drawn) {
        list.replaceChildren();
        drawn = 0;
      }
      for (const event of events.slice(drawn)) {
        const [level, words_] = line(event);
        list.append(
          h(
            "li",
            { class: level ? `log-${level}` : "" },
            h("time", { datetime: event.at }, timeOfDay(event.at)),
            h("span", {}, level ? h("strong", {}, "Warning: ") : null, words_),
          ),
        );
      }
      drawn = events.length;
      const warnings = events.filter(({ level }) => level === "warning").length;
      counter.textContent = warnings > 0 ? `${warnings} ${warnings === 1 ? "warning" : "warnings"}` : "";
    },
  };
}

/** The same by hand. */
export function shell() {
  const body = h("div", { class: "deeds" });
  const element = h(
    "details",
    { class: "card fold", testid: "job-curl" },
    h("summary", {}, h("h2", {}, "From a shell")),
    body,
  );
  let job = null;
  const draw = () => {
    if (!element.open || !job) return;
    const name = job.input.name ?? "scene.tif";
    const again = {
      service: job.service,
      input: { upload_id: job.input.upload_id },
      params: job.params,
      outputs: job.outputs,
    };
    const result =
      job.artifacts.find(({ name: file }) => file === "labels.tif") ??
      job.artifacts.find(({ name: file }) => file === "labels.png") ??
      job.artifacts[0];
    const deeds = [
      [
        "Upload the scene",
        curl({ method: "POST", path: paths.uploads, headers: uploadHeaders(name), file: name }),
      ],
      ["Submit the job", curl({ path: paths.jobs, value: again })],
      [
        "Watch it",
        curl({ path: paths.events(job.id), headers: { Accept: "text/event-stream" }, stream: true }),
      ],
      ["Wait for it", curl({ path: `${paths.job(job.id)}?wait=30` })],
      ["Cancel it", curl({ method: "POST", path: paths.cancel(job.id) })],
      ...(result
        ? [[`Fetch ${result.name}`, curl({ path: paths.artifact(job.id, result.name), output: result.name })]]
        : []),
    ];
    fill(
      body,
      deeds.map(([what, text]) => h("section", { class: "deed" }, h("h3", {}, what), command(text, what))),
    );
  };
  element.addEventListener("toggle", draw);
  let drawn = "";
  return {
    element,
    update(model) {
      job = model.job;
      const mark = `${job.state}/${job.artifacts.length}`;
      if (mark !== drawn) draw();
      drawn = mark;
    },
  };
}
