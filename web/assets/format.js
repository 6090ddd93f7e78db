/** Numbers, sizes and times for people. */

const whole = new Intl.NumberFormat();
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export const count = (n) => whole.format(n);
export const share = (fraction) => percent.format(fraction);

/** @param {number} n @param {string} one @param {string} [many] */
export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** Three significant digits more than the integer part needs, and an exponent where zeros would hide it. */
export function value(x) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (x === 0) return "0";
  // What somebody wrote by hand is shown as it was written.
  if (size >= 1e-6 && size < 1 && String(x).length <= 8) return String(x);
  if (size >= 1e7 || size < 1e-3) return x.toExponential(2).replace("e+", "e");
  if (size >= 1000) return whole.format(Number(x.toFixed(1)));
  return String(Number(x.toFixed(size >= 100 ? 2 : size >= 1 ? 3 : 5)));
}

export function bytes(n) {
  if (n < 1024) return `${count(n)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let size = n / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** A length of time. */
export function duration(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
  if (ms <= 0) return "0 ms";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.5) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What is left, without more digits than an estimate has. */
export function left(ms) {
  const seconds = ms / 1000;
  if (seconds < 2) return "a moment left";
  if (seconds < 60) return `about ${Math.round(seconds)} s left`;
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}

export const at = (iso) => dateTime.format(new Date(iso));
export const timeOfDay = (iso) => clock.format(new Date(iso));

/** How long ago. */
export function ago(iso, now = Date.now()) {
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return "just now";
  if (size < 45 * 60) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 22 * 3600) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86400), "day");
}

/** With a capital at the beginning. */
export const begun = (line) => line.charAt(0).toUpperCase() + line.slice(1);

/** As a sentence, with its full stop. */
export const sentence = (words_) =>
  /[.!?…]$/.test(words_.trim()) || words_ === "" ? begun(words_.trim()) : `${begun(words_.trim())}.`;

/** `center-sum` and `max_iterations` as words. */
export const words = (name) => begun(String(name).replaceAll(/[_-]+/g, " ").trim());

/** What a picture is, in a few words. */
export const shape = (info) =>
  `${count(info.width)} × ${count(info.height)} px · ${counted(info.bands, "band")}`;
