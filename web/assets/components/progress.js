/** A bar that says how far something is. */

import { h } from "../dom.js";

/** @param {string} label for screen readers */
export function progressBar(label) {
  const fillBar = h("span", { class: "bar-fill" });
  const bar = h(
    "div",
    { class: "bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 },
    fillBar,
  );
  return {
    element: bar,
    /** @param {number | null} fraction `null`: nobody knows */
    set(fraction) {
      const known = fraction !== null && fraction !== undefined;
      bar.classList.toggle("is-unknown", !known);
      if (known) {
        const whole = Math.round(Math.min(1, Math.max(0, fraction)) * 100);
        fillBar.style.setProperty("--part", String(whole / 100));
        bar.setAttribute("aria-valuenow", String(whole));
      } else bar.removeAttribute("aria-valuenow");
    },
  };
}
