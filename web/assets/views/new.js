/** A job is asked for: files, service, parameters, results. */

import { Problem, idempotencyKey, isAbort, json, loadServices, paths, whoAmI } from "../api.js";
import { announce, toast } from "../components/announce.js";
import { nameOf } from "../components/actions.js";
import { command } from "../components/copy.js";
import { empty, failed, sentence } from "../components/notice.js";
import { notWhenBack, whenBack } from "../connection.js";
import { curl, did } from "../curl.js";
import { fill, h, text } from "../dom.js";
import { schemaForm } from "../form/form.js";
import { count } from "../format.js";
import { receive } from "../handover.js";
import { go, link } from "../router.js";
import { identity, maySubmit } from "../session.js";
import { uploadHeaders } from "../upload.js";
import { fileList } from "./new-files.js";
import { outputChoice, serviceChoice } from "./new-service.js";

/** @param {import("../router.js").Place} place */
export function newView({ query, signal, title }) {
  title("New job");
  const page = h("div", { class: "page" }, h("h1", { tabindex: -1, testid: "page-title" }, "New job"));
  const body = h("div", { class: "loading", "aria-busy": "true" });
  page.append(body);
  const load = async () => {
    notWhenBack(load);
    try {
      const again = query.get("again");
      const [services, job] = await Promise.all([
        loadServices(),
        again ? json("GET", paths.job(again), { signal }) : null,
        identity() === null ? whoAmI(signal) : null,
      ]);
      if (signal.aborted) return;
      if (!maySubmit()) {
        body.replaceWith(
          empty("key", "This token may only read", "To submit jobs it needs the scope “submit”."),
        );
      } else body.replaceWith(await form(services, job, signal));
    } catch (error) {
      if (signal.aborted) return;
      body.className = "";
      body.removeAttribute("aria-busy");
      fill(body, failed(error, load));
      whenBack(load, signal);
    }
  };
  load();
  return page;
}

async function form(services, job, signal) {
  if (services.length === 0)
    return empty("picture", "There is nothing to run", "This server offers no service.");
  const files = fileList({ signal, changed: () => refresh() });
  const params = h("div");
  const outputs = outputChoice(() => refresh());
  let fields;
  const chooser = serviceChoice(services, (service, settings) => {
    fields = schemaForm(service.params_schema, () => refresh());
    if (settings) fields.write(settings);
    const reset = h(
      "button",
      {
        type: "button",
        class: "link-button",
        testid: "params-reset",
        on: {
          click: () => {
            fields.reset();
            refresh();
            announce("All parameters have their defaults");
          },
        },
      },
      "Back to the defaults",
    );
    fill(params, fields.hasFields && step("Parameters", fields.element, reset));
    outputs.show(service.outputs, job?.service === service.name ? job.outputs : null);
    files.accept(service.accepts);
    refresh();
  });
  const notes = h("textarea", {
    id: "job-notes",
    rows: 2,
    spellcheck: "false",
    class: "mono",
    placeholder: "campaign: 2026-10",
    "aria-describedby": "job-notes-hint",
    testid: "job-notes",
  });
  const priority = h(
    "select",
    { id: "job-priority", testid: "job-priority" },
    ["high", "normal", "low"].map((word) =>
      h(
        "option",
        { value: word, selected: word === "normal" },
        { high: "High: before others", normal: "Normal", low: "Low: when there is time" }[word],
      ),
    ),
  );
  notes.addEventListener("input", () => refresh());
  priority.addEventListener("change", () => refresh());

  const error = h("div", { class: "form-error", role: "alert", testid: "form-error", hidden: true });
  const submit = h(
    "button",
    { type: "submit", class: "button button-primary button-large", testid: "submit" },
    "Submit",
  );
  const note = h("p", { class: "soft submit-note", testid: "submit-note" });
  const shell = h("div", { class: "shell-commands" });
  const shellDetails = h(
    "details",
    { class: "fold", testid: "new-curl", on: { toggle: () => refresh() } },
    h("summary", {}, "The same from a shell"),
    shell,
  );
  const element = h(
    "form",
    { class: "new-form", novalidate: true, testid: "new-form" },
    h(
      "div",
      { class: "new-main" },
      step("Scene", files.element),
      step("Service", chooser.element),
      params,
      outputs.element,
      h(
        "details",
        { class: "fold card" },
        h("summary", {}, "Notes and priority"),
        h(
          "div",
          { class: "field-grid" },
          h(
            "div",
            { class: "field" },
            h("label", { for: "job-notes" }, "Notes", h("span", { class: "optional" }, " optional")),
            notes,
            h(
              "p",
              { class: "field-hint", id: "job-notes-hint" },
              "One a line, as name: value. They stay with the job.",
            ),
          ),
          h("div", { class: "field" }, h("label", { for: "job-priority" }, "Priority"), priority),
        ),
      ),
    ),
    h(
      "aside",
      { class: "new-side", "aria-label": "Submit" },
      h("div", { class: "card new-summary" }, files.preview, error, submit, note, shellDetails),
    ),
  );

  /** What will be sent, but for the upload. */
  const wish = (value) => ({
    service: chooser.value().name,
    params: value,
    outputs: outputs.value(),
    metadata: parseNotes(notes.value),
    priority: priority.value,
  });

  function refresh() {
    if (!fields) return;
    const { ready, pending, bad } = files.counts();
    text(
      submit.lastChild,
      busy ? "Submitting …" : ready + pending > 1 ? `Submit ${count(ready + pending)} jobs` : "Submit",
    );
    submit.disabled = busy;
    text(
      note,
      wanted
        ? "Goes off as soon as the upload is complete."
        : bad > 0 && ready + pending === 0
          ? "No file can be used yet."
          : "",
    );
    if (wanted && pending === 0) {
      wanted = false;
      sendAll();
    }
    if (!shellDetails.open) return;
    const first = files.first();
    fill(
      shell,
      h("p", { class: "soft" }, "First the file; its answer has the id of the upload:"),
      command(
        curl({
          method: "POST",
          path: paths.uploads,
          headers: uploadHeaders(first?.name ?? "scene.tif"),
          file: first?.name ?? "scene.tif",
        }),
        "the command that uploads",
      ),
      h("p", { class: "soft" }, "Then the job:"),
      command(
        curl({ path: paths.jobs, value: request(first?.upload?.id ?? "UPLOAD_ID", wish(fields.peek())) }),
        "the command that submits",
      ),
    );
  }

  /** Whether the jobs are on their way. */
  let busy = false;
  /** Whether they are to go as soon as the uploads are complete. */
  let wanted = false;

  const say = (...words) => {
    error.hidden = words.length === 0;
    fill(error, ...words);
  };

  async function sendAll() {
    const { value, wrong } = fields.read();
    if (wrong > 0) {
      say(h("p", {}, wrong === 1 ? "One field needs another look." : `${wrong} fields need another look.`));
      fields.focusFirstWrong();
      return;
    }
    busy = true;
    say();
    refresh();
    const made = [];
    try {
      for (const entry of files.ready()) {
        const body = request(entry.upload.id, wish(value));
        // Kept with the file: what is sent again after an interruption is the same request, and is done once.
        const print = JSON.stringify(body);
        if (entry.sent?.print !== print) entry.sent = { print, key: idempotencyKey() };
        made.push(
          await json("POST", paths.jobs, {
            value: body,
            headers: { "Idempotency-Key": entry.sent.key },
            signal,
          }),
        );
        did(`Submit ${entry.name}`, { path: paths.jobs, value: body });
        files.submitted(entry);
      }
    } catch (problem) {
      busy = false;
      if (isAbort(problem)) return;
      refuse(problem);
      refresh();
      if (made.length > 0) toast(`${made.length} submitted; the rest was not.`);
      return;
    }
    busy = false;
    announce(made.length === 1 ? "The job is submitted" : `${made.length} jobs are submitted`);
    if (made.length === 1) go(link("jobs", made[0].id));
    else go("#/jobs");
  }

  function refuse(problem) {
    if (problem instanceof Problem && problem.errors.length > 0) {
      const homeless = fields.complain(problem.errors);
      say(
        h("p", {}, sentence(problem)),
        homeless.length > 0 &&
          h(
            "ul",
            {},
            homeless.map(({ pointer, detail }) => h("li", {}, h("code", {}, pointer), " ", detail)),
          ),
      );
      if (!fields.focusFirstWrong()) submit.focus();
      return;
    }
    const wait =
      problem instanceof Problem && problem.retryAfter > 0
        ? ` The server asks to wait ${count(problem.retryAfter)} s.`
        : "";
    say(h("p", {}, `${sentence(problem)}${wait}`));
  }

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy) return;
    const { ready, pending } = files.counts();
    if (ready + pending === 0) {
      say(h("p", {}, "A scene is needed: drop a file, or choose one."));
      files.focus();
      return;
    }
    if (pending > 0) {
      wanted = !wanted;
      refresh();
      return;
    }
    sendAll();
  });

  chooser.choose(job?.service, job?.params);
  if (job) {
    const { priority: before, metadata } = job;
    priority.value = ["high", "normal", "low"].includes(before) ? before : "normal";
    notes.value = Object.entries(metadata)
      .map(([key, value]) => `${key}: ${value}`)
      .join("\n");
    try {
      files.addUpload(await json("GET", paths.upload(job.input.upload_id), { signal }));
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 404)
        toast(`${nameOf(job)} is not kept any more: choose the file again.`);
      else if (!isAbort(problem)) toast(sentence(problem), { bad: true });
    }
  }
  receive((dropped) => files.add(dropped), signal);
  refresh();
  return element;
}

const request = (uploadId, { service, ...rest }) => {
  const { metadata, ...others } = rest;
  return {
    service,
    input: { upload_id: uploadId },
    ...others,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
};

function step(heading, ...content) {
  const [first, ...rest] = content;
  return h(
    "section",
    { class: "card step" },
    h("div", { class: "step-head" }, h("h2", {}, heading), rest),
    first,
  );
}

/** `name: value`, one a line. */
function parseNotes(words) {
  const entries = words
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const at = line.search(/[:=]/);
      return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
  return Object.fromEntries(entries.filter(([key]) => key !== ""));
}
