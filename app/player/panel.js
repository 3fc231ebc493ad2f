// Everything around the stage that is HTML: readings, buttons, scrubber, legend, tooltip, help.

import { write } from "./moment.js";
import { angleName, count } from "./numbers.js";
import { LAYERS } from "./shown.js";

const TICK_WIDTH = 84;

export class Panel {
  /**
   * `on` has the handlers act(name), scrub(frame), travel(layer), speed(factor), layer(name),
   * toggle(k) and isolate(k).
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.part = (name) => root.querySelector(`[data-testid="nc-${name}"]`);
    this.scrubber = this.part("scrubber");
    this.wayScrubber = this.part("way-scrubber");
    [this.ticks, this.wayTicks] = root.querySelectorAll(".ticks");
    root.addEventListener("click", (event) => this.click(event));
    this.part("classes").addEventListener("dblclick", (event) => {
      const chip = event.target.closest("[data-class]");
      if (chip) on.isolate(Number(chip.dataset.class));
    });
    this.scrubber.addEventListener("input", () => on.scrub(Number(this.scrubber.value)));
    this.wayScrubber.addEventListener("input", () => on.travel(Number(this.wayScrubber.value)));
    this.speed = this.part("speed");
    this.speed.addEventListener("change", () => {
      on.speed(Number(this.speed.value));
      // Who picked by pointer goes on with the player's keys, which would pick another speed.
      if (this.picking) this.speed.blur();
    });
    this.speed.addEventListener("pointerdown", () => { this.picking = true; });
    this.speed.addEventListener("keydown", () => { this.picking = false; });
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

  /** What the player is called by a screen reader where there is another beside it. */
  name(place) {
    this.label ??= this.root.getAttribute("aria-label");
    this.root.setAttribute("aria-label", `${place ? "Right" : "Left"}: ${this.label}`);
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
    this.part("way").hidden = !data.ways.length;
    this.wayScrubber.max = data.ways.length ? data.ways[0].frames - 1 : 0;
    this.part("live").hidden = !data.live;
    this.part("layer-rows").hidden = !data.has_rows;
    this.part("layer-ideal").hidden = !data.ideal_fits;
    this.part("layer-ideal").querySelector("span").textContent =
      data.ideal_proved ? "ideal" : "best known";
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
    const { epoch, ways } = this.data;
    layTicks(this.ticks, epoch);
    if (ways.length) layTicks(this.wayTicks, ways[0].epoch);
  }

  /** The readings of the moment. Text is touched only when it changes. */
  show(clock, way, data, camera, show) {
    const { root } = this;
    move(this.scrubber, clock);
    move(this.wayScrubber, way.clock);
    const { on } = way;
    const frame = on ? way.clock.frame : clock.frame;
    const shown = [on, data.moment, frame, clock.frame, clock.playing, way.clock.playing,
      clock.following, camera.view, camera.spinning,
      LAYERS.map((name) => show.goal[name]), show.goal.classes].join();
    if (shown === this.shown) return;
    this.shown = shown;
    const epoch = on ? data.moment : data.epoch[frame];
    const layer = way.clock.frame + 1;
    Object.assign(root.dataset, { frame: clock.frame, epoch, playing: clock.playing, layer,
      travelling: way.clock.playing, view: camera.view });
    this.part("epoch").textContent = count.format(epoch);
    this.part("layer-number").parentElement.hidden = !on;
    this.part("layer-number").textContent = layer;
    this.part("unit").textContent = data.unit;
    this.scrubber.setAttribute("aria-valuetext", `${data.unit} ${count.format(epoch)}`);
    this.wayScrubber.setAttribute("aria-valuetext", `layer ${layer}`);
    this.part("exact").hidden = !(camera.view === "2d" ? data.exact_2d : data.exact);
    const kept = (camera.view === "2d" ? data.variance_share_2d : data.variance_share)[frame];
    if (data.focus.length && !data.exact) this.part("share").textContent = span(data, camera.view);
    else {
      reading(this.part("share"), kept === null ? null : `${(100 * kept).toFixed(1)} %`,
        "", " of the class means' variance shown");
    }
    const angle = data.angle_error[frame];
    // The means of two classes are opposite each other about their centre, trained or not.
    const worst = angle === null || data.classes < 3 ? null : `${angle.toFixed(1)}°`;
    reading(this.part("angle"), worst, `${angleName(data)} `, "");
    this.part("play").setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    this.part("way-play").setAttribute("aria-label",
      way.clock.playing ? "Pause" : "Play through the layers");
    press(this.part("live"), clock.following);
    press(this.part("view-3d"), camera.view === "3d");
    press(this.part("view-2d"), camera.view === "2d");
    press(this.part("spin"), camera.spinning);
    for (const name of LAYERS) press(this.part(`layer-${name}`), show.goal[name] > 0);
    root.querySelectorAll("[data-class]").forEach((chip, k) => {
      press(chip, show.goal.classes[k] > 0);
    });
  }

  /** What is shown, for who sees nothing of the page but the player. */
  caption({ title, depth }, nc1) {
    const words = [title, depth && `L = ${depth}`, nc1 && `NC1 ${nc1}`].filter(Boolean);
    write(this.part("caption"), words.join(" · "));
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

/** Numbers beneath a slider with one place each, as many as there is room for. */
function layTicks(ticks, numbers) {
  const width = ticks.clientWidth;
  if (!width) return;
  const last = numbers.length - 1;
  const left = (n) => (last ? n / last : 0);
  const room = (a, b) => Math.abs(left(a) - left(b)) * width >= TICK_WIDTH;
  const chosen = last ? [0, last] : [0];
  for (const n of byRoundness(numbers)) {
    if (chosen.every((other) => room(n, other))) chosen.push(n);
  }
  ticks.replaceChildren(...chosen.map((n) => {
    const tick = document.createElement("span");
    tick.textContent = shortNumber(numbers[n]);
    tick.style.left = `${100 * left(n)}%`;
    return tick;
  }));
}

function move(scrubber, clock) {
  scrubber.value = clock.goal;
  scrubber.style.setProperty("--done", `${clock.last ? (100 * clock.goal) / clock.last : 0}%`);
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
  if (value >= 1e6) return `${+(value / 1e6).toFixed(2)}M`;
  return value >= 10000 ? `${+(value / 1000).toFixed(1)}k` : count.format(value);
}

function explain(scene, n, at) {
  const { data } = scene;
  if (n < scene.firstMean) {
    const k = data.labels[n];
    const away = data.distance[at * data.samples + n] * data.scales.distance;
    const distance = `distance to class mean ${away.toPrecision(2)}`;
    const what = n < data.trained
      ? `training sample ${data.own?.[n] ?? n}` : `test sample ${n - data.trained}`;
    return [data.names[k], `${what}\n${distance}\n(in units of the feature norm)`];
  }
  const kind = Math.floor((n - scene.firstMean) / data.classes);
  const name = data.names[(n - scene.firstMean) % data.classes];
  return [
    [`Class mean of ${name}`, "the average of all its training samples"],
    [`Classifier row of ${name}`, "the direction in which the last layer looks for this class"],
    data.ideal_proved
      ? [`Ideal place of ${name}`, "a vertex of the simplex that neural collapse leads to"]
      : [`Best known place of ${name}`,
        "a corner of the best figure that is known for so many classes; it is not proved"],
  ][kind];
}

/** What a sample of text says. As text: a review may hold anything, HTML too. */
function quote(element, scene, n) {
  const captions = scene.data.captions;
  element.hidden = !captions || n >= scene.firstMean;
  element.parentElement.parentElement.classList.toggle("wide", !element.hidden);
  element.textContent = element.hidden ? "" : captions[scene.data.own?.[n] ?? n];
  element.classList.toggle("unknown", element.textContent.includes("["));
}

function thumbnail(canvas, scene, n) {
  const shape = scene.data.thumbnail_shape;
  canvas.hidden = !shape || n >= scene.firstMean;
  if (canvas.hidden) return;
  const [height, width, channels] = shape;
  const size = height * width * channels;
  const own = scene.data.own?.[n] ?? n;
  const source = scene.data.thumbnails.subarray(own * size, (own + 1) * size);
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
