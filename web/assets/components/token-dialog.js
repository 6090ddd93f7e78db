/** Asks for a token when the server wants one. */

import { h } from "../dom.js";
import { decline, needToken, session, setToken } from "../session.js";
import { show } from "./dialog.js";

/** Listens for the need of a token, for as long as the page lives. */
export function listenForNeed() {
  session.addEventListener("needed", (event) => ask(event.detail.reason));
}

/** Opens the question without a need. */
export function offer() {
  needToken("", true).then(
    () => session.dispatchEvent(new Event("entered")),
    () => undefined,
  );
}

function ask(reason) {
  const field = h("input", {
    id: "token-field",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    autofocus: true,
    testid: "token-field",
    "aria-describedby": "token-hint token-error",
  });
  const error = h(
    "p",
    { class: "field-error", id: "token-error", role: "alert" },
    reason ? `The server refused it: ${reason}.` : "",
  );
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "token-title" }, "This server wants a token"),
    h(
      "p",
      { id: "token-hint", class: "soft" },
      "It is kept until this tab is closed, and sent to this server only. Whoever runs the server makes them with ",
      h("code", {}, "msvpu token"),
      ".",
    ),
    h("div", { class: "field" }, h("label", { for: "token-field" }, "Token"), field, error),
    h(
      "div",
      { class: "dialog-buttons" },
      h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Not now"),
      h("button", { type: "submit", class: "button button-primary", testid: "token-submit" }, "Use it"),
    ),
  );
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "token-title", testid: "token-dialog" },
    form,
  );
  let given = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = field.value.trim();
    // A header takes visible ASCII; anything else is no token, and would make every request fail.
    if (!/^[\x21-\x7e]+$/.test(words)) {
      error.textContent = "A token has letters, digits, - and _ only.";
      return;
    }
    given = true;
    dialog.close();
    setToken(words);
  });
  dialog.addEventListener("close", () => given || decline());
  show(dialog);
}
