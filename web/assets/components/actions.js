/** What can be done with a job, wherever it is shown. */

import { Problem, json, paths } from "../api.js";
import { did } from "../curl.js";
import { announce, toast } from "./announce.js";
import { confirm } from "./dialog.js";
import { sentence } from "./notice.js";

export const nameOf = (job) =>
  job.input.name ?? `${job.input.format} ${job.input.width} × ${job.input.height}`;

/** @returns {Promise<any | null>} the job, or nothing if it was not to be */
export async function cancelJob(job) {
  try {
    const next = await json("POST", paths.cancel(job.id));
    did(`Cancel ${nameOf(job)}`, { method: "POST", path: paths.cancel(job.id) });
    announce(`${nameOf(job)} is being cancelled`);
    return next;
  } catch (error) {
    if (error instanceof Problem && error.status === 409) toast("It has ended already.");
    else toast(sentence(error), { bad: true });
    return null;
  }
}

/** @returns {Promise<boolean>} whether it is gone */
export async function deleteJob(job) {
  const sure = await confirm({
    title: `Delete ${nameOf(job)}?`,
    words: "The job, its label map and all its other files go. There is no way back.",
    yes: "Delete",
  });
  if (!sure) return false;
  try {
    await json("DELETE", paths.job(job.id));
    did(`Delete ${nameOf(job)}`, { method: "DELETE", path: paths.job(job.id) });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 404)) {
      toast(sentence(error), { bad: true });
      return false;
    }
  }
  announce(`${nameOf(job)} is deleted`);
  return true;
}

export const againLink = (job) => `#/new?again=${encodeURIComponent(job.id)}`;
