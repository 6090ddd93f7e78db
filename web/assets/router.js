/** Which view is shown: told by the address's fragment, so that every place can be linked to. */

/** @typedef {{path: string[], query: URLSearchParams, signal: AbortSignal, title: (words: string) => void}} Place */

/** @returns {{path: string[], query: URLSearchParams}} */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path
    .split("/")
    .filter(Boolean)
    .map((word) => {
      try {
        return decodeURIComponent(word);
      } catch {
        return word;
      }
    });
  return { path: parts, query: new URLSearchParams(query) };
}

export const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

/** Goes elsewhere. `replace`: without a step back to here. */
export function go(hash, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = hash;
  }
}

/** Changes the query of this place without showing it anew. */
export function rewriteQuery(query) {
  const text = query.toString();
  const path = location.hash.split("?")[0] || "#/jobs";
  history.replaceState(null, "", text ? `${path}?${text}` : path);
}

/**
 * Shows a view for each place.
 *
 * @param {HTMLElement} main
 * @param {(place: {path: string[], query: URLSearchParams}) => {name: string, view: (place: Place) => HTMLElement}} choose
 * @param {(name: string) => void} shown
 */
export function start(main, choose, shown) {
  let leaving = new AbortController();
  let first = true;
  const show = () => {
    leaving.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const place = here();
    const { name, view } = choose(place);
    const title = (words) => {
      if (!signal.aborted) document.title = words ? `${words} · MsVPU` : "MsVPU";
    };
    main.replaceChildren(view({ ...place, signal, title }));
    shown(name);
    if (!first) {
      scrollTo(0, 0);
      main.querySelector("h1")?.focus({ preventScroll: true });
    }
    first = false;
  };
  addEventListener("hashchange", show);
  show();
}
