/** The frame around the views. */

import { commandsButton } from "./components/commands.js";
import { icon } from "./components/icons.js";
import { announce } from "./components/announce.js";
import { offer } from "./components/token-dialog.js";
import { connection, probe } from "./connection.js";
import { fill, h } from "./dom.js";
import { hand } from "./handover.js";
import { go, here } from "./router.js";
import { forgetToken, identity, token } from "./session.js";

const SCOPES = { read: "may read", submit: "may submit", admin: "sees all jobs" };

/** The right end of the header: commands, documentation, who one is. */
export function drawTools() {
  const tools = document.getElementById("shell-tools");
  const who = identity();
  const parts = [
    commandsButton(),
    h("a", { class: "shell-docs", href: "docs", target: "_blank", rel: "noopener" }, "API"),
  ];
  if (token() !== null) {
    const forget = () => {
      forgetToken();
      location.reload();
    };
    const widest = ["admin", "submit", "read"].find((scope) => who?.scopes.includes(scope));
    parts.push(
      h(
        "details",
        { class: "menu", testid: "user-menu" },
        h(
          "summary",
          { "aria-label": `Signed in${who?.name ? ` as ${who.name}` : ""}` },
          icon("user"),
          h("span", { class: "menu-name" }, who?.name ?? "Token"),
        ),
        h(
          "div",
          { class: "menu-panel" },
          h(
            "p",
            {},
            h("strong", {}, who?.name ?? "A token is set"),
            widest && h("span", { class: "soft" }, ` · ${SCOPES[widest]}`),
          ),
          h(
            "button",
            { type: "button", class: "button button-small", testid: "token-forget", on: { click: forget } },
            "Forget the token",
          ),
        ),
      ),
    );
  } else if (who?.auth === "token") {
    parts.push(
      h(
        "button",
        { type: "button", class: "button button-small", on: { click: offer } },
        icon("key"),
        "Token",
      ),
    );
  }
  fill(tools, ...parts);
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/** Says when the server is gone, and when it is back. */
export function watchConnection() {
  const banner = document.getElementById("banner");
  const countdown = h("span", { "aria-hidden": "true" });
  const retry = h(
    "button",
    { type: "button", class: "button button-small", testid: "banner-retry", on: { click: () => probe() } },
    "Try now",
  );
  let ticking = 0;
  connection.addEventListener("gone", () => {
    banner.hidden = false;
    banner.className = "banner banner-gone";
    fill(
      banner,
      icon("warning"),
      h("span", {}, "The server is gone. What you see is from before. "),
      countdown,
      retry,
    );
  });
  connection.addEventListener("waiting", (event) => {
    const until = Date.now() + event.detail.ms;
    clearInterval(ticking);
    const tick = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      countdown.textContent = seconds > 0 ? `Next try in ${seconds} s.` : "Trying …";
    };
    tick();
    ticking = setInterval(tick, 500);
  });
  connection.addEventListener("back", () => {
    clearInterval(ticking);
    banner.className = "banner banner-back";
    fill(banner, icon("check"), h("span", {}, "The server is back."));
    setTimeout(() => {
      if (banner.classList.contains("banner-back")) banner.hidden = true;
    }, 3000);
  });
}

/** Files may be dropped anywhere. */
export function watchDrops() {
  const veil = document.getElementById("drop-veil");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const end = () => {
    depth = 0;
    veil.hidden = true;
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) end();
  });
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    end();
    const files = [...event.dataTransfer.files];
    if (files.length === 0) return;
    announce(files.length === 1 ? `${files[0].name} was dropped` : `${files.length} files were dropped`);
    hand(files);
    if (here().path[0] !== "new") go("#/new");
  });
}
