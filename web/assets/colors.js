/** Colours of classes. */

/** Okabe and Ito, "Color Universal Design" (2008), in the order in which the label maps use them. */
const FEW = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#56b4e9"];

/** The colour of a class until the job's legend is there. @param {number} label from 1 */
export function classColor(label) {
  if (label <= FEW.length) return FEW[label - 1];
  // The golden angle keeps neighbours apart.
  const hue = (label * 137.508) % 360;
  return `hsl(${hue.toFixed(0)} 60% ${label % 2 ? 45 : 62}%)`;
}

/** @param {string} hex `#rrggbb` @returns {[number, number, number]} */
export const channels = (hex) => {
  const number = Number.parseInt(hex.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
};

const linear = (channel) => {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
};
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

/** The colour, drawn towards black or white until a line of it can be seen on `dark` or light ground. */
export function lineColor(color, dark) {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return color;
  const ground = dark ? 0.012 : 1;
  let rgb = channels(color);
  for (let step = 0; step < 12; step += 1) {
    const l = luminance(rgb);
    const contrast = (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05);
    if (contrast >= (dark ? 4 : 2.6)) break;
    rgb = rgb.map((c) => Math.round(dark ? c + (255 - c) * 0.12 : c * 0.9));
  }
  return `#${rgb.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}
