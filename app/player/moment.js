// The moment on the rest of the page: readouts and curves beside the player show where it is.
// Readouts bring their values at each snapshot along; of a chart, Vega tells where a pass lies, or
// the drawing itself, where it was made without Vega.

import { count } from "./numbers.js";
import { between, nearest } from "./passes.js";

const READOUTS = ".readouts[data-moments]";
const CHARTS = '[data-testid="stVegaLiteChart"], .drawn';
const DRAWING = "svg[data-passes]";
// Of which each holds what is to be seen at one moment.
const AT_A_MOMENT = "[data-moment]";
const LINE = "nc-moment";
// Scales of charts over what the player's frames are at: passes, or the layers of a proof's network.
// No other chart's x axis has one of these.
const OF_MOMENTS = new Set(["symlog", "pow"]);

// What the server wrote into readouts, which several players may have written over since.
const WRITTEN = Symbol.for("nc-readouts");

export class Moment {
  /**
   * `seek(frame)` is called when the viewer points at a pass in a chart. Of several players the
   * `main()` one hears that; the line of another is dashed, and only there where its pass is another.
   */
  constructor(seek, main) {
    Object.assign(this, { seek, main, epochs: [], at: 0, atEnd: true, run: null, held: null });
    this.lines = new Map();
    this.known = (document[WRITTEN] ??= new WeakMap());
    // What the page draws anew has to show it too; charts move their marks when they are zoomed.
    this.watcher = new MutationObserver(() => this.soon());
    this.watcher.observe(document.body, { subtree: true, childList: true, attributeFilter: ["d"] });
    this.ending = new AbortController();
    const { signal } = this.ending;
    addEventListener("resize", () => this.soon(), { signal });
    // Before Vega sees it, for which a drag would pan: it still does with the shift key.
    const first = { capture: true, signal };
    for (const type of ["pointerdown", "mousedown"]) {
      document.addEventListener(type, (event) => this.grab(event), first);
    }
    document.addEventListener("pointermove", (event) => this.drag(event), first);
    for (const type of ["pointerup", "pointercancel"]) {
      document.addEventListener(type, () => { this.held = null; }, first);
    }
  }

  /**
   * The player shows fractional frame `at` of `run`, whose frames are at these passes, or at others
   * of such a `unit`.
   */
  show(run, epochs, at, atEnd, unit) {
    // Who turns the picture stays at its moment.
    if (run === this.run && epochs === this.epochs && at === this.at && atEnd === this.atEnd) return;
    Object.assign(this, { run, epochs, at, atEnd, unit });
    this.draw();
  }

  soon() {
    this.pending ??= requestAnimationFrame(() => { this.pending = null; this.draw(); });
  }

  draw() {
    if (!this.epochs.length) return;
    document.querySelectorAll(READOUTS).forEach((box) => this.read(box));
    const pass = between(this.epochs, this.at);
    const other = this.main()?.moment ?? this;
    const alone = other !== this && other.epochs.length > 0;
    const apart = !alone || Math.abs(between(other.epochs, other.at) - pass) > 1e-3 * (1 + pass);
    for (const drawing of document.querySelectorAll(`figure:has(${AT_A_MOMENT})`)) {
      choose(drawing, pass);
    }
    const ground = getComputedStyle(document.querySelector(".stApp") ?? document.body).backgroundColor;
    document.documentElement.style.setProperty("--nc-ground", ground);
    const seen = new Set();
    for (const chart of document.querySelectorAll(CHARTS)) {
      const plot = plotOf(chart);
      if (!plot || !apart) continue;
      seen.add(chart);
      this.mark(chart, plot, pass);
      this.lines.get(chart).classList.toggle("other", alone);
    }
    for (const [chart, line] of this.lines) {
      if (!seen.has(chart)) {
        line.remove();
        this.lines.delete(chart);
      }
    }
  }

  /** Values at the moment, the last ones beside them; at the end, what the server wrote. */
  read(box) {
    const { moments } = box.dataset;
    let known = this.known.get(box);
    if (known?.moments !== moments) {
      const cells = [...box.querySelectorAll(".readout")].map((cell) => {
        const [value, note] = [cell.querySelector(".value"), cell.querySelector(".note")];
        return { value, note, last: value.textContent, lastNote: note.textContent };
      });
      known = { moments, cells, ...JSON.parse(moments) };
      this.known.set(box, known);
    }
    if (known.run !== this.run) return;
    const epoch = this.epochs[Math.round(this.at)];
    const row = this.atEnd ? -1 : known.epoch.indexOf(epoch);
    box.classList.toggle("then", row >= 0);
    known.cells.forEach(({ value, note, last, lastNote }, n) => {
      write(value, row < 0 ? last : known.shown[n][row]);
      write(note, row < 0 ? lastNote : `end ${last}`);
    });
  }

  /** What a readout of that label shows now; "" where there is none of this run. */
  reading(label) {
    const { box, n } = this.readout(label) ?? {};
    return box ? box.querySelectorAll(".readout .value")[n].textContent : "";
  }

  /** What it shows at each pass, by pass. */
  course(label) {
    const { box, n } = this.readout(label) ?? {};
    const { epoch, shown } = box ? this.known.get(box) : { epoch: [] };
    return new Map(epoch.map((pass, row) => [pass, shown[n][row]]));
  }

  /** The first readout of this run of that label: the box that it is in, and its place there. */
  readout(label) {
    for (const box of document.querySelectorAll(READOUTS)) {
      if (this.known.get(box)?.run !== this.run) continue;
      const labels = [...box.querySelectorAll(".readout .label")].map((one) => one.textContent);
      if (labels.includes(label)) return { box, n: labels.indexOf(label) };
    }
    return null;
  }

  mark(chart, { x, node, width, height }, pass) {
    let line = this.lines.get(chart);
    if (!line?.isConnected) {
      line = document.createElement("div");
      line.className = LINE;
      line.append(document.createElement("span"));
      chart.append(line);
      this.lines.set(chart, line);
    }
    const { a, d, e, f } = node.getScreenCTM();
    const box = chart.getBoundingClientRect();
    const place = x(pass);
    line.hidden = !(place >= -0.5 && place <= width + 0.5);
    if (line.hidden) return;
    line.style.transform = `translate(${e + a * place - box.left}px, ${f - box.top}px)`;
    line.style.height = `${d * height}px`;
    line.classList.toggle("left", place > width / 2);
    write(line.firstChild, `${this.unit} ${count.format(this.epochs[Math.round(this.at)])}`);
  }

  grab(event) {
    if (event.button || event.shiftKey || (this.main() ?? this).moment !== this) return;
    const chart = event.target.closest?.(CHARTS);
    const plot = chart && plotOf(chart);
    if (!plot || !this.epochs.length || !within(plot, event)) return;
    event.stopPropagation();
    if (event.type !== "pointerdown") return;
    this.held = chart;
    this.drag(event);
  }

  drag(event) {
    const plot = this.held && plotOf(this.held);
    if (!plot) return;
    const { a, e } = plot.node.getScreenCTM();
    const place = Math.min(plot.width, Math.max(0, (event.clientX - e) / a));
    this.seek(nearest(this.epochs.map(plot.x), place));
  }

  close() {
    cancelAnimationFrame(this.pending);
    this.watcher.disconnect();
    this.ending.abort();
    for (const line of this.lines.values()) line.remove();
    this.atEnd = true;
    document.querySelectorAll(READOUTS).forEach((box) => this.read(box));
  }
}

/** The plot of a chart over passes: scale, group and size; null of others. */
function plotOf(chart) {
  const drawing = chart.querySelector(DRAWING);
  if (drawing) return plotOfDrawing(drawing);
  for (const node of chart.querySelectorAll("svg.marks g")) {
    const item = node.__data__;
    const x = item?.context?.scales?.x?.value;
    if (!x) continue;
    return OF_MOMENTS.has(x.type) ? { x, node, width: item.width, height: item.height } : null;
  }
  return null;
}

/**
 * As `export/plot.py` makes it: it names the passes at its ends, and is even, or in log(1 + pass).
 */
function plotOfDrawing(node) {
  const logarithmic = (pass) => Math.sign(pass) * Math.log1p(Math.abs(pass));
  const bent = "even" in node.dataset ? (pass) => pass : logarithmic;
  const [from, to] = JSON.parse(node.dataset.passes).map(bent);
  const { width, height } = node.getBoundingClientRect();
  const x = (pass) => (width * (bent(pass) - from)) / (to - from);
  return { x, node, width, height };
}

/** Has a drawing show what it holds of the moment nearest to a pass. */
function choose(drawing, pass) {
  const all = [...drawing.querySelectorAll(AT_A_MOMENT)];
  const moments = all.map(({ dataset }) => Number(dataset.moment));
  const near = nearest(moments, pass);
  all.forEach((one, n) => {
    const display = n === near ? "inline" : "none";
    if (one.getAttribute("display") !== display) one.setAttribute("display", display);
  });
  const named = drawing.querySelector(".names .moment");
  if (named) write(named, count.format(moments[near]));
}

function within({ node, width, height }, event) {
  const { a, d, e, f } = node.getScreenCTM();
  const [x, y] = [(event.clientX - e) / a, (event.clientY - f) / d];
  return x >= 0 && x <= width && y >= 0 && y <= height;
}

/** Only what differs: each change of the page would wake the watcher. */
export function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
