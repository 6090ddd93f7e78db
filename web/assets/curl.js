/** What was just done, as a command. */

import { url } from "./api.js";
import { usesTokens } from "./session.js";

/** A word of a POSIX shell. */
const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * @param {{method?: string, path: string, headers?: Record<string, string>, value?: any, file?: string, output?: string, stream?: boolean}} request
 *   `path` is below `/api/v1`; `value` is sent as JSON; `file` is sent as it is; `output` is where the answer goes
 */
export function curl({ method, path, headers = {}, value, file, output, stream = false }) {
  const lines = [`curl -sS${stream ? "N" : ""}`];
  const implied = value !== undefined ? "POST" : "GET";
  if (method && method !== implied) lines[0] += ` -X ${method}`;
  if (usesTokens()) lines.push('-H "Authorization: Bearer $TOKEN"');
  for (const [name, text] of Object.entries(headers)) lines.push(`-H ${quote(`${name}: ${text}`)}`);
  if (value !== undefined)
    lines.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(value))}`);
  if (file !== undefined) lines.push(`-T ${quote(file)}`);
  if (output !== undefined) lines.push(`-o ${quote(output)}`);
  lines.push(quote(url(path)));
  return lines.join(" \\\n  ");
}

/** @typedef {{what: string, command: string, at: number}} Deed */

/** @type {Deed[]} newest first */
const deeds = [];
const MOST = 20;

/** Event: `changed`. */
export const history = new EventTarget();

/** Keeps what was done. @param {string} what @param {Parameters<typeof curl>[0]} request */
export function did(what, request) {
  deeds.unshift({ what, command: curl(request), at: Date.now() });
  deeds.splice(MOST);
  history.dispatchEvent(new Event("changed"));
}

export const recent = () => deeds;
