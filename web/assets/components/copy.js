/** Things to copy. */

import { h } from "../dom.js";
import { announce } from "./announce.js";
import { icon } from "./icons.js";

/** Puts text on the clipboard, also where the page is no secure context. */
export async function copy(text) {
  if (navigator.clipboard && isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = h("textarea", { class: "visually-hidden", "aria-hidden": "true", tabindex: -1 });
  area.value = text;
  // Within an open dialog, for what is outside of it cannot be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  const before = document.activeElement;
  area.select();
  document.execCommand("copy");
  area.remove();
  before?.focus?.();
}

/**
 * A button that copies.
 *
 * @param {() => string} what
 * @param {{label: string, short?: string, testid?: string}} options `label` is what it copies; `short` is shown, if anything is
 */
export function copyButton(what, { label, short, testid }) {
  const words = short ? h("span", {}, short) : null;
  const button = h(
    "button",
    {
      type: "button",
      class: short ? "button button-small" : "icon-button",
      "aria-label": label,
      title: label,
      testid,
    },
    icon("copy"),
    words,
  );
  button.addEventListener("click", async () => {
    try {
      await copy(what());
    } catch {
      announce("It could not be copied");
      return;
    }
    button.firstElementChild.replaceWith(icon("check"));
    button.classList.add("is-done");
    announce("Copied");
    setTimeout(() => {
      button.firstElementChild.replaceWith(icon("copy"));
      button.classList.remove("is-done");
    }, 1500);
  });
  return button;
}

/** A command, to read and to copy. */
export function command(text, what) {
  return h(
    "div",
    { class: "command" },
    h("pre", { tabindex: 0, "aria-label": what }, h("code", {}, text)),
    copyButton(() => text, { label: `Copy: ${what}` }),
  );
}
