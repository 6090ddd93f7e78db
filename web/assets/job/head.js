/** Which job it is, where it stands, and what can be done with it. */

import { paths, url } from "../api.js";
import { againLink, cancelJob, deleteJob, nameOf } from "../components/actions.js";
import { icon } from "../components/icons.js";
import { progressBar } from "../components/progress.js";
import { isOver, setStateChip, stateChip } from "../components/state-chip.js";
import { h, text } from "../dom.js";
import { ago, at, begun, count, counted, duration, left, shape, value, words } from "../format.js";
import { go } from "../router.js";
import { maySubmit, token } from "../session.js";
import { save } from "./files.js";

const PHASES = ["decoding", "placing", "splitting", "iterating", "assembling", "writing"];

/** @param {{job: any, refresh: () => void, signal: AbortSignal}} options */
export function head({ job: first, refresh, signal }) {
  let job = first;
  const chip = stateChip(job.state);
  chip.dataset.testid = "job-state";
  const about = h("p", { class: "job-subtitle" });
  const created = h("time", { datetime: job.created_at, title: at(job.created_at) });
  const cancel = h("button", { type: "button", class: "button", testid: "cancel" }, icon("stop"), "Cancel");
  const again = h(
    "a",
    { class: "button", href: againLink(job), testid: "again" },
    icon("again"),
    "Run again",
  );
  const remove = h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": "Delete this job",
      title: "Delete",
      testid: "delete",
    },
    icon("trash"),
  );
  const report = h(
    "a",
    { class: "button", href: url(paths.report(job.id)), target: "_blank", rel: "noopener", testid: "report" },
    icon("open"),
    "Report",
  );
  cancel.addEventListener("click", async () => {
    cancel.disabled = true;
    cancel.lastChild.textContent = "Cancelling …";
    if (!(await cancelJob(job))) {
      cancel.disabled = false;
      cancel.lastChild.textContent = "Cancel";
    }
    refresh();
  });
  remove.addEventListener("click", async () => {
    if (await deleteJob(job)) go("#/jobs");
  });
  report.addEventListener("click", (event) => {
    // An address can carry no token, and a page of the server's must not run as a part of this one: it is saved instead.
    const artifact = job.artifacts.find(({ name }) => name === "report.html");
    if (token() === null || !artifact) return;
    event.preventDefault();
    save(job, artifact, signal);
  });

  const bar = progressBar("Progress");
  const phases = h(
    "ol",
    { class: "phases", "aria-label": "Phases" },
    PHASES.map((phase) => h("li", { "data-phase": phase }, words(phase))),
  );
  const facts = h("dl", { class: "live", testid: "live" });
  const live = h(
    "section",
    { class: "card live-card", "aria-label": "Progress" },
    bar.element,
    phases,
    facts,
  );
  const reason = h("p", { class: "job-reason", testid: "job-reason" });
  const error = h(
    "div",
    { class: "job-error", role: "alert", testid: "job-error" },
    icon("warning"),
    h("div", {}, h("strong"), h("p")),
  );
  const figures = h("dl", { class: "figures", testid: "figures" });
  const element = h(
    "header",
    { class: "job-head" },
    h(
      "nav",
      { class: "crumbs", "aria-label": "Where you are" },
      h("a", { href: "#/jobs" }, icon("left"), "Jobs"),
    ),
    h(
      "div",
      { class: "page-head" },
      h(
        "div",
        { class: "job-title" },
        h(
          "div",
          { class: "job-heading" },
          h("h1", { tabindex: -1, testid: "page-title" }, nameOf(job)),
          chip,
        ),
        about,
      ),
      h("div", { class: "page-actions" }, report, again, cancel, remove),
    ),
    reason,
    error,
    live,
    figures,
  );

  const pair = (name, words_) => h("div", {}, h("dt", {}, name), h("dd", {}, words_));

  function drawLive(model) {
    const { progress } = job;
    bar.set(job.state === "PENDING" ? 0 : progress.fraction);
    const current = PHASES.indexOf(job.phase);
    for (const [index, item] of [...phases.children].entries()) {
      item.classList.toggle("is-past", index < current);
      if (index === current) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    const row = model.iterations.at(-1);
    const now = Date.now();
    facts.replaceChildren(
      ...[
        [
          "Iteration",
          row
            ? `${count(row.iteration)}${progress.max_iterations ? ` of ${count(progress.max_iterations)} at most` : ""}`
            : "–",
        ],
        ["Change", row ? value(row.error) : "–"],
        model.tiles && [
          "This round",
          `${count(model.tiles.answered)} of ${counted(model.tiles.team_size, "tile")}`,
        ],
        [
          "Left",
          progress.eta_ms !== null && progress.eta_ms !== undefined
            ? left(progress.eta_ms).replace(/ left$/, "")
            : "not known yet",
        ],
        [
          "Running for",
          job.started_at
            ? duration(Math.max(0, now - new Date(job.started_at))).replace(/\.\d s$/, " s")
            : "–",
        ],
      ]
        .filter(Boolean)
        .map(([name, words_]) => pair(name, words_)),
    );
  }

  function drawFigures(model) {
    const { result } = job;
    const entries = [];
    if (Array.isArray(result?.classes)) entries.push(["Classes", count(result.classes.length)]);
    const iterations = model.iterations.at(-1)?.iteration ?? job.progress.iteration;
    if (iterations > 0) entries.push(["Iterations", count(iterations)]);
    if (typeof result?.converged === "boolean")
      entries.push(["Converged", result.converged ? "yes" : "no: the most iterations were reached"]);
    const row = model.iterations.at(-1);
    if (row?.error !== null && row?.error !== undefined) entries.push(["Last change", value(row.error)]);
    const total = result?.timings?.total_ms;
    if (typeof total === "number") entries.push(["Computed in", duration(total)]);
    const team = result?.team;
    if (team?.msvpus)
      entries.push(["Team", `${counted(team.msvpus, "MsVPU")} on ${counted(team.cpus, "CPU")}`]);
    figures.replaceChildren(...entries.map(([name, words_]) => pair(name, words_)));
    figures.hidden = entries.length === 0;
  }

  return {
    element,
    /** @param {import("./model.js").Model} model @param {any} service */
    update(model, service) {
      job = model.job;
      setStateChip(chip, job.state);
      const over = isOver(job.state);
      created.textContent = ago(job.created_at);
      about.replaceChildren(
        `${service?.title ?? job.service} · ${shape(job.input)} · submitted `,
        created,
        job.owner ? ` by ${job.owner}` : "",
      );
      cancel.hidden = over || !maySubmit();
      again.hidden = !over || !maySubmit();
      remove.hidden = !over || !maySubmit();
      report.hidden = job.state !== "SUCCEEDED" || !job.artifacts.some(({ name }) => name === "report.html");
      live.hidden = job.state !== "RUNNING";
      // Of a running job too: it may wait for a node.
      text(reason, ["PENDING", "RUNNING", "CANCELLED"].includes(job.state) ? begun(job.reason) : "");
      reason.hidden = reason.textContent === "";
      error.hidden = job.state !== "FAILED";
      if (job.state === "FAILED") {
        text(error.querySelector("strong"), job.error?.code ? words(job.error.code) : "Failed");
        text(error.querySelector("p"), begun(job.error?.message ?? job.reason));
      }
      if (job.state === "RUNNING") drawLive(model);
      if (over) drawFigures(model);
      else figures.hidden = true;
    },
  };
}
