/** One of a few, as a row of buttons that are radios. */

import { h, uniqueId } from "../dom.js";

/**
 * @param {{label: string, choices: {value: string, label: string, title?: string}[], value: string, onChange: (value: string) => void, testid?: string}} options
 */
export function segmented({ label, choices, value, onChange, testid }) {
  const name = uniqueId("segmented");
  const inputs = choices.map((choice) => {
    const input = h("input", {
      type: "radio",
      name,
      value: choice.value,
      class: "visually-hidden",
      testid: testid && `${testid}-${choice.value || "all"}`,
    });
    input.checked = choice.value === value;
    input.addEventListener("change", () => input.checked && onChange(choice.value));
    return {
      input,
      element: h("label", { class: "segment", title: choice.title }, input, h("span", {}, choice.label)),
    };
  });
  const element = h(
    "div",
    { class: "segmented", role: "radiogroup", "aria-label": label, testid },
    inputs.map(({ element: segment }) => segment),
  );
  return {
    element,
    set(next) {
      for (const { input } of inputs) input.checked = input.value === next;
    },
  };
}
