/** What a view says when it has nothing to show. */

import { Problem, Unreachable, isAbort } from "../api.js";
import { h } from "../dom.js";
import { sentence as asSentence } from "../format.js";
import { icon } from "./icons.js";
import { offer } from "./token-dialog.js";

/** An empty place, with a way on. */
export function empty(symbol, title, words, ...actions) {
  return h(
    "div",
    { class: "empty", testid: "empty" },
    h("span", { class: "empty-icon" }, icon(symbol)),
    h("h2", {}, title),
    words && h("p", {}, words),
    actions.length > 0 && h("div", { class: "empty-actions" }, actions),
  );
}

/** What went wrong, in one sentence. @param {unknown} error */
export function sentence(error) {
  if (error instanceof Unreachable) return "The server cannot be reached.";
  return asSentence(error instanceof Error ? error.message : String(error));
}

/** A whole place for an error. */
export function failed(error, retry) {
  if (isAbort(error)) return h("div");
  if (error instanceof Problem && error.status === 401) {
    return empty(
      "key",
      "A token is needed",
      "Without one, this server shows nothing.",
      h("button", { type: "button", class: "button button-primary", on: { click: offer } }, "Enter a token"),
    );
  }
  if (error instanceof Problem && error.status === 404) {
    return empty(
      "picture",
      "Not here",
      `${sentence(error)} It may have been deleted, or belong to somebody else.`,
      h("a", { class: "button", href: "#/jobs" }, "To the jobs"),
    );
  }
  return empty(
    "warning",
    "That did not work",
    sentence(error),
    retry && h("button", { type: "button", class: "button", on: { click: retry } }, "Try again"),
  );
}
