/** Whether the server is there. One truth for the page: whoever cannot reach it says so, whoever waits for it is told. */

const HEALTH = "healthz";
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;

/** Events: `gone`, `waiting` (with `detail.ms`), `back`. */
export const connection = new EventTarget();

let gone = false;
let timer = 0;
let wait = FIRST_WAIT_MS;

/** The server could not be reached: from now on it is asked for until it answers. */
export function lost() {
  if (gone) return;
  gone = true;
  wait = FIRST_WAIT_MS;
  connection.dispatchEvent(new Event("gone"));
  plan();
}

/** The server has answered something. */
export function seen() {
  if (!gone) return;
  gone = false;
  clearTimeout(timer);
  connection.dispatchEvent(new Event("back"));
}

function plan() {
  // A little chance, so that many pages do not come back at once.
  const ms = Math.round(wait * (0.8 + 0.4 * Math.random()));
  wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  connection.dispatchEvent(new CustomEvent("waiting", { detail: { ms } }));
  clearTimeout(timer);
  timer = setTimeout(probe, ms);
}

/** Asks now. */
export async function probe() {
  if (!gone) return;
  clearTimeout(timer);
  try {
    const answer = await fetch(new URL(HEALTH, document.baseURI), {
      cache: "no-store",
      signal: AbortSignal.timeout(5000),
    });
    if (answer.ok) {
      seen();
      return;
    }
  } catch {
    // Still gone.
  }
  plan();
}

/** Calls `action` the next time that the server comes back, once however often it is asked for until then. */
export function whenBack(action, signal) {
  connection.addEventListener("back", action, { once: true, signal });
}

/** `action` needs no call any more. */
export function notWhenBack(action) {
  connection.removeEventListener("back", action);
}

/** Resolves when the server is there; at once, if it is. */
export function back(signal) {
  if (!gone) return Promise.resolve();
  return new Promise((resolve, reject) => {
    connection.addEventListener("back", () => resolve(), { once: true, signal });
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

addEventListener("online", () => probe());
addEventListener("offline", () => lost());
