/** Which service runs, and which results it is to make. */

import { fill, h } from "../dom.js";
import { sentence, words } from "../format.js";

/**
 * @param {any[]} services
 * @param {(service: any, settings: any) => void} chosen
 */
export function serviceChoice(services, chosen) {
  let current = services[0];
  const inputs = services.map((service) => {
    const input = h("input", {
      type: "radio",
      name: "service",
      value: service.name,
      class: "visually-hidden",
      testid: `service-${service.name}`,
    });
    input.addEventListener("change", () => {
      current = service;
      chosen(service, null);
    });
    return { service, input };
  });
  const element = h(
    "div",
    { class: "choices", role: "radiogroup", "aria-label": "Service" },
    inputs.map(({ service, input }) =>
      h(
        "label",
        { class: "choice" },
        input,
        h("span", { class: "choice-title" }, service.title),
        h("span", { class: "choice-doc" }, sentence(service.doc)),
      ),
    ),
  );
  return {
    element,
    value: () => current,
    /** @param {string} [name] the first one, if there is no such */
    choose(name, settings) {
      const known = services.find((service) => service.name === name);
      current = known ?? services[0];
      for (const { service, input } of inputs) input.checked = service === current;
      chosen(current, known ? settings : null);
    },
  };
}

/** @param {() => void} changed */
export function outputChoice(changed) {
  const list = h("div", { class: "outputs" });
  const element = h(
    "section",
    { class: "card step" },
    h("div", { class: "step-head" }, h("h2", {}, "Results")),
    list,
  );
  let boxes = [];
  return {
    element,
    /** @param {string[] | null} wanted the defaults, if `null` */
    show(outputs, wanted) {
      boxes = outputs.map((output) => {
        const box = h("input", { type: "checkbox", value: output.name, testid: `output-${output.name}` });
        box.checked = wanted ? wanted.includes(output.name) : output.default;
        box.addEventListener("change", changed);
        return { box, output };
      });
      element.hidden = outputs.length === 0;
      fill(
        list,
        boxes.map(({ box, output }) =>
          h(
            "label",
            { class: "output" },
            box,
            h(
              "span",
              {},
              h("span", { class: "output-name" }, words(output.name)),
              h("span", { class: "output-doc" }, sentence(output.doc)),
            ),
          ),
        ),
      );
    },
    value: () => boxes.filter(({ box }) => box.checked).map(({ output }) => output.name),
  };
}
