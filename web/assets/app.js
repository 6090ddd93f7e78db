/** The page: its frame, and which view stands in it. */

import { whoAmI } from "./api.js";
import { listenForNeed } from "./components/token-dialog.js";
import { connection } from "./connection.js";
import { start } from "./router.js";
import { identity, session } from "./session.js";
import { drawTools, watchConnection, watchDrops } from "./shell.js";
import { clusterView } from "./views/cluster.js";
import { jobView } from "./views/job.js";
import { jobsView } from "./views/jobs.js";
import { newView } from "./views/new.js";
import { nowhereView } from "./views/nowhere.js";

const main = document.getElementById("main");

function choose({ path }) {
  const [first, second, ...rest] = path;
  if (first === undefined || (first === "jobs" && second === undefined))
    return { name: "jobs", view: jobsView };
  if (first === "jobs" && rest.length === 0) return { name: "jobs", view: jobView };
  if (first === "new" && second === undefined) return { name: "new", view: newView };
  if (first === "cluster" && second === undefined) return { name: "cluster", view: clusterView };
  return { name: "", view: nowhereView };
}

function mark(name) {
  for (const anchor of document.querySelectorAll("[data-nav]")) {
    if (anchor.dataset.nav === name) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
}

/** Without an answer the page is nobody's; whoever needs more asks again. */
const introduce = () => whoAmI().catch(() => undefined);

document.getElementById("skip-link").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

listenForNeed();
watchConnection();
watchDrops();
drawTools();
session.addEventListener("changed", drawTools);
session.addEventListener("entered", () => location.reload());
connection.addEventListener("back", () => identity() === null && introduce());
introduce();
start(main, choose, mark);
