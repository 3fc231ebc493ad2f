// Everything around the stage that is HTML: readings, buttons, scrubber, legend, tooltip, help.

const LAYERS = ["samples", "tests", "means", "rows", "ideal", "spokes"];
const TICK_WIDTH = 84;
const count = new Intl.NumberFormat("en");

class Panel {
  /**
   * `on` has the handlers act(name), scrub(frame), speed(factor), layer(name), toggle(k) and
   * isolate(k).
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.part = (name) => root.querySelector(`[data-testid="nc-${name}"]`);
    this.scrubber = this.part("scrubber");
    this.ticks = root.querySelector(".ticks");
    root.addEventListener("click", (event) => this.click(event));
    this.part("classes").addEventListener("dblclick", (event) => {
      const chip = event.target.closest("[data-class]");
      if (chip) on.isolate(Number(chip.dataset.class));
    });
    this.scrubber.addEventListener("input", () => on.scrub(Number(this.scrubber.value)));
    this.part("speed").addEventListener("change", (event) => on.speed(Number(event.target.value)));
  }

  click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { act, layer, class: k } = button.dataset;
    if (act === "help") this.help(this.part("help-text").hidden);
    else if (act) this.on.act(act);
    else if (layer) this.on.layer(layer);
    else if (k !== undefined) this.on.toggle(Number(k));
  }

  help(open) {
    this.part("help-text").hidden = !open;
    this.part("help").setAttribute("aria-expanded", open);
  }

  /** Another run or more snapshots: class chips, ticks, notes. */
  load(data, colors) {
    this.data = data;
    Object.assign(this.root.dataset, { frames: data.frames, run: data.run });
    this.scrubber.max = data.frames - 1;
    this.part("exact").hidden = !data.exact;
    this.part("live").hidden = !data.live;
    this.part("layer-ideal").hidden = !data.ideal_fits;
    const untested = data.trained === data.samples;
    this.part("layer-tests").hidden = untested;
    this.part("layer-samples").querySelector("i").hidden = untested;
    const key = JSON.stringify([data.names, colors]);
    if (key !== this.classKey) {
      this.classKey = key;
      const chips = data.names.map((name, k) => classChip(name, k, colors[k]));
      this.part("classes").replaceChildren(...chips);
    }
    this.layTicks();
    this.shown = null;
  }

  layTicks() {
    const { epoch, frames } = this.data;
    const width = this.ticks.clientWidth;
    if (!width) return;
    const left = (frame) => (frames > 1 ? frame / (frames - 1) : 0);
    const room = (a, b) => Math.abs(left(a) - left(b)) * width >= TICK_WIDTH;
    const chosen = frames > 1 ? [0, frames - 1] : [0];
    for (const frame of byRoundness(epoch)) {
      if (chosen.every((other) => room(frame, other))) chosen.push(frame);
    }
    this.ticks.replaceChildren(...chosen.map((frame) => {
      const tick = document.createElement("span");
      tick.textContent = shortNumber(epoch[frame]);
      tick.style.left = `${100 * left(frame)}%`;
      return tick;
    }));
  }

  /** The readings of the moment. Text is touched only when it changes. */
  show(clock, camera, show) {
    const { data, root } = this;
    const share = data.frames > 1 ? clock.goal / (data.frames - 1) : 0;
    this.scrubber.value = clock.goal;
    this.scrubber.style.setProperty("--done", `${100 * share}%`);
    const shown = [clock.frame, clock.playing, clock.following, camera.view, camera.spinning,
      LAYERS.map((name) => show.goal[name]), show.goal.classes].join();
    if (shown === this.shown) return;
    this.shown = shown;
    const frame = clock.frame;
    const epoch = data.epoch[frame];
    Object.assign(root.dataset, { frame, epoch, playing: clock.playing, view: camera.view });
    this.part("epoch").textContent = count.format(epoch);
    this.scrubber.setAttribute("aria-valuetext", `pass ${count.format(epoch)}`);
    const kept = (camera.view === "2d" ? data.variance_share_2d : data.variance_share)[frame];
    if (data.focus.length && !data.exact) this.part("share").textContent = span(data, camera.view);
    else {
      reading(this.part("share"), kept === null ? null : `${(100 * kept).toFixed(1)} %`,
        "", " of the class means' variance shown");
    }
    const angle = data.angle_error[frame];
    // The means of two classes are opposite each other about their centre, trained or not.
    const worst = angle === null || data.classes < 3 ? null : `${angle.toFixed(1)}°`;
    reading(this.part("angle"), worst, "worst angle error ", "");
    this.part("play").setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    press(this.part("live"), clock.following);
    press(this.part("view-3d"), camera.view === "3d");
    press(this.part("view-2d"), camera.view === "2d");
    press(this.part("spin"), camera.spinning);
    for (const name of LAYERS) press(this.part(`layer-${name}`), show.goal[name] > 0);
    root.querySelectorAll("[data-class]").forEach((chip, k) => {
      press(chip, show.goal.classes[k] > 0);
    });
  }

  /** Explains body n at a place on the stage, or nothing if n is -1. */
  tip(scene, n, place, at) {
    const tip = this.part("tip");
    tip.hidden = n < 0;
    if (n < 0) return;
    if (n !== this.tipped || at !== this.tippedAt) {
      [this.tipped, this.tippedAt] = [n, at];
      const [title, text] = explain(scene, n, at);
      tip.querySelector("b").textContent = title;
      tip.querySelector("span").textContent = text;
      quote(tip.querySelector("q"), scene, n);
      thumbnail(tip.querySelector("canvas"), scene, n);
    }
    const stage = tip.parentElement;
    const { offsetWidth: width, offsetHeight: height } = tip;
    const beyond = place[0] + 16 + width > stage.clientWidth;
    const x = beyond ? place[0] - 16 - width : place[0] + 16;
    const y = Math.min(stage.clientHeight - height - 6, Math.max(6, place[1] - height / 2));
    tip.style.transform = `translate(${Math.max(6, x)}px,${y}px)`;
  }
}

/**
 * What the view shows under a focus: the whole span of some means, or a plane in it. The share of
 * all classes' variance would not say that.
 */
function span({ focus, classes }, view) {
  const means = `${focus.length} ${focus.length < classes ? "focused " : ""}class means`;
  return view === "3d" || focus.length === 3
    ? `whole span of the ${means}`
    : `a plane within the span of the ${means}`;
}

function classChip(name, k, color) {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.className = "chip";
  chip.dataset.class = k;
  chip.dataset.testid = `nc-class-${k}`;
  chip.title = "Click: hide or show. Double click: only this class, or all again.";
  const dot = document.createElement("i");
  dot.style.setProperty("--of-class", color);
  chip.append(dot, name);
  return chip;
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", pressed);
}

function reading(element, value, before, after) {
  element.hidden = value === null;
  const number = document.createElement("b");
  number.textContent = value ?? "";
  element.replaceChildren(before, number, after);
}

/** Frames at round numbers of passes first: 1000 before 500 before 437. */
function byRoundness(epoch) {
  const digits = (value) =>
    String(value).replace(/0+$/, "").length - (/^[125]0*$/.test(value) ? 1 : 0);
  return [...epoch.keys()].sort((a, b) => digits(epoch[a]) - digits(epoch[b]) || b - a);
}

function shortNumber(value) {
  return value >= 10000 ? `${+(value / 1000).toFixed(1)}k` : count.format(value);
}

function explain(scene, n, at) {
  const { data } = scene;
  if (n < scene.firstMean) {
    const k = data.labels[n];
    const away = data.distance[at * data.samples + n] * data.scales.distance;
    const distance = `distance to class mean ${away.toPrecision(2)}`;
    const what = n < data.trained ? `training sample ${n}` : `test sample ${n - data.trained}`;
    return [data.names[k], `${what}\n${distance}\n(in units of the feature norm)`];
  }
  const kind = Math.floor((n - scene.firstMean) / data.classes);
  const name = data.names[(n - scene.firstMean) % data.classes];
  return [
    [`Class mean of ${name}`, "the average of all its training samples"],
    [`Classifier row of ${name}`, "the direction in which the last layer looks for this class"],
    [`Ideal place of ${name}`, "a vertex of the simplex that neural collapse leads to"],
  ][kind];
}

/** What a sample of text says. As text: a review may hold anything, HTML too. */
function quote(element, scene, n) {
  const captions = scene.data.captions;
  element.hidden = !captions || n >= scene.firstMean;
  element.parentElement.parentElement.classList.toggle("wide", !element.hidden);
  element.textContent = element.hidden ? "" : captions[n];
  element.classList.toggle("unknown", element.textContent.includes("["));
}

function thumbnail(canvas, scene, n) {
  const shape = scene.data.thumbnail_shape;
  canvas.hidden = !shape || n >= scene.firstMean;
  if (canvas.hidden) return;
  const [height, width, channels] = shape;
  const size = height * width * channels;
  const source = scene.data.thumbnails.subarray(n * size, (n + 1) * size);
  const pixels = new ImageData(width, height);
  for (let p = 0; p < height * width; p++) {
    for (let c = 0; c < 3; c++) {
      pixels.data[4 * p + c] = source[p * channels + (channels === 3 ? c : 0)];
    }
    pixels.data[4 * p + 3] = 255;
  }
  Object.assign(canvas, { width, height });
  canvas.style.width = `${Math.min(110, Math.round((72 * width) / height))}px`;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}
