/** Moves and scales pictures of the same size in several panes at once. */

const MOST_SCALE = 32;
const STEP = 1.25;
const KEY_PX = 60;

/**
 * @param {{frame: HTMLElement, panes: HTMLElement[], width: number, height: number, signal: AbortSignal, moved: (scale: number) => void, pointed: (x: number | null, y: number | null) => void}} options
 *   each pane has one child, `width` × `height`, that is moved
 */
export function viewport({ frame, panes, width, height, signal, moved, pointed }) {
  let scale = 1;
  /** Where the picture's corner is, in the pane. */
  let left = 0;
  let top = 0;
  let fitted = true;
  const size = () => ({ w: panes[0].clientWidth, h: panes[0].clientHeight });
  const least = () => {
    const { w, h } = size();
    return Math.min(w / width, h / height) || 1;
  };

  function apply() {
    const { w, h } = size();
    if (w === 0) return;
    const wide = width * scale;
    const high = height * scale;
    // The picture fills the pane, or stands in its middle.
    left = wide <= w ? (w - wide) / 2 : Math.min(0, Math.max(w - wide, left));
    top = high <= h ? (h - high) / 2 : Math.min(0, Math.max(h - high, top));
    for (const pane of panes) {
      const layer = pane.firstElementChild;
      layer.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
      layer.classList.toggle("is-magnified", scale > 1.5);
    }
    frame.classList.toggle("is-zoomed", !fitted);
    moved(scale);
  }

  function fit() {
    fitted = true;
    scale = least();
    apply();
  }

  /** Scales around a point of the pane. */
  function zoomTo(next, x = size().w / 2, y = size().h / 2) {
    const low = least();
    const bounded = Math.min(Math.max(next, low), Math.max(MOST_SCALE, low));
    left = x - ((x - left) / scale) * bounded;
    top = y - ((y - top) / scale) * bounded;
    scale = bounded;
    fitted = scale <= low * 1.001;
    apply();
  }

  function move(x, y) {
    left += x;
    top += y;
    apply();
  }

  /** Where a pointer is in its pane. */
  const place = (event) => {
    const pane = panes.find((candidate) => candidate.contains(event.target)) ?? panes[0];
    const box = pane.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let pinch = 0;
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { apart: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };

  frame.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || event.target.closest("[role=slider]")) return;
      // The finger that scrolls the page is not taken, as long as there is nothing to move.
      if (event.pointerType !== "touch" || !fitted) frame.setPointerCapture?.(event.pointerId);
      pointers.set(event.pointerId, place(event));
      if (pointers.size === 2) pinch = spread().apart;
    },
    { signal },
  );
  frame.addEventListener(
    "pointermove",
    (event) => {
      const now = place(event);
      const before = pointers.get(event.pointerId);
      if (before) {
        pointers.set(event.pointerId, now);
        if (pointers.size === 2) {
          const { apart, x, y } = spread();
          if (pinch > 0) zoomTo(scale * (apart / pinch), x, y);
          pinch = apart;
        } else if (pointers.size === 1) move(now.x - before.x, now.y - before.y);
      }
      if (!panes.some((pane) => pane.contains(event.target)) && event.target !== frame) return;
      const x = (now.x - left) / scale;
      const y = (now.y - top) / scale;
      const inside = x >= 0 && y >= 0 && x < width && y < height;
      pointed(inside ? x : null, inside ? y : null);
    },
    { signal },
  );
  for (const name of ["pointerup", "pointercancel"])
    frame.addEventListener(
      name,
      (event) => {
        pointers.delete(event.pointerId);
        pinch = 0;
      },
      { signal },
    );
  frame.addEventListener("pointerleave", () => pointed(null, null), { signal });
  frame.addEventListener(
    "wheel",
    (event) => {
      // A page that is being scrolled does not stop here: the wheel zooms once the map was clicked, or with Ctrl.
      if (!event.ctrlKey && !frame.matches(":focus, :focus-within")) return;
      event.preventDefault();
      const { x, y } = place(event);
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoomTo(scale * Math.exp((-event.deltaY * lines) / (event.ctrlKey ? 120 : 400)), x, y);
    },
    { signal, passive: false },
  );
  frame.addEventListener(
    "dblclick",
    (event) => {
      const { x, y } = place(event);
      zoomTo(scale * 2, x, y);
    },
    { signal },
  );
  frame.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
      const keys = {
        "+": () => zoomTo(scale * STEP),
        "=": () => zoomTo(scale * STEP),
        "-": () => zoomTo(scale / STEP),
        0: fit,
        Home: fit,
        ArrowLeft: () => move(KEY_PX, 0),
        ArrowRight: () => move(-KEY_PX, 0),
        ArrowUp: () => move(0, KEY_PX),
        ArrowDown: () => move(0, -KEY_PX),
      };
      const action = keys[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    },
    { signal },
  );

  const observer = new ResizeObserver(() => (fitted ? fit() : zoomTo(scale)));
  observer.observe(panes[0]);
  signal.addEventListener("abort", () => observer.disconnect());
  return {
    fit,
    zoomIn: () => zoomTo(scale * STEP ** 2),
    zoomOut: () => zoomTo(scale / STEP ** 2),
    actual: () => zoomTo(1),
    refresh: apply,
  };
}
