/** Files on their way from where they were dropped to the view that submits them. */

let files = [];
const desk = new EventTarget();

/** @param {File[]} more */
export function hand(more) {
  files.push(...more);
  desk.dispatchEvent(new Event("handed"));
}

/** Takes what is there and what comes, until `signal` aborts. @param {(files: File[]) => void} take */
export function receive(take, signal) {
  const all = () => {
    const taken = files;
    files = [];
    if (taken.length > 0) take(taken);
  };
  desk.addEventListener("handed", all, { signal });
  all();
}
