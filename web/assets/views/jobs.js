/** The jobs, newest first. */

import { listJobs, loadServices, serviceTitle } from "../api.js";
import { announce } from "../components/announce.js";
import { icon } from "../components/icons.js";
import { nameOf } from "../components/actions.js";
import { empty, failed, sentence } from "../components/notice.js";
import { segmented } from "../components/segmented.js";
import { STATES, isOver, stateWord } from "../components/state-chip.js";
import { connection } from "../connection.js";
import { fill, h, repeatedly } from "../dom.js";
import { counted } from "../format.js";
import { hand } from "../handover.js";
import { go, rewriteQuery } from "../router.js";
import { maySubmit, session } from "../session.js";
import { jobRow } from "./jobs-row.js";

const PAGE_SIZE = 25;
const BUSY_MS = 1500;
const QUIET_MS = 8000;

/** @param {import("../router.js").Place} place */
export function jobsView({ query, signal, title }) {
  title("Jobs");
  const filter = { state: query.get("state") ?? "", service: query.get("service") ?? "" };
  /** The way back: the page that is shown is the last. */
  let pages = [query.get("page") ?? ""];
  let services = null;
  /** @type {Map<string, ReturnType<typeof jobRow>>} */
  const rows = new Map();
  const list = h("ol", { class: "jobs", "aria-label": "Jobs", testid: "jobs" });
  const below = h(
    "div",
    { class: "jobs-below", testid: "jobs-below" },
    h("div", { class: "loading", "aria-busy": "true" }),
  );
  const older = h(
    "button",
    { type: "button", class: "button button-small", testid: "page-older" },
    "Older",
    icon("right"),
  );
  const newer = h(
    "button",
    { type: "button", class: "button button-small", testid: "page-newer" },
    icon("left"),
    "Newer",
  );
  const pager = h("nav", { class: "pager", "aria-label": "Pages", hidden: true }, newer, older);
  const head = h(
    "div",
    { class: "jobs-head", "aria-hidden": "true" },
    ["State", "Scene", "Progress", "Submitted", ""].map((word) => h("span", {}, word)),
  );
  head.hidden = true;

  const serviceSelect = h(
    "select",
    { "aria-label": "Service", testid: "filter-service" },
    h("option", { value: "" }, "All services"),
  );
  const states = segmented({
    label: "State",
    testid: "filter-state",
    value: filter.state,
    choices: [
      { value: "", label: "All" },
      ...STATES.map((state) => ({ value: state, label: stateWord(state) })),
    ],
    onChange: (value) => change({ state: value }),
  });
  serviceSelect.addEventListener("change", () => change({ service: serviceSelect.value }));

  const filters = h(
    "div",
    { class: "filters" },
    h("div", { class: "scroll-x" }, states.element),
    serviceSelect,
  );
  const create = h(
    "a",
    { class: "button button-primary", href: "#/new", testid: "new-job" },
    icon("plus"),
    "New job",
  );
  const drawCreate = () => {
    create.hidden = !maySubmit();
  };
  session.addEventListener("changed", drawCreate, { signal });
  drawCreate();

  /** What kind of notice is below the list: it is made anew only when it is another, so that it keeps the focus. */
  let notice = "loading";
  function stands(kind, make) {
    if (kind === notice) return;
    notice = kind;
    fill(below, make?.());
  }

  let next = null;
  const address = () => {
    const words = new URLSearchParams();
    if (filter.state) words.set("state", filter.state);
    if (filter.service) words.set("service", filter.service);
    if (pages.at(-1)) words.set("page", pages.at(-1));
    rewriteQuery(words);
  };
  function change(part) {
    Object.assign(filter, part);
    pages = [""];
    address();
    refresh();
  }
  older.addEventListener("click", () => {
    pages.push(next);
    turned();
  });
  newer.addEventListener("click", () => {
    pages.pop();
    if (pages.length === 0) pages = [""];
    turned();
  });
  function turned() {
    address();
    scrollTo(0, 0);
    refresh();
  }

  function draw(jobs) {
    const filtered = filter.state !== "" || filter.service !== "";
    const seen = new Set(jobs.map(({ id }) => id));
    for (const [id, row] of rows) {
      if (seen.has(id)) continue;
      const focused = row.element.contains(document.activeElement);
      const neighbour = row.element.nextElementSibling ?? row.element.previousElementSibling;
      row.element.remove();
      rows.delete(id);
      if (focused) (neighbour?.querySelector("a") ?? page.querySelector("h1")).focus();
    }
    jobs.forEach((job, index) => {
      let row = rows.get(job.id);
      if (!row) {
        row = jobRow(job, refresh);
        rows.set(job.id, row);
      } else if (row.state() !== job.state) announce(`${nameOf(job)}: ${stateWord(job.state)}`);
      row.update(job, serviceTitle(services, job.service));
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
    });
    filters.hidden = jobs.length === 0 && !filtered && !pages.at(-1);
    head.hidden = jobs.length === 0;
    pager.hidden = next === null && pages.at(-1) === "";
    older.disabled = next === null;
    newer.disabled = pages.at(-1) === "";
    if (jobs.length > 0) stands("nothing");
    else if (filtered || pages.at(-1))
      stands("none", () =>
        empty(
          "picture",
          "No such jobs",
          "Nothing is in this state, of this service.",
          h(
            "button",
            {
              type: "button",
              class: "button",
              on: {
                click: () => {
                  states.set("");
                  serviceSelect.value = "";
                  change({ state: "", service: "" });
                },
              },
            },
            "Show all",
          ),
        ),
      );
    else stands("welcome", welcome);
    const running = jobs.filter(({ state }) => state === "RUNNING").length;
    title(running > 0 ? `${counted(running, "job")} running` : "Jobs");
  }

  let latest = 0;
  async function load() {
    latest += 1;
    const mine = latest;
    try {
      const answer = await listJobs({ ...filter, pageToken: pages.at(-1), pageSize: PAGE_SIZE }, signal);
      if (mine !== latest || signal.aborted) return QUIET_MS;
      next = answer.next_page_token ?? null;
      draw(answer.jobs);
      return answer.jobs.some(({ state }) => !isOver(state)) ? BUSY_MS : QUIET_MS;
    } catch (error) {
      if (!signal.aborted && rows.size === 0)
        stands(`failed ${sentence(error)}`, () => failed(error, () => refresh()));
      return QUIET_MS;
    }
  }

  const page = h(
    "div",
    { class: "page" },
    h("div", { class: "page-head" }, h("h1", { tabindex: -1, testid: "page-title" }, "Jobs"), create),
    filters,
    head,
    list,
    below,
    pager,
  );
  const refresh = repeatedly(load, QUIET_MS, signal);
  connection.addEventListener("back", () => refresh(), { signal });
  loadServices()
    .then((all) => {
      services = all;
      serviceSelect.append(...all.map(({ name, title: words }) => h("option", { value: name }, words)));
      serviceSelect.value = filter.service;
      refresh();
    })
    .catch(() => undefined);
  return page;
}

/** For the first visit. */
function welcome() {
  const input = h("input", {
    type: "file",
    multiple: true,
    class: "visually-hidden",
    id: "welcome-file",
    testid: "welcome-file",
  });
  input.addEventListener("change", () => {
    hand([...input.files]);
    go("#/new");
  });
  return h(
    "div",
    { class: "welcome", testid: "welcome" },
    input,
    h(
      "label",
      { class: "drop drop-large", for: "welcome-file" },
      icon("upload"),
      h(
        "span",
        { class: "drop-title" },
        "Drop a satellite scene to classify it, or ",
        h("span", { class: "drop-link" }, "choose a file"),
      ),
      h(
        "p",
        { class: "soft" },
        "Then say how many classes there are, and watch them settle. Nothing is computed before you say so.",
      ),
    ),
  );
}
