/** Words for screen readers, and short notes for everybody. */

import { h } from "../dom.js";

const NOTE_MS = 6000;

/** Says something to a screen reader. */
export function announce(words) {
  const region = document.getElementById("announcer");
  // The same words twice are two changes.
  region.textContent = region.textContent === words ? `${words}\u00a0` : words;
}

/**
 * Shows a note for a while; longer while it is pointed at or focused.
 *
 * @param {string} words
 * @param {{bad?: boolean, action?: {label: string, run: () => void}}} [options]
 */
export function toast(words, { bad = false, action } = {}) {
  const note = h("div", { class: bad ? "toast toast-bad" : "toast" }, h("span", {}, words));
  const end = () => note.remove();
  if (action) {
    const run = () => {
      end();
      action.run();
    };
    note.append(h("button", { type: "button", class: "link-button", on: { click: run } }, action.label));
  }
  let timer = setTimeout(end, NOTE_MS);
  const hold = () => clearTimeout(timer);
  const release = () => {
    clearTimeout(timer);
    timer = setTimeout(end, NOTE_MS / 2);
  };
  note.addEventListener("pointerenter", hold);
  note.addEventListener("focusin", hold);
  note.addEventListener("pointerleave", release);
  note.addEventListener("focusout", release);
  const all = document.getElementById("toasts");
  all.append(note);
  while (all.children.length > 4) all.firstElementChild.remove();
}
