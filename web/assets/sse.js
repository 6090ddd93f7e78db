/**
 * Server-sent events over `fetch`: `EventSource` can send no `Authorization`, and a token does not
 * belong into an address.
 */

import { Problem, Unreachable, isAbort, send } from "./api.js";
import { back, lost } from "./connection.js";

/** The server says something every 15 s; twice that and some, and it has gone without a word. */
const SILENCE_MS = 40000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

/**
 * Cuts a stream's text into messages. Lines end with LF, CR LF or CR, as the standard has it.
 *
 * @param {(message: {id: string, event: string, data: string}) => void} tell
 */
function parser(tell) {
  let rest = "";
  let message = { id: "", event: "", data: [] };
  const line = (words) => {
    if (words === "") {
      if (message.data.length > 0)
        tell({ id: message.id, event: message.event || "message", data: message.data.join("\n") });
      message = { id: message.id, event: "", data: [] };
      return;
    }
    const colon = words.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? words : words.slice(0, colon);
    const value = colon < 0 ? "" : words.slice(colon + 1).replace(/^ /, "");
    if (field === "data") message.data.push(value);
    else if (field === "event") message.event = value;
    else if (field === "id" && !value.includes("\0")) message.id = value;
  };
  return (chunk) => {
    rest += chunk;
    let from = 0;
    for (;;) {
      const end = rest.slice(from).search(/[\r\n]/);
      if (end < 0) break;
      const stop = from + end;
      // A CR at the very end may be half of a CR LF.
      if (rest[stop] === "\r" && stop === rest.length - 1) break;
      line(rest.slice(from, stop));
      from = stop + (rest[stop] === "\r" && rest[stop + 1] === "\n" ? 2 : 1);
    }
    rest = rest.slice(from);
  };
}

/** In which start of the server an event was told. */
const generation = (id) => id.slice(0, id.indexOf("-"));
const number = (id) => Number(id.slice(id.indexOf("-") + 1));

/**
 * Follows a job's events until `done`, through interruptions, none twice and none left out. After a crash of the server
 * `onAnew` is told the first event that takes the place of what was lost.
 *
 * @param {string} path
 * @param {{after?: string, signal: AbortSignal, onEvent: (event: any, id: string) => void,
 *   onAnew: (first: number) => void}} options
 * @returns {Promise<void>} rejects with a `Problem` when the server refuses
 */
export async function follow(path, { after = "", signal, onEvent, onAnew }) {
  let last = after;
  let wait = FIRST_WAIT_MS;
  let ended = false;
  while (!ended && !signal.aborted) {
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    let watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
      const response = await send("GET", path, { headers, signal: either, stream: true });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parse = parser(({ id, data }) => {
        const event = JSON.parse(data);
        if (last && generation(id) !== generation(last)) onAnew(event.id);
        else if (last && event.id <= number(last)) return;
        last = id;
        // And not before: a stream that breaks off and has told nothing is not to be asked for again at once.
        wait = FIRST_WAIT_MS;
        ended = event.event === "done";
        onEvent(event, id);
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
        parse(value);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status < 500 && error.status !== 429) throw error;
      if (!(error instanceof Unreachable) && !(error instanceof Problem) && !isAbort(error)) lost();
    } finally {
      clearTimeout(watchdog);
    }
    if (ended || signal.aborted) return;
    await back(signal).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.8 + 0.4 * Math.random())));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}
