/** Who the page is to the server. The token lives as long as the tab, and is never part of an address. */

const KEY = "msvpu.token";

/** Events: `changed` (who one is), `needed` (a token, with `detail.reason`). */
export const session = new EventTarget();

/** @type {{name: string | null, scopes: string[], auth: "none" | "token"} | null} */
let who = null;
/** @type {{resolve: () => void, reject: (error: Error) => void}[]} */
let waiting = [];
let asked = false;
/** Whether the question was turned away; then only an explicit wish brings it back. */
let declined = false;

export const token = () => sessionStorage.getItem(KEY);
export const identity = () => who;
export const usesTokens = () => token() !== null || who?.auth === "token" || asked;
export const maySubmit = () => who === null || who.scopes.includes("submit") || who.scopes.includes("admin");

/** @param {typeof who} next */
export function setIdentity(next) {
  who = next;
  session.dispatchEvent(new Event("changed"));
}

/** @param {string} text */
export function setToken(text) {
  sessionStorage.setItem(KEY, text.trim());
  declined = false;
  const all = waiting;
  waiting = [];
  asked = true;
  all.forEach(({ resolve }) => resolve());
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
  setIdentity(null);
}

/** The question was turned away. */
export function decline() {
  declined = true;
  const all = waiting;
  waiting = [];
  all.forEach(({ reject }) => reject(new Error("no token was given")));
}

/**
 * Asks for a token; resolves when one was given, which may be wrong.
 *
 * @param {string} reason
 * @param {boolean} [wished] whether someone has just asked for the question
 */
export function needToken(reason, wished = false) {
  if (declined && !wished) return Promise.reject(new Error("no token was given"));
  declined = false;
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    if (waiting.length === 1) session.dispatchEvent(new CustomEvent("needed", { detail: { reason } }));
  });
}
