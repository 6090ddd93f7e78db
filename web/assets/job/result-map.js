/** The card of the label map, with the classes beside it. */

import { isAbort, paths, send } from "../api.js";
import { classColor } from "../colors.js";
import { againLink } from "../components/actions.js";
import { empty, sentence } from "../components/notice.js";
import { notWhenBack, whenBack } from "../connection.js";
import { fill, h } from "../dom.js";
import { labelMap } from "../map/map.js";
import { classTable } from "./classes.js";

/** What a browser decodes. */
const PICTURE = /^image\/(png|jpeg|webp)$/;

/**
 * @param {{signal: AbortSignal, colored: () => void}} options `colored`: the colours of the classes are known now
 */
export function resultMap({ signal, colored }) {
  /** @type {Map<number, string>} */
  let legend = new Map();
  const color = (label) => legend.get(label) ?? classColor(label);
  let map = null;
  const classes = classTable({ color, onShow: (shown, highlight) => map?.paint(shown, highlight) });
  classes.element.hidden = true;
  const place = h("div", { class: "map-place", "aria-busy": "true" });
  const card = h(
    "section",
    { class: "card map-card", "aria-labelledby": "map-title", testid: "map" },
    h("h2", { id: "map-title", class: "visually-hidden" }, "Label map"),
    place,
  );
  const element = h("div", { class: "job-top", hidden: true }, card, classes.element);
  let begun = false;

  async function begin(job) {
    const find = (...names) =>
      names
        .map((name) =>
          job.artifacts.find(
            (artifact) =>
              artifact.name === name && (name.endsWith(".json") || PICTURE.test(artifact.media_type)),
          ),
        )
        .find(Boolean);
    const fetchBlob = async (artifact) =>
      artifact
        ? (await send("GET", paths.artifact(job.id, artifact.name), { signal, stream: true })).blob()
        : null;
    const labels = find("labels-preview.png", "labels.png");
    try {
      if (!labels) {
        place.removeAttribute("aria-busy");
        fill(
          place,
          empty(
            "picture",
            "No label map was asked for",
            "Run it again with the results “labels” and “preview” to see one here.",
            h("a", { class: "button", href: againLink(job) }, "Run again"),
          ),
        );
        return;
      }
      const [legendBlob, labelBlob, sceneBlob] = await Promise.all([
        fetchBlob(find("legend.json")),
        fetchBlob(labels),
        fetchBlob(find("scene.png")),
      ]);
      const entries = legendBlob
        ? JSON.parse(await legendBlob.text())
        : (job.result?.classes ?? []).slice(0, 7).map(({ label }) => ({ label, color: classColor(label) }));
      const valid = entries.filter(
        (entry) => Number.isInteger(entry.label) && /^#[0-9a-f]{6}$/i.test(entry.color),
      );
      legend = new Map(valid.map((entry) => [entry.label, entry.color]));
      map = await labelMap({
        scene: sceneBlob,
        labels: labelBlob,
        legend: valid,
        full: job.input,
        signal,
        pointed: classes.point,
      });
      if (signal.aborted) return;
      place.removeAttribute("aria-busy");
      fill(place, map.element);
      colored();
      if (Array.isArray(job.result?.classes)) classes.mapped(map.usable);
    } catch (error) {
      if (isAbort(error)) return;
      place.removeAttribute("aria-busy");
      const again = () => {
        notWhenBack(again);
        begin(job);
      };
      whenBack(again, signal);
      fill(
        place,
        empty(
          "warning",
          "The map cannot be shown",
          sentence(error),
          h("button", { type: "button", class: "button", on: { click: again } }, "Try again"),
        ),
      );
    }
  }

  return {
    element,
    color,
    /** @param {import("./model.js").Model} model */
    update({ job }) {
      const hasClasses = Array.isArray(job.result?.classes);
      element.hidden =
        job.state !== "SUCCEEDED" || (!hasClasses && !job.artifacts.some(({ name }) => /^labels/.test(name)));
      if (element.hidden || begun) return;
      begun = true;
      classes.element.hidden = !hasClasses;
      if (hasClasses) classes.show(job.result);
      begin(job);
    },
  };
}
