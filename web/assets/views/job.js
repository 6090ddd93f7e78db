/** One job: while it runs, and what it found. */

import { json, loadServices, paths } from "../api.js";
import { announce } from "../components/announce.js";
import { nameOf } from "../components/actions.js";
import { failed } from "../components/notice.js";
import { isOver, stateWord } from "../components/state-chip.js";
import { notWhenBack, whenBack } from "../connection.js";
import { coalesced, fill, h } from "../dom.js";
import { convergence } from "../job/convergence.js";
import { facts, log, otherResult, shell } from "../job/facts.js";
import { files } from "../job/files.js";
import { head } from "../job/head.js";
import { iterationTable } from "../job/iterations.js";
import { watch } from "../job/model.js";
import { resultMap } from "../job/result-map.js";
import { team, timings } from "../job/team.js";
import { timeline } from "../job/timeline.js";

/** @param {import("../router.js").Place} place */
export function jobView({ path, signal, title }) {
  const id = path[1];
  title("Job");
  const page = h("div", { class: "page page-job", testid: "job-page", "data-id": id });
  const load = async () => {
    notWhenBack(load);
    fill(
      page,
      h("h1", { class: "visually-hidden", tabindex: -1 }, "Job"),
      h("div", { class: "loading", "aria-busy": "true" }),
    );
    try {
      const [job, services] = await Promise.all([json("GET", paths.job(id), { signal }), loadServices()]);
      if (signal.aborted) return;
      const hadFocus = page.contains(document.activeElement);
      show(
        job,
        services.find(({ name }) => name === job.service),
      );
      if (hadFocus) page.querySelector("h1").focus({ preventScroll: true });
    } catch (error) {
      if (signal.aborted) return;
      fill(page, h("h1", { class: "visually-hidden", tabindex: -1 }, "Job"), failed(error, load));
      whenBack(load, signal);
    }
  };
  load();
  return page;

  function show(first, service) {
    let model;
    const draw = coalesced(() => {
      if (signal.aborted || !model) return;
      for (const part of parts) part.update(model, service);
      page.dataset.state = model.job.state;
      title(titleOf(model.job));
    });
    let state = first.state;
    const { model: watched, refresh } = watch(first, signal, {
      changed(next) {
        model = next;
        if (next.job.state !== state) {
          state = next.job.state;
          announce(`${nameOf(next.job)}: ${stateWord(state)}`);
        }
        draw();
      },
      failed(error) {
        if (error?.status === 404 || error?.status === 401)
          fill(page, h("h1", { class: "visually-hidden", tabindex: -1 }, "Job"), failed(error));
      },
    });
    model = watched;
    const map = resultMap({ signal, colored: () => draw() });
    const top = head({ job: first, refresh, signal });
    const curves = convergence({ signal, color: map.color });
    const lanes = timeline({ id: first.id, signal });
    const others = {
      team: team(),
      timings: timings(),
      other: otherResult(),
      files: files(signal),
      facts: facts(),
      iterations: iterationTable(),
      log: log(),
      shell: shell(),
    };
    const parts = [top, map, curves, lanes, ...Object.values(others)];
    fill(
      page,
      top.element,
      map.element,
      curves.element,
      lanes.element,
      h(
        "div",
        { class: "job-columns" },
        h(
          "div",
          { class: "job-column" },
          others.team.element,
          others.timings.element,
          others.other.element,
          others.iterations.element,
          others.log.element,
          others.shell.element,
        ),
        h("div", { class: "job-column job-column-side" }, others.files.element, others.facts.element),
      ),
    );
    for (const part of parts) part.update(model, service);
    page.dataset.state = model.job.state;
    title(titleOf(model.job));
  }
}

function titleOf(job) {
  const name = nameOf(job);
  if (job.state === "RUNNING") {
    const { fraction, iteration } = job.progress;
    if (fraction !== null && fraction !== undefined) return `${Math.floor(fraction * 100)} % · ${name}`;
    return iteration > 0 ? `Iteration ${iteration} · ${name}` : `Running · ${name}`;
  }
  return isOver(job.state)
    ? `${{ SUCCEEDED: "✓", FAILED: "✗", CANCELLED: "–" }[job.state]} ${name} · ${stateWord(job.state)}`
    : `Waiting · ${name}`;
}
