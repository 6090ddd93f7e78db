/** A label map as classes instead of colours, so that classes can be hidden and brought out. */

import { channels } from "../colors.js";

/** More pixels than these take more memory than a look is worth: a larger map is shown smaller. */
const MOST_PIXELS = 12_000_000;
const DIMMED_ALPHA = 34;

/**
 * Decodes a picture, without smoothing if it is made smaller.
 *
 * @param {Blob} blob
 */
export async function decode(blob) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const whole = await createImageBitmap(blob, options);
  const scale = Math.sqrt(MOST_PIXELS / (whole.width * whole.height));
  if (scale >= 1) return whole;
  const small = await createImageBitmap(whole, {
    ...options,
    resizeWidth: Math.floor(whole.width * scale),
    resizeHeight: Math.floor(whole.height * scale),
    resizeQuality: "pixelated",
  });
  whole.close();
  return small;
}

/** Draws a picture as it is. @param {ImageBitmap} bitmap */
export function canvasOf(bitmap) {
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d", { willReadFrequently: false }).drawImage(bitmap, 0, 0);
  return canvas;
}

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const pack = ([r, g, b], alpha) =>
  littleEndian
    ? ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0
    : ((r << 24) | (g << 16) | (b << 8) | alpha) >>> 0;

/**
 * @param {ImageBitmap} bitmap
 * @param {{label: number, color: string}[]} legend
 */
export function labelLayer(bitmap, legend) {
  const canvas = canvasOf(bitmap);
  const context = canvas.getContext("2d");
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint32Array(picture.data.buffer);
  const colors = new Map(legend.map(({ label, color }) => [pack(channels(color), 255), label]));
  /** The class of each pixel; 0 for none. */
  const labels = new Uint16Array(pixels.length);
  let known = 0;
  let strange = 0;
  const black = pack([0, 0, 0], 255);
  let lastColor = -1;
  let lastLabel = 0;
  for (let index = 0; index < pixels.length; index += 1) {
    const color = pixels[index];
    if (color !== lastColor) {
      lastColor = color;
      lastLabel = colors.get(color) ?? 0;
    }
    labels[index] = lastLabel;
    if (lastLabel > 0) known += 1;
    // Black are pixels of no class.
    else if (color !== black) strange += 1;
  }
  const usable = known > 0 && strange === 0;
  const highest = Math.max(0, ...legend.map(({ label }) => label));
  return {
    canvas,
    /** Whether the colours are those of the legend: otherwise the map can be looked at only. */
    usable,
    /** @returns {number} the class there; 0 for none */
    at: (x, y) =>
      x >= 0 && y >= 0 && x < canvas.width && y < canvas.height
        ? labels[Math.floor(y) * canvas.width + Math.floor(x)]
        : 0,
    /**
     * @param {(label: number) => boolean} shown
     * @param {number | null} highlight the others are dimmed
     */
    paint(shown, highlight) {
      if (!usable) return;
      const inks = new Uint32Array(highest + 1);
      for (const { label, color } of legend) {
        const alpha =
          !shown(label) && label !== highlight
            ? 0
            : highlight === null || highlight === label
              ? 255
              : DIMMED_ALPHA;
        inks[label] = pack(channels(color), alpha);
      }
      for (let index = 0; index < pixels.length; index += 1) pixels[index] = inks[labels[index]];
      context.putImageData(picture, 0, 0);
    },
  };
}
