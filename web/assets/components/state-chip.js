/** Where a job stands, as a coloured word. */

import { h } from "../dom.js";

export const STATES = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"];

const WORDS = {
  PENDING: "Waiting",
  RUNNING: "Running",
  SUCCEEDED: "Done",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
};

export const stateWord = (state) => WORDS[state] ?? state;
export const isOver = (state) => state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED";

export function stateChip(state) {
  const chip = h(
    "span",
    { class: "chip" },
    h("span", { class: "chip-mark", "aria-hidden": "true" }),
    h("span", { class: "chip-word" }),
  );
  setStateChip(chip, state);
  return chip;
}

export function setStateChip(chip, state) {
  if (chip.dataset.state === state) return;
  chip.dataset.state = state;
  chip.lastElementChild.textContent = stateWord(state);
}
