/** The REST interface. */

import * as connection from "./connection.js";
import * as session from "./session.js";

const REQUEST_TIMEOUT_MS = 30000;

/** What the server refused: RFC 9457. */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {Headers | null} headers */
  constructor(status, body, headers) {
    super(body?.detail || body?.title || `the server answered ${status}`);
    this.status = status;
    /** A stable word. @type {string} */
    this.code = body?.code ?? "";
    this.title = body?.title ?? "";
    /** Wrong fields. @type {{pointer: string, detail: string}[]} */
    this.errors = Array.isArray(body?.errors) ? body.errors : [];
    const after = Number(headers?.get("retry-after"));
    /** In seconds; 0 where the server said nothing. */
    this.retryAfter = Number.isFinite(after) ? after : 0;
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  constructor() {
    super("the server cannot be reached");
  }
}

/** Someone has ended the request. */
export const isAbort = (error) => error?.name === "AbortError";

/** The address of a route below `/api/v1`. */
export const url = (path) => new URL(`api/v1/${path}`, document.baseURI).href;

/** The headers that say who one is. */
export function authorization() {
  const token = session.token();
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

/**
 * Sends a request and gives the response, if it is a good one. Asks for a token where one is needed.
 *
 * @param {string} method
 * @param {string} path below `/api/v1`
 * @param {{body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal, stream?: boolean}} [options]
 *   `stream`: the answer may take as long as it likes
 * @returns {Promise<Response>}
 */
export async function send(method, path, { body, headers = {}, signal, stream = false } = {}) {
  for (;;) {
    const sent = session.token();
    const signals = [signal, stream ? null : AbortSignal.timeout(REQUEST_TIMEOUT_MS)].filter(Boolean);
    let response;
    try {
      response = await fetch(url(path), {
        method,
        body,
        cache: "no-store",
        redirect: "error",
        headers: { ...headers, ...authorization() },
        signal: signals.length > 0 ? AbortSignal.any(signals) : undefined,
      });
    } catch {
      if (signal?.aborted) throw new DOMException("aborted", "AbortError");
      connection.lost();
      throw new Unreachable();
    }
    // A gateway before the server answers these when there is nothing behind it.
    if (response.status === 502 || response.status === 504) {
      connection.lost();
      throw new Unreachable();
    }
    connection.seen();
    if (response.ok) return response;
    const problem = new Problem(response.status, await response.json().catch(() => null), response.headers);
    if (problem.status !== 401) throw problem;
    // Another request may have got a token while this one was under way.
    if (sent === session.token()) {
      try {
        await session.needToken(sent === null ? "" : problem.message);
      } catch {
        throw problem;
      }
    }
    if (signal?.aborted) throw new DOMException("aborted", "AbortError");
  }
}

/** @returns {Promise<any>} the JSON of the answer; `null` if it has none */
export async function json(method, path, { value, headers = {}, signal } = {}) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  const type = value === undefined ? {} : { "Content-Type": "application/json" };
  const response = await send(method, path, {
    body,
    headers: { Accept: "application/json", ...type, ...headers },
    signal,
  });
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    if (signal?.aborted) throw new DOMException("aborted", "AbortError");
    connection.lost();
    throw new Unreachable();
  }
}

const part = encodeURIComponent;

export const paths = {
  whoami: "whoami",
  services: "services",
  nodes: "nodes",
  uploads: "uploads",
  upload: (id) => `uploads/${part(id)}`,
  jobs: "jobs",
  job: (id) => `jobs/${part(id)}`,
  cancel: (id) => `jobs/${part(id)}/cancel`,
  events: (id) => `jobs/${part(id)}/events`,
  team: (id) => `jobs/${part(id)}/team`,
  artifact: (id, name) => `jobs/${part(id)}/artifacts/${part(name)}`,
  report: (id) => `jobs/${part(id)}/report.html`,
};

/** Asks who the page is to the server, and keeps the answer. */
export async function whoAmI(signal) {
  session.setIdentity(await json("GET", paths.whoami, { signal }));
}

/** @type {Promise<any[]> | null} */
let services = null;

/** The services; asked for once, for they change with the server only. */
export function loadServices() {
  services ??= json("GET", paths.services)
    .then((answer) => answer.services)
    .catch((error) => {
      services = null;
      throw error;
    });
  return services;
}

connection.connection.addEventListener("back", () => {
  services = null;
});

/** The name of a service for people. */
export const serviceTitle = (all, name) => all?.find((service) => service.name === name)?.title ?? name;

/**
 * The jobs, newest first.
 *
 * @param {{state?: string, service?: string, pageToken?: string, pageSize?: number}} filter
 */
export function listJobs({ state, service, pageToken, pageSize }, signal) {
  const query = new URLSearchParams();
  if (state) query.set("state", state);
  if (service) query.set("service", service);
  if (pageSize) query.set("page_size", String(pageSize));
  if (pageToken) query.set("page_token", pageToken);
  const text = query.toString();
  return json("GET", text ? `${paths.jobs}?${text}` : paths.jobs, { signal });
}

/** A key under which a request may be sent again without being done twice. */
export function idempotencyKey() {
  // `randomUUID` is there in secure contexts only, and a server in a laboratory may have no certificate.
  const words = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(words, (word) => word.toString(16).padStart(8, "0")).join("");
}
