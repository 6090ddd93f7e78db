/** Sends a file. `XMLHttpRequest`, because `fetch` tells nothing of how much has gone out. */

import { Problem, Unreachable, authorization, paths, url } from "./api.js";
import { lost, seen } from "./connection.js";
import { needToken, token } from "./session.js";

export const uploadHeaders = (name) => ({
  "Content-Type": "application/octet-stream",
  "X-File-Name": encodeURIComponent(name),
});

/**
 * @param {File} file
 * @param {{signal: AbortSignal, onProgress: (fraction: number, bytesPerSecond: number | null) => void}} options
 * @returns {Promise<any>} the upload as the server has it
 */
export async function upload(file, { signal, onProgress }) {
  for (;;) {
    const sent = token();
    try {
      return await once(file, signal, onProgress);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      if (sent === token()) {
        await needToken(sent === null ? "" : error.message).catch(() => {
          throw error;
        });
      }
    }
  }
}

function once(file, signal, onProgress) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new DOMException("aborted", "AbortError"));
      return;
    }
    const request = new XMLHttpRequest();
    const began = performance.now();
    request.open("POST", url(paths.uploads));
    request.responseType = "text";
    const headers = { Accept: "application/json", ...uploadHeaders(file.name), ...authorization() };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.upload.addEventListener("progress", (event) => {
      const seconds = (performance.now() - began) / 1000;
      onProgress(
        event.total > 0 ? event.loaded / event.total : 0,
        seconds > 0.5 ? event.loaded / seconds : null,
      );
    });
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    request.addEventListener("error", () => {
      lost();
      reject(new Unreachable());
    });
    request.addEventListener("load", () => {
      if (request.status === 502 || request.status === 504) {
        lost();
        reject(new Unreachable());
        return;
      }
      seen();
      let body = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // A problem without a body is one all the same.
      }
      if (request.status === 201 && body) resolve(body);
      else
        reject(
          new Problem(
            request.status,
            body,
            new Headers({ "retry-after": request.getResponseHeader("retry-after") ?? "" }),
          ),
        );
    });
    request.send(file);
  });
}
