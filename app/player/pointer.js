// The pointer on the stage: drag, wheel, pinch, double click, and what lies under it.

const REACH = 12;

/** The body nearest to x, y (device pixels), those in front first; -1 if none is near. */
export function bodyAt(painter, x, y) {
  const { scene, show, ratio } = painter;
  if (!scene) return -1;
  const { labels, classes, ideal_fits, has_rows } = scene.data;
  const layers = [show.samples, show.tests, show.means, has_rows ? show.rows : 0,
    ideal_fits ? show.ideal : 0];
  let [best, found] = [Infinity, -1];
  for (let n = 0; n < scene.firstEdge; n++) {
    const sample = n < scene.firstMean;
    const layer = sample ? Number(n >= scene.firstTest) : 2 + Math.floor((n - scene.firstMean) / classes);
    const k = sample ? labels[n] : (n - scene.firstMean) % classes;
    if (layers[layer] * show.classes[k] < 0.5 || !scene.inFocus[k]) continue;
    const away = Math.hypot(scene.x[n] - x, scene.y[n] - y) / ratio;
    if (away > REACH) continue;
    // A row's or vertex's tip often coincides with the mean: the mean then has precedence.
    const score = away - 5 * scene.depth[n] - (layer === 2 ? 4 : 0) + (layer > 2 ? 2 : 0);
    if (score < best) [best, found] = [score, n];
  }
  return found;
}

export class Pointer {
  /**
   * `on` has the handlers drag(dx, dy, seconds), hold(held, still), zoom(factor), which gives
   * whether that changed anything, reset() and hover(place), place being [x, y] in CSS pixels or
   * null.
   */
  constructor(canvas, on) {
    const root = canvas.closest(".nc");
    Object.assign(this, { canvas, on, root, fingers: new Map(), time: 0, chosen: false });
    this.ending = new AbortController();
    const { signal } = this.ending;
    // Whoever scrolls the page over the player goes on, unless they have clicked into it.
    document.addEventListener("pointerdown", (event) => {
      this.chosen = event.composedPath().includes(root);
    }, { capture: true, signal });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.up(event));
    }
    canvas.addEventListener("pointerleave", () => on.hover(null));
    canvas.addEventListener("dblclick", () => on.reset());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.canvas.classList.add("held");
    this.time = event.timeStamp;
    this.on.hold(true);
    this.on.hover(null);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      const box = this.canvas.getBoundingClientRect();
      this.on.hover([event.clientX - box.left, event.clientY - box.top]);
      return;
    }
    const spread = this.spread();
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (spread) this.on.zoom(this.spread() / spread);
    else {
      const seconds = (event.timeStamp - this.time) / 1000;
      this.on.drag(event.clientX - before[0], event.clientY - before[1], seconds);
    }
    this.time = event.timeStamp;
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    if (this.fingers.size) return;
    this.canvas.classList.remove("held");
    // Held still before letting go: the scene does not turn on.
    this.on.hold(false, event.timeStamp - this.time > 90);
  }

  spread() {
    if (this.fingers.size < 2) return 0;
    const [a, b] = [...this.fingers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  }

  /** Zooms once the player was clicked, or with Ctrl; where that has an end, the page goes on. */
  wheel(event) {
    if (!this.chosen && !event.ctrlKey && !this.root.classList.contains("large")) return;
    const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    const zoomed = this.on.zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) * 0.0022));
    if (zoomed || event.ctrlKey) event.preventDefault();
  }

  close() {
    this.ending.abort();
  }
}
