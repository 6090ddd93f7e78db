/** The label map beside, below or over the scene. */

import { icon } from "../components/icons.js";
import { segmented } from "../components/segmented.js";
import { h } from "../dom.js";
import { count } from "../format.js";
import { canvasOf, decode, labelLayer } from "./labels.js";
import { viewport } from "./viewport.js";

const NARROW = matchMedia("(max-width: 50rem)");
const COARSE = matchMedia("(pointer: coarse)");
const SWIPE_STEP = 2;

/**
 * @param {{scene: Blob | null, labels: Blob, legend: {label: number, color: string}[], full: {width: number, height: number}, signal: AbortSignal, pointed: (label: number | null) => void}} options
 *   `full`: the size of the scene itself, for coordinates
 */
export async function labelMap({ scene, labels, legend, full, signal, pointed }) {
  const [labelBitmap, sceneBitmap] = await Promise.all([decode(labels), scene && decode(scene)]);
  const layer = labelLayer(labelBitmap, legend);
  const { width, height } = layer.canvas;
  labelBitmap.close();
  const labelPane = h("div", { class: "pane pane-labels" }, layer.canvas);
  layer.canvas.classList.add("map-layer", "map-labels");
  const panes = [labelPane];
  let scenePane = null;
  if (sceneBitmap) {
    const canvas = canvasOf(sceneBitmap);
    sceneBitmap.close();
    canvas.classList.add("map-layer");
    // Pictures of two sizes lie on each other all the same.
    canvas.style.setProperty("width", `${width}px`);
    canvas.style.setProperty("height", `${height}px`);
    scenePane = h("div", { class: "pane pane-scene" }, canvas);
    panes.unshift(scenePane);
  }
  const handle = h(
    "div",
    {
      class: "swipe",
      role: "slider",
      tabindex: 0,
      "aria-label": "How much of the scene is uncovered",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      testid: "map-swipe",
    },
    h("span", { class: "swipe-grip", "aria-hidden": "true" }),
  );
  const frame = h(
    "div",
    {
      class: "map-frame",
      tabindex: 0,
      role: "group",
      "aria-label": "Scene and label map. Arrow keys move, plus and minus zoom, 0 shows all.",
      testid: "map-frame",
      style: { "--ratio": `${width} / ${height}`, "--height-per-width": String(height / width) },
    },
    panes,
    scenePane && handle,
  );

  const readout = h("p", { class: "map-readout", testid: "map-readout" });
  const hint = () =>
    COARSE.matches
      ? "Pinch to zoom; drag to move."
      : "Click the map, then turn the wheel to zoom; drag to move.";
  readout.textContent = hint();
  let lastLabel = null;
  const view = viewport({
    frame,
    panes,
    width,
    height,
    signal,
    moved: () => undefined,
    pointed(x, y) {
      const label = x === null ? null : layer.at(x, y) || null;
      if (label !== lastLabel) pointed(label);
      lastLabel = label;
      if (x === null) readout.textContent = hint();
      else {
        const column = Math.floor((x / width) * full.width);
        const row = Math.floor((y / height) * full.height);
        readout.textContent = `Column ${count(column)}, row ${count(row)}${layer.usable ? ` · ${label === null ? "no class" : `class ${label}`}` : ""}`;
      }
    },
  });

  let swipe = 50;
  function setSwipe(percent) {
    swipe = Math.min(100, Math.max(0, percent));
    frame.style.setProperty("--swipe", `${swipe}%`);
    handle.setAttribute("aria-valuenow", String(Math.round(swipe)));
    handle.setAttribute("aria-valuetext", `${Math.round(swipe)} % scene`);
  }
  setSwipe(50);
  handle.addEventListener("keydown", (event) => {
    const steps = {
      ArrowLeft: -SWIPE_STEP,
      ArrowDown: -SWIPE_STEP,
      ArrowRight: SWIPE_STEP,
      ArrowUp: SWIPE_STEP,
      PageDown: -10,
      PageUp: 10,
      Home: -100,
      End: 100,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    setSwipe(swipe + steps[event.key]);
  });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.stopPropagation();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = frame.getBoundingClientRect();
    setSwipe(((event.clientX - box.left) / box.width) * 100);
  });

  const blend = h("input", {
    type: "range",
    min: 0,
    max: 100,
    value: 60,
    "aria-label": "How much the label map covers the scene",
    testid: "map-blend",
  });
  const blendBox = h(
    "label",
    { class: "blend" },
    h("span", { class: "soft" }, "Scene"),
    blend,
    h("span", { class: "soft" }, "Map"),
  );
  const setBlend = () => frame.style.setProperty("--blend", String(blend.value / 100));
  blend.addEventListener("input", setBlend);
  setBlend();

  let mode = !scenePane ? "labels" : NARROW.matches ? "swipe" : "side";
  const setMode = (next) => {
    mode = next;
    frame.dataset.mode = mode;
    blendBox.hidden = mode !== "blend";
    handle.hidden = mode !== "swipe";
    view.fit();
  };
  const modes =
    scenePane &&
    segmented({
      label: "How the map is shown",
      testid: "map-mode",
      value: mode,
      choices: [
        { value: "side", label: "Side by side" },
        { value: "swipe", label: "Swipe" },
        { value: "blend", label: "Blend" },
      ],
      onChange: setMode,
    });
  const tool = (symbol, label, testid, run) =>
    h(
      "button",
      { type: "button", class: "icon-button", "aria-label": label, title: label, testid, on: { click: run } },
      icon(symbol),
    );
  const tools = h(
    "div",
    { class: "map-tools" },
    modes?.element,
    blendBox,
    h("span", { class: "spacer" }),
    h(
      "div",
      { class: "button-group" },
      tool("minus", "Zoom out", "map-zoom-out", view.zoomOut),
      tool("plus", "Zoom in", "map-zoom-in", view.zoomIn),
      tool("fit", "Show all", "map-fit", view.fit),
      h(
        "button",
        {
          type: "button",
          class: "icon-button icon-words",
          "aria-label": "1:1, pixel by pixel",
          title: "Pixel by pixel",
          testid: "map-actual",
          on: { click: view.actual },
        },
        "1:1",
      ),
    ),
  );
  setMode(mode);
  layer.paint(() => true, null);
  return {
    element: h("div", { class: "map" }, tools, frame, readout),
    paint: layer.paint,
    usable: layer.usable,
  };
}
