/** Elements, without ever turning text into markup. */

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */

/**
 * Makes an element. `class`, `testid`, `on` (listeners by name) and `style` (custom properties and
 * others, set one by one, as a content security policy allows) are special; a boolean sets or leaves out
 * an attribute; what is no string otherwise is made one.
 *
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...Child} children
 * @returns {HTMLElement & Record<string, any>}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === "class") element.className = value;
    else if (key === "testid") element.dataset.testid = value;
    else if (key === "on")
      for (const [name, listener] of Object.entries(value)) element.addEventListener(name, listener);
    else if (key === "style")
      for (const [name, part] of Object.entries(value)) element.style.setProperty(name, part);
    else if (typeof value === "boolean" && !key.startsWith("aria-")) element.toggleAttribute(key, value);
    else element.setAttribute(key, String(value));
  }
  add(element, children);
  return element;
}

/** @param {Node} parent @param {Child[]} children */
export function add(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(parent, child);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Puts `children` in the place of all that is in `parent`. */
export function fill(parent, ...children) {
  const fragment = document.createDocumentFragment();
  add(fragment, children);
  parent.replaceChildren(fragment);
}

/** As `fill`, for what is drawn again and again: tables stay where they were scrolled to, and keep the focus. */
export function refill(parent, ...children) {
  const before = [...parent.querySelectorAll(".scroll-x")].map((box) => ({
    left: box.scrollLeft,
    focused: box === document.activeElement,
  }));
  fill(parent, ...children);
  for (const [index, box] of [...parent.querySelectorAll(".scroll-x")].entries()) {
    if (!before[index]) return;
    box.scrollLeft = before[index].left;
    if (before[index].focused) box.focus({ preventScroll: true });
  }
}

/** Sets the text, if it is another: a screen reader is told of changes only. */
export function text(element, words) {
  const next = words ?? "";
  if (element.textContent !== next) element.textContent = next;
}

let counter = 0;

/** An id that no other element has. */
export function uniqueId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/**
 * Calls `action` at once and then every `ms` milliseconds, each time after the time before has ended,
 * until `signal` aborts. In a page that is not to be seen it rests, unless there is a `hiddenMs`.
 *
 * @param {() => Promise<number | void>} action may return the milliseconds until the next time
 * @param {number} ms
 * @param {AbortSignal} signal
 * @param {number} [hiddenMs]
 * @returns {() => void} to call it now
 */
export function repeatedly(action, ms, signal, hiddenMs) {
  let timer = 0;
  let busy = false;
  let again = false;
  const run = async () => {
    if (signal.aborted) return;
    if (busy) {
      again = true;
      return;
    }
    clearTimeout(timer);
    busy = true;
    const wait = await action().catch(() => undefined);
    busy = false;
    if (signal.aborted) return;
    if (again) {
      again = false;
      run();
      return;
    }
    if (!document.hidden) timer = setTimeout(run, wait ?? ms);
    else if (hiddenMs !== undefined) timer = setTimeout(run, hiddenMs);
  };
  document.addEventListener("visibilitychange", () => !document.hidden && run(), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  run();
  return run;
}

/** Calls `action` with the next frame, once, however often it is asked for. */
export function coalesced(action) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    // Frames stop in a hidden page, and its title is to be true all the same.
    const run = () => {
      asked = false;
      action();
    };
    if (document.hidden) setTimeout(run, 250);
    else requestAnimationFrame(run);
  };
}
