/** The commands of what was just done. */

import { history, recent } from "../curl.js";
import { fill, h } from "../dom.js";
import { ago } from "../format.js";
import { usesTokens } from "../session.js";
import { command } from "./copy.js";
import { show } from "./dialog.js";
import { icon } from "./icons.js";

/** The button in the header. */
export function commandsButton() {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": "Commands of what you just did",
      title: "Commands of what you just did",
      testid: "commands-open",
      on: { click: open },
    },
    icon("terminal"),
  );
}

function open() {
  const list = h("div", { class: "deeds" });
  const draw = () => {
    const deeds = recent();
    fill(
      list,
      deeds.length === 0
        ? h(
            "p",
            { class: "soft" },
            "Nothing yet. Submit, cancel or download something, and the command that does the same stands here.",
          )
        : deeds.map((deed) =>
            h(
              "section",
              { class: "deed" },
              h("h3", {}, deed.what, h("span", { class: "soft" }, ` · ${ago(deed.at)}`)),
              command(deed.command, deed.what),
            ),
          ),
    );
  };
  draw();
  history.addEventListener("changed", draw);
  const dialog = h(
    "dialog",
    { class: "dialog dialog-wide", "aria-labelledby": "commands-title", testid: "commands" },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: "commands-title" }, "What you just did, as commands"),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Close",
          autofocus: true,
          on: { click: () => dialog.close() },
        },
        icon("close"),
      ),
    ),
    usesTokens() &&
      h(
        "p",
        { class: "soft" },
        "Put your token into the variable ",
        h("code", {}, "TOKEN"),
        " first; it is not written here.",
      ),
    list,
    // The header of a narrow page has no room for it.
    h(
      "p",
      { class: "soft" },
      "All that can be asked for is in ",
      h("a", { href: "docs", target: "_blank", rel: "noopener" }, "the documentation of the interface"),
      ".",
    ),
  );
  dialog.addEventListener("close", () => history.removeEventListener("changed", draw));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  show(dialog);
}
