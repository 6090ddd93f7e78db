import { empty } from "../components/notice.js";
import { h } from "../dom.js";

/** For addresses that lead nowhere. @param {import("../router.js").Place} place */
export function nowhereView({ title }) {
  title("Not found");
  return h(
    "div",
    { class: "page" },
    h("h1", { class: "visually-hidden", tabindex: -1 }, "Not found"),
    empty(
      "picture",
      "There is no such page",
      "The address leads nowhere.",
      h("a", { class: "button button-primary", href: "#/jobs" }, "To the jobs"),
    ),
  );
}
