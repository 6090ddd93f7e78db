/** What a job has made, to take home. */

import { paths, send, url } from "../api.js";
import { toast } from "../components/announce.js";
import { copyButton } from "../components/copy.js";
import { icon } from "../components/icons.js";
import { sentence } from "../components/notice.js";
import { curl, did } from "../curl.js";
import { fill, h } from "../dom.js";
import { begun, bytes } from "../format.js";
import { token } from "../session.js";

/** Saves an artifact. With a token it goes through memory, because an address can carry none. */
export async function save(job, artifact, signal) {
  const path = paths.artifact(job.id, artifact.name);
  const stem = (job.input.name ?? "").replace(/\.[^.]*$/, "");
  const name = stem ? `${stem}-${artifact.name}` : artifact.name;
  did(`Download ${artifact.name}`, { path, output: name });
  const start = (href) => {
    const anchor = h("a", { href, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
  };
  if (token() === null) {
    start(url(path));
    return;
  }
  try {
    const response = await send("GET", path, { signal, stream: true });
    const href = URL.createObjectURL(await response.blob());
    start(href);
    setTimeout(() => URL.revokeObjectURL(href), 60000);
  } catch (error) {
    if (!signal.aborted) toast(sentence(error), { bad: true });
  }
}

/** @param {AbortSignal} signal */
export function files(signal) {
  const list = h("ul", { class: "artifacts" });
  const element = h(
    "section",
    { class: "card files-card", "aria-labelledby": "files-title", testid: "artifacts" },
    h("h2", { id: "files-title" }, "Files"),
    list,
  );
  let drawn = "";
  return {
    element,
    update({ job }) {
      element.hidden = job.artifacts.length === 0;
      const mark = JSON.stringify(job.artifacts);
      if (mark === drawn) return;
      drawn = mark;
      fill(
        list,
        job.artifacts.map((artifact) => {
          const path = paths.artifact(job.id, artifact.name);
          const label = `Download ${artifact.name}`;
          return h(
            "li",
            { class: "artifact" },
            h(
              "span",
              { class: "artifact-text" },
              h("span", { class: "artifact-name" }, artifact.name),
              h("span", { class: "artifact-doc" }, begun(artifact.doc)),
            ),
            h("span", { class: "artifact-size" }, bytes(artifact.bytes)),
            copyButton(() => curl({ path, output: artifact.name }), {
              label: `Copy the command that fetches ${artifact.name}`,
            }),
            h(
              "button",
              {
                type: "button",
                class: "icon-button",
                "aria-label": label,
                title: label,
                testid: `download-${artifact.name}`,
                on: { click: () => save(job, artifact, signal) },
              },
              icon("download"),
            ),
          );
        }),
      );
    },
  };
}
