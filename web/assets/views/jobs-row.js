/** A job in the list. */

import { againLink, cancelJob, deleteJob, nameOf } from "../components/actions.js";
import { icon } from "../components/icons.js";
import { progressBar } from "../components/progress.js";
import { isOver, setStateChip, stateChip } from "../components/state-chip.js";
import { h, text } from "../dom.js";
import { ago, at, begun, count, counted, duration, left, words } from "../format.js";
import { link } from "../router.js";
import { maySubmit } from "../session.js";

/** What a job is at, or why it stands where it stands, in a line. */
function standing(job) {
  const { progress } = job;
  if (job.state === "PENDING") return job.reason;
  if (job.state === "RUNNING") {
    const parts = [];
    if (job.phase === "iterating" && progress.iteration > 0)
      parts.push(`Iteration ${count(progress.iteration)}`);
    else if (job.phase) parts.push(words(job.phase));
    if (progress.eta_ms !== null && progress.eta_ms !== undefined) parts.push(left(progress.eta_ms));
    return parts.join(" · ") || job.reason;
  }
  if (job.state === "FAILED") return job.error?.message ?? job.reason;
  const took =
    job.started_at && job.ended_at
      ? `${job.state === "CANCELLED" ? "after" : "in"} ${duration(new Date(job.ended_at) - new Date(job.started_at))}`
      : "";
  if (job.state === "CANCELLED") return took ? `Ended ${took}` : job.reason;
  return [progress.iteration > 0 ? counted(progress.iteration, "iteration") : "", took]
    .filter(Boolean)
    .join(" ");
}

/** @param {any} first @param {() => void} changed */
export function jobRow(first, changed) {
  let job = first;
  const chip = stateChip(job.state);
  const name = h("a", { class: "job-name", href: link("jobs", job.id), testid: "job-link" }, nameOf(job));
  const about = h("span", { class: "job-about" });
  const bar = progressBar(`Progress of ${nameOf(job)}`);
  const line = h("span", { class: "job-standing" });
  const created = h("time", { class: "job-created", datetime: job.created_at, title: at(job.created_at) });
  const act = (symbol, label, testid, run) =>
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": `${label} ${nameOf(job)}`,
        title: label,
        testid,
        on: { click: run },
      },
      icon(symbol),
    );
  const cancel = act("stop", "Cancel", "job-cancel", async () => {
    cancel.disabled = true;
    if (!(await cancelJob(job))) cancel.disabled = false;
    changed();
  });
  const remove = act("trash", "Delete", "job-delete", async () => {
    if (await deleteJob(job)) changed();
  });
  const again = h(
    "a",
    {
      class: "icon-button",
      href: againLink(job),
      "aria-label": `Run ${nameOf(job)} again`,
      title: "Run again",
      testid: "job-again",
    },
    icon("again"),
  );
  const element = h(
    "li",
    { class: "job-row", "data-id": job.id, testid: "job-row" },
    h("div", { class: "job-state" }, chip),
    h("div", { class: "job-what" }, name, about),
    h("div", { class: "job-progress" }, bar.element, line),
    created,
    h("div", { class: "job-actions" }, again, cancel, remove),
  );
  return {
    element,
    state: () => job.state,
    update(next, service) {
      job = next;
      element.dataset.state = job.state;
      setStateChip(chip, job.state);
      text(
        about,
        [
          service,
          `${job.input.width} × ${job.input.height}`,
          job.input.bands > 1 ? counted(job.input.bands, "band") : "",
          job.owner ?? "",
        ]
          .filter(Boolean)
          .join(" · "),
      );
      bar.element.hidden = job.state !== "RUNNING";
      bar.set(job.progress.fraction);
      text(line, begun(standing(job)));
      line.title = line.textContent;
      text(created, ago(job.created_at));
      cancel.hidden = isOver(job.state) || !maySubmit();
      remove.hidden = !isOver(job.state) || !maySubmit();
      again.hidden = !isOver(job.state) || !maySubmit();
    },
  };
}
