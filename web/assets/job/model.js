/** What is known of a job, kept up to date while somebody looks at it. */

import { json, paths } from "../api.js";
import { isOver } from "../components/state-chip.js";
import { connection, whenBack } from "../connection.js";
import { repeatedly } from "../dom.js";
import { follow } from "../sse.js";

/** How often the estimates are asked for; everything else comes by itself. */
const ESTIMATE_MS = 2000;
const QUIET_MS = 30000;
/** A hidden page asks so often, for its title; its stream it gives back, for a browser has six connections to a server, for all of its pages. */
const HIDDEN_MS = 10000;
const STREAM_REST_MS = 20000;

/**
 * @typedef {object} Model
 * @property {any} job
 * @property {any[]} iterations
 * @property {any[]} nodes the newest rows
 * @property {any[]} log events `state`, `log` and `done`
 * @property {{round: number, answered: number, team_size: number} | null} tiles
 */

/**
 * @param {any} job
 * @param {AbortSignal} signal
 * @param {{changed: (model: Model) => void, failed: (error: unknown) => void}} listener
 */
export function watch(job, signal, { changed, failed }) {
  /** @type {Model} */
  const model = { job, iterations: [], nodes: job.result?.nodes ?? [], log: [], tiles: null };
  /** What the events call the nodes; a result has but their numbers. @type {Map<number, string>} */
  const names = new Map();
  const named = (nodes) => nodes.map((node) => ({ ...node, name: node.name ?? names.get(node.node) }));
  const load = async () => {
    try {
      const next = await json("GET", paths.job(job.id), { signal });
      // Answers may overtake each other.
      if (next.revision >= model.job.revision) model.job = next;
      if (Array.isArray(model.job.result?.nodes)) model.nodes = named(model.job.result.nodes);
      changed(model);
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
    return isOver(model.job.state) ? QUIET_MS : ESTIMATE_MS;
  };
  const refresh = repeatedly(load, ESTIMATE_MS, signal, HIDDEN_MS);
  connection.addEventListener("back", () => refresh(), { signal });

  let last = "";
  /** The last event was told. */
  let finished = false;
  const take = (event, id) => {
    last = id;
    finished ||= event.event === "done";
    if (event.event === "iteration") {
      // A job that begins again after a restart counts from 1 again.
      while (model.iterations.length > 0 && model.iterations.at(-1).iteration >= event.iteration)
        model.iterations.pop();
      model.iterations.push(event);
      model.tiles = null;
      const { progress } = model.job;
      if (model.job.state === "RUNNING")
        model.job = { ...model.job, progress: { ...progress, iteration: event.iteration } };
    } else if (event.event === "tiles") model.tiles = event;
    else if (event.event === "node") {
      for (const { node, name } of event.nodes) if (name) names.set(node, name);
      model.nodes = model.job.result ? named(model.nodes) : event.nodes;
    } else {
      model.log.push(event);
      // Where it stands is asked for, not taken from here: at first the events of long ago come again.
      if (!isOver(model.job.state)) refresh();
    }
    changed(model);
  };
  /** What the server lost in a crash has not happened. */
  const anew = (first) => {
    const before = (event) => event.id < first;
    model.iterations = model.iterations.filter(before);
    model.log = model.log.filter(before);
    model.tiles = null;
  };
  if (isOver(job.state)) whole();
  else stream();

  /** Asks for all that has happened, until it comes. */
  function whole() {
    json("GET", paths.events(job.id), { signal, headers: { Accept: "application/json" } })
      .then(({ events }) => events.forEach((event) => take(event, "")))
      .catch((error) => {
        if (signal.aborted) return;
        whenBack(whole, signal);
        failed(error);
      });
  }

  /** Follows the events while the page is to be seen. */
  function stream() {
    let following = null;
    let timer = 0;
    const begin = () => {
      following = new AbortController();
      const either = AbortSignal.any([signal, following.signal]);
      const options = { after: last, signal: either, onEvent: take, onAnew: anew };
      follow(paths.events(job.id), options).catch((error) => either.aborted || failed(error));
    };
    document.addEventListener(
      "visibilitychange",
      () => {
        clearTimeout(timer);
        if (finished) return;
        if (document.hidden) timer = setTimeout(() => following.abort(), STREAM_REST_MS);
        else if (following.signal.aborted) begin();
      },
      { signal },
    );
    begin();
  }
  return { model, refresh };
}
