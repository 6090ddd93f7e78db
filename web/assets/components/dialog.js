/** Questions. */

import { h, uniqueId } from "../dom.js";

/** Shows a dialog until it is closed; what was focused is focused again then. */
export function show(dialog) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}

/**
 * Asks before something that cannot be undone.
 *
 * @param {{title: string, words: string, yes: string}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, words, yes }) {
  return new Promise((resolve) => {
    const id = uniqueId("confirm");
    let answer = false;
    const no = h(
      "button",
      { type: "button", class: "button", autofocus: true, on: { click: () => dialog.close() } },
      "Keep it",
    );
    const agree = h(
      "button",
      {
        type: "button",
        class: "button button-danger",
        testid: "confirm-yes",
        on: {
          click: () => {
            answer = true;
            dialog.close();
          },
        },
      },
      yes,
    );
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": id, testid: "confirm" },
      h("h2", { id }, title),
      h("p", {}, words),
      h("div", { class: "dialog-buttons" }, no, agree),
    );
    dialog.addEventListener("close", () => resolve(answer));
    show(dialog);
  });
}
