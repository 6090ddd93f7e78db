/** The files of a new job: they go up as soon as they are there, while the rest is still being filled in. */

import { isAbort, json, paths } from "../api.js";
import { announce } from "../components/announce.js";
import { icon } from "../components/icons.js";
import { sentence } from "../components/notice.js";
import { progressBar } from "../components/progress.js";
import { did } from "../curl.js";
import { fill, h, text } from "../dom.js";
import { bytes, duration, shape } from "../format.js";
import { upload, uploadHeaders } from "../upload.js";

/** Browsers show these; a larger one is not worth the memory. */
const SHOWN = new Set(["image/png", "image/jpeg", "image/webp"]);
const MOST_SHOWN_BYTES = 64 * 1024 * 1024;

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {File | null} file
 * @property {any} upload what the server has, once it has it
 * @property {"sending" | "ready" | "bad"} state
 * @property {AbortController} stop
 * @property {HTMLElement} row
 * @property {{print: string, key: string}} [sent]
 */

/** @param {{signal: AbortSignal, changed: () => void}} options */
export function fileList({ signal, changed }) {
  /** @type {Entry[]} */
  let entries = [];
  let accepts = [];
  const input = h("input", {
    type: "file",
    multiple: true,
    class: "visually-hidden",
    id: "file-input",
    testid: "file-input",
  });
  const range = h("p", { class: "soft drop-kinds" });
  const zone = h(
    "label",
    { class: "drop", for: "file-input", testid: "drop-zone" },
    icon("upload"),
    h(
      "span",
      { class: "drop-title" },
      "Drop scenes here, or ",
      h("span", { class: "drop-link" }, "choose files"),
    ),
    range,
  );
  const list = h("ul", { class: "files", "aria-label": "Files", testid: "files" });
  const picture = h("div", { class: "preview" });
  const element = h("div", {}, input, zone, list);
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  signal.addEventListener("abort", () => entries.forEach(({ stop }) => stop.abort()));
  let shownUrl = "";
  signal.addEventListener("abort", () => shownUrl && URL.revokeObjectURL(shownUrl));

  /** The first file, if the browser can show it. */
  function drawPreview() {
    if (shownUrl) URL.revokeObjectURL(shownUrl);
    shownUrl = "";
    const first = entries.find(({ file }) => file && SHOWN.has(file.type) && file.size <= MOST_SHOWN_BYTES);
    if (!first) {
      fill(
        picture,
        h(
          "div",
          { class: "preview-none" },
          icon("picture"),
          h("span", {}, entries.length > 0 ? "No preview of this kind of file" : "No scene yet"),
        ),
      );
      return;
    }
    shownUrl = URL.createObjectURL(first.file);
    const image = h("img", { src: shownUrl, alt: `Preview of ${first.name}` });
    image.addEventListener("error", () => image.remove());
    fill(picture, image);
  }

  /** @param {Entry} entry */
  function remove(entry) {
    entry.stop.abort();
    const index = entries.indexOf(entry);
    entries = entries.filter((other) => other !== entry);
    entry.row.remove();
    // Of an upload that a job uses the server keeps what it needs.
    if (entry.upload && entry.file) json("DELETE", paths.upload(entry.upload.id)).catch(() => undefined);
    (list.children[Math.min(index, list.children.length - 1)]?.querySelector("button") ?? input).focus();
    announce(`${entry.name} is taken away`);
    update();
  }

  function update() {
    element.classList.toggle("has-files", entries.length > 0);
    drawPreview();
    changed();
  }

  /** @param {string} name @param {number} size */
  function row(name, size) {
    const about = h("span", { class: "file-about" }, bytes(size));
    const bar = progressBar(`Upload of ${name}`);
    const close = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": `Take ${name} away`,
        title: "Take away",
        testid: "file-remove",
      },
      icon("close"),
    );
    const again = h(
      "button",
      { type: "button", class: "link-button", hidden: true, testid: "file-retry" },
      "Try again",
    );
    return {
      element: h(
        "li",
        { class: "file", testid: "file" },
        icon("picture"),
        h("div", { class: "file-text" }, h("span", { class: "file-name" }, name), about, bar.element),
        again,
        close,
      ),
      about,
      bar,
      close,
      again,
    };
  }

  /** @param {File[]} files */
  function add(files) {
    for (const file of files) {
      const parts = row(file.name, file.size);
      /** @type {Entry} */
      const entry = {
        name: file.name,
        file,
        upload: null,
        state: "sending",
        stop: new AbortController(),
        row: parts.element,
      };
      parts.close.addEventListener("click", () => remove(entry));
      parts.again.addEventListener("click", () => send(entry, parts));
      entries.push(entry);
      list.append(parts.element);
      send(entry, parts);
    }
    update();
  }

  async function send(entry, { about, bar, again }) {
    entry.state = "sending";
    entry.row.dataset.state = "sending";
    again.hidden = true;
    bar.element.hidden = false;
    bar.set(0);
    text(about, bytes(entry.file.size));
    changed();
    try {
      entry.upload = await upload(entry.file, {
        signal: entry.stop.signal,
        onProgress: (fraction, rate) => {
          bar.set(fraction);
          const remaining = rate ? ((1 - fraction) * entry.file.size) / rate : null;
          text(
            about,
            fraction >= 1
              ? "The server looks at it …"
              : `${Math.floor(fraction * 100)} % of ${bytes(entry.file.size)}${remaining && remaining > 1.5 ? ` · ${duration(remaining * 1000)} left` : ""}`,
          );
        },
      });
      if (!entries.includes(entry)) return;
      did(`Upload ${entry.name}`, {
        method: "POST",
        path: paths.uploads,
        headers: uploadHeaders(entry.name),
        file: entry.name,
      });
      entry.state = "ready";
      text(about, `${shape(entry.upload)} · ${bytes(entry.upload.bytes)}`);
      announce(`${entry.name} is uploaded`);
    } catch (error) {
      if (isAbort(error) || !entries.includes(entry)) return;
      entry.state = "bad";
      text(about, sentence(error));
      again.hidden = false;
      announce(`${entry.name}: ${sentence(error)}`);
    }
    bar.element.hidden = true;
    entry.row.dataset.state = entry.state;
    update();
  }

  /** An upload that is there already. */
  function addUpload(there) {
    const parts = row(there.name ?? there.id, there.bytes);
    const entry = {
      name: there.name ?? there.id,
      file: null,
      upload: there,
      state: "ready",
      stop: new AbortController(),
      row: parts.element,
    };
    parts.bar.element.hidden = true;
    entry.row.dataset.state = "ready";
    text(parts.about, `${shape(there)} · ${bytes(there.bytes)} · from an earlier job`);
    parts.close.addEventListener("click", () => remove(entry));
    entries.push(entry);
    list.append(parts.element);
    update();
  }

  drawPreview();
  return {
    element,
    preview: picture,
    add,
    addUpload,
    accept(endings) {
      accepts = endings ?? [];
      input.accept = accepts.join(",");
      text(
        range,
        accepts.length > 0
          ? [...new Set(accepts.map((ending) => ending.replace(".", "").toUpperCase()))].join(", ")
          : "",
      );
    },
    counts: () => ({
      ready: entries.filter(({ state }) => state === "ready").length,
      pending: entries.filter(({ state }) => state === "sending").length,
      bad: entries.filter(({ state }) => state === "bad").length,
    }),
    first: () => entries[0],
    ready: () => entries.filter(({ state }) => state === "ready"),
    /** A job has it: it is not to be submitted once more with the rest. */
    submitted(entry) {
      entries = entries.filter((other) => other !== entry);
      entry.row.remove();
    },
    focus: () => input.focus(),
  };
}
