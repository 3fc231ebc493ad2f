// The player itself: one per place on the page, kept alive from one message to the next.

const FADE_SECONDS = 0.12;
const METER_SECONDS = 1;
const KEYS = {
  " ": "play", k: "play", ArrowLeft: "back", ArrowRight: "forward", Home: "start", End: "end",
  f: "fullscreen", 2: "2d", 3: "3d",
};

// What the same keys do to the layers, with the shift key.
const OF_BOTH = ["play", "back", "forward", "start", "end"];

// Controls that take letters, those that Space presses, and those that arrows and Home move in.
const WRITING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, "
  + "[contenteditable], [role=combobox], [role=listbox], [role=menu], [role=dialog]";
const PRESSED = "button, a, summary, input:not([type=range]), [role=button], [role=switch], "
  + "[role=checkbox], [role=radio], [role=tab], [role=option]";
const STEERED = "[type=radio], [type=range], [role=slider], [role=radiogroup], [role=toolbar], "
  + "[role=tablist]";

class Player {
  constructor(root) {
    Object.assign(this, { root, run: null, scene: null, unseen: null });
    Object.assign(this, { hovered: -1, pointerAt: null });
    this.canvas = root.querySelector(".stage > canvas");
    this.camera = new Camera();
    this.clock = new Clock();
    this.way = new Way(this.clock);
    this.link = new Permalink((epoch) => this.tell(epoch));
    this.painter = new Painter(this.canvas);
    this.moment = new Moment((frame) => this.seek(frame));
    this.trail = 0;
    this.radius = null;
    this.meter = { cost: 0, draws: 0, since: 0 };
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.show = shownAtFirst();
    this.panel = new Panel(root, this.panelHandlers());
    this.screen = new Screen(root);
    this.pointer = new Pointer(this.canvas, this.pointerHandlers());
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(root.querySelector(".stage"));
    // Names drawn before the app's font arrived are drawn again in it.
    document.fonts.ready.then(() => {
      this.painter.names = null;
      this.wake();
    });
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
  }

  panelHandlers() {
    return {
      act: (name) => this.act(name),
      scrub: (frame) => this.seek(frame),
      travel: (layer) => this.travel(layer),
      speed: (factor) => { this.clock.speed = this.way.clock.speed = factor; },
      layer: (name) => this.fade((goal) => { goal[name] = 1 - goal[name]; }),
      toggle: (k) => this.fade((goal) => { goal.classes[k] = 1 - goal.classes[k]; }),
      isolate: (k) => this.fade((goal) => {
        const alone = goal.classes.every((v, j) => v === (j === k ? 1 : 0));
        goal.classes = goal.classes.map((_, j) => (alone || j === k ? 1 : 0));
      }),
    };
  }

  pointerHandlers() {
    return {
      drag: (dx, dy, seconds) => {
        this.camera.drag(dx, dy, this.painter.scale / this.painter.ratio, seconds);
        this.wake();
      },
      hold: (held, still) => {
        this.camera.held = held;
        if (held || still) this.camera.velocity = [0, 0];
        this.wake();
      },
      zoom: (factor) => {
        const zoomed = this.camera.zoomBy(factor);
        if (zoomed) this.wake();
        return zoomed;
      },
      reset: () => this.act("home-view"),
      hover: (place) => { this.pointerAt = place; this.wake(); },
    };
  }

  /** Lets the server know at which pass the viewer rests ("": the newest), for what it draws. */
  tell(epoch) {
    this.setState?.("epoch", epoch ?? "");
  }

  /** Takes a message: a first run, another run, or the same run with more snapshots. */
  load(data) {
    const first = this.run === null;
    const another = data.run !== this.run;
    const colors = data.names.map((_, k) => data.colors[k % data.colors.length]);
    const before = another && !first ? this.film.data : null;
    // Another depth of what is seen: it is looked at as before, at the same moment.
    const sibling = before !== null && before.but_for_depth === data.but_for_depth
      && !before.live && !data.live;
    const moment = sibling ? between(before.epoch, this.clock.at) : null;
    this.film = new Scene(data);
    this.theme = readTheme(this.root, colors);
    this.run = data.run;
    Object.assign(this.link, { query: data.query, asking: data.asking });
    if (this.show.goal.classes.length !== data.classes) {
      this.show = shownAtFirst(data.classes, this.show);
      if (!first) this.link.set("hidden", null);
    }
    // While a run is live, its last snapshot is not what it comes to.
    const homeOf = JSON.stringify([data.run, data.focus, data.live]);
    if (sibling) {
      this.camera.follow(closestRotation(lastMeans(data), lastMeans(before)));
      if (this.camera.moved) this.link.set("camera", this.camera.toText());
    } else if (homeOf !== this.homeOf) this.camera.setHome(this.film.clearPose(), first || this.calm);
    this.homeOf = homeOf;
    const waits = this.unseen !== null;
    if (another) this.waitNoMore();
    if (another && !sibling) this.clock.rewind();
    this.clock.extend(data.frames - 1);
    if (sibling) this.clock.stay(frameAt(data.epoch, moment));
    this.way.load(this.film, another);
    this.panel.load(data, colors);
    if (first) this.open(data);
    else if (another) {
      if (!sibling) this.link.set("epoch", null);
      this.link.set("layer", null);
    }
    this.choose();
    if (another && (waits || !sibling) && !this.opened) this.begin(data);
    this.opened = false;
    this.wake();
  }

  /** The first show: pose, moment and what is hidden, of the URL, else of `start`. */
  open({ start, epoch }) {
    const wanted = (name) => this.link.read(name) ?? start[name] ?? null;
    // What cannot be understood leaves the URL; the server says what was wrong with it.
    const take = (name, taken) => {
      const text = wanted(name);
      if (text !== null) this.link.set(name, taken(text));
    };
    take("view", (text) => {
      if (!["2d", "3d"].includes(text)) return null;
      this.camera.setView(text, true);
      return this.camera.view;
    });
    take("camera", (text) => (this.camera.fromText(text) ? this.camera.toText() : null));
    take("show", (text) => shownFromText(this.show, text) && layersToText(this.show));
    take("hidden", (text) => hiddenFromText(this.show, text) && hiddenToText(this.show));
    take("epoch", (text) => {
      const moment = real(text);
      if (!Number.isFinite(moment) || moment < 0) return null;
      this.opened = true;
      this.clock.go(nearest(epoch, moment), true);
      return this.momentToText();
    });
    take("layer", (text) => {
      const layer = whole(text);
      if (!this.way.there || !(layer >= 1 && layer <= this.way.clock.last + 1)) return null;
      this.opened = true;
      this.clock.go(this.way.kept(this.clock.goal), true);
      this.way.clock.go(layer - 1, true);
      return this.layerToText();
    });
  }

  /**
   * A finished run plays once. A live one glides to its end, that something moves at once; under
   * reduced motion any is at its end.
   */
  begin({ live, frames }) {
    if (live || this.calm) this.clock.go(frames - 1, this.calm);
    else this.onceSeen(() => this.clock.play());
  }

  /** Does it once the stage is in sight, unless the viewer goes to a moment first. */
  onceSeen(begin) {
    const watcher = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      this.waitNoMore();
      begin();
      this.wake();
    }, { threshold: 0.5 });
    watcher.observe(this.canvas);
    this.unseen = watcher;
    this.clock.go(0, true);
  }

  waitNoMore() {
    this.unseen?.disconnect();
    this.unseen = null;
  }

  act(name) {
    const { camera, clock } = this;
    if (name.startsWith("way-")) this.actOnWay(name.slice(4));
    else if (name === "play") {
      this.waitNoMore();
      this.way.end(this.calm);
      this.link.set("layer", null);
      if (clock.playing) clock.pause();
      else clock.play();
      if (!clock.playing) this.rememberMoment();
    } else if (name === "back") this.seek(this.way.before(Math.round(clock.goal)));
    else if (name === "forward") this.seek(this.way.after(Math.round(clock.goal)));
    else if (name === "start") this.seek(0);
    else if (name === "end") this.seek(clock.last);
    else if (name === "spin") camera.spinning = !camera.spinning;
    else if (name === "fullscreen") this.screen.toggle();
    else if (name === "home-view") camera.reset(this.calm);
    else {
      camera.setView(name, this.calm);
      this.link.set("view", name);
    }
    this.wake();
  }

  /** On the way through the layers there are only the moments at which these were kept. */
  seek(frame) {
    this.waitNoMore();
    this.clock.go(this.way.on ? this.way.kept(frame) : frame, this.calm);
    this.rememberMoment();
    this.wake();
  }

  /** Goes to a layer, at the nearest moment at which layers were kept. */
  travel(layer) {
    if (!this.way.there) return;
    this.way.clock.go(layer, this.calm);
    if (this.way.on) this.seek(this.clock.goal);
    this.link.set("layer", this.layerToText());
    this.wake();
  }

  actOnWay(name) {
    const { clock, there } = this.way;
    if (!there) return;
    if (name === "play" && !clock.playing) {
      clock.play();
      this.seek(this.clock.goal);
    } else if (name === "play") {
      clock.pause();
      this.travel(clock.goal);
    } else {
      const at = Math.round(clock.goal);
      this.travel({ back: at - 1, forward: at + 1, start: 0, end: clock.last }[name]);
    }
  }

  layerToText() {
    const { goal, following } = this.way.clock;
    return following ? null : String(Math.round(goal) + 1);
  }

  /** Which scene is shown: that of training, or a way through the layers. */
  choose() {
    const next = this.way.on ? this.way.scene() : this.film;
    if (next === this.scene) return;
    next.departFrom(this.scene);
    this.scene = next;
    this.hovered = -1;
  }

  /** While the end is followed, the URL names no pass. */
  rememberMoment() {
    this.link.set("epoch", this.momentToText());
  }

  momentToText() {
    const { goal, following } = this.clock;
    return following ? null : String(this.film.data.epoch[Math.round(goal)]);
  }

  fade(change) {
    change(this.show.goal);
    this.link.set("show", layersToText(this.show));
    this.link.set("hidden", hiddenToText(this.show));
    this.wake();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.composedPath()[0];
    if (event.key === "Escape") {
      this.panel.help(false);
      this.screen.leave();
    }
    let name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const { wayScrubber, scrubber } = this.panel;
    const own = target === scrubber || target === wayScrubber;
    if (!name || (!own && uses(target, event.key))) return;
    const layers = event.shiftKey || (target === wayScrubber && name !== "play");
    if (layers && OF_BOTH.includes(name)) name = `way-${name}`;
    event.preventDefault();
    event.stopPropagation();
    this.act(name);
  }

  resized() {
    const stage = this.canvas.parentElement;
    this.painter.resize(stage.clientWidth, stage.clientHeight);
    if (!this.scene) return;
    this.panel.layTicks();
    this.draw();
  }

  wake() {
    if (this.pending) return;
    this.before ??= performance.now();
    this.pending = requestAnimationFrame((now) => this.tick(now));
  }

  /** One animation frame; sleeps again when nothing moves. */
  tick(now) {
    this.pending = null;
    if (!this.root.isConnected || !this.scene) return;
    const seconds = Math.min(0.1, Math.max(0, now - this.before) / 1000);
    this.before = now;
    const begun = performance.now();
    const playing = this.clock.playing;
    const onTheWay = this.way.clock.playing;
    const active = [
      this.clock.advance(seconds, this.calm),
      this.way.clock.advance(seconds, this.calm),
      this.camera.advance(seconds, this.calm),
      this.scene.advance(seconds, this.calm),
      this.advanceFades(seconds),
    ].some(Boolean);
    if (playing && !this.clock.playing) this.rememberMoment();
    if (onTheWay && !this.way.clock.playing) this.link.set("layer", this.layerToText());
    this.choose();
    this.draw();
    this.measure(now, performance.now() - begun);
    if (active) this.wake();
    else this.rest();
  }

  /** A pose reaches the URL once it has come to rest. */
  rest() {
    this.before = undefined;
    Object.assign(this.meter, { cost: 0, draws: 0, since: 0 });
    if (this.camera.moved) this.link.set("camera", this.camera.toText());
    else if (this.link.values.get("camera")) this.link.set("camera", null);
  }

  advanceFades(seconds) {
    const share = this.calm ? 1 : 1 - Math.exp(-seconds / FADE_SECONDS);
    let active = false;
    const toward = (from, to) => {
      if (Math.abs(to - from) < 0.005) return to;
      active = true;
      return from + (to - from) * share;
    };
    const { show, film } = this;
    for (const name of LAYERS) show[name] = toward(show[name], show.goal[name]);
    show.classes = show.classes.map((v, k) => toward(v, show.goal.classes[k]));
    this.trail = toward(this.trail, this.clock.playing || this.way.clock.playing ? 1 : 0);
    this.radius = toward(this.radius ?? film.radius, film.radius);
    return active;
  }

  draw() {
    const { painter, scene, theme, camera, show, way } = this;
    if (!this.canvas.width) return;
    const clock = way.on ? way.clock : this.clock;
    const { at } = clock;
    painter.paint(scene, theme, camera, show, at, this.trail, this.hovered, this.radius);
    const place = this.pointerAt;
    const { ratio } = painter;
    const hovered = place ? bodyAt(painter, place[0] * ratio, place[1] * ratio) : -1;
    if (hovered !== this.hovered) {
      this.hovered = hovered;
      this.wake();
    }
    this.panel.tip(scene, hovered, place, clock.frame);
    this.panel.show(this.clock, way, scene.data, camera, show);
    const { run, epoch } = this.film.data;
    // Who follows a live run glides behind its newest snapshot, and sees its figures all the same.
    this.moment.show(run, epoch, this.clock.at, this.clock.following && !this.clock.playing);
    this.panel.caption(this.film.data, this.moment.reading("NC1"));
  }

  /** Mean cost of a frame (ms) and frames a second, written once a second while moving. */
  measure(now, cost) {
    const { meter } = this;
    meter.since ||= now;
    meter.cost += cost;
    meter.draws++;
    const seconds = (now - meter.since) / 1000;
    if (seconds < METER_SECONDS) return;
    this.root.dataset.frameMs = (meter.cost / meter.draws).toFixed(2);
    this.root.dataset.fps = (meter.draws / seconds).toFixed(1);
    Object.assign(meter, { cost: 0, draws: 0, since: now });
  }

  close() {
    cancelAnimationFrame(this.pending);
    this.observer.disconnect();
    this.unseen?.disconnect();
    this.link.close();
    this.moment.close();
    this.pointer.close();
    this.screen.close();
    document.removeEventListener("keydown", this.onKey);
  }
}

/** Whether the control that has the focus does something of its own with a key. */
function uses(target, key) {
  if (!target.closest) return false;
  if (target.closest(WRITING)) return true;
  if (key === " ") return Boolean(target.closest(PRESSED));
  return key.length > 1 && Boolean(target.closest(STEERED));
}

// Which layers are shown before the viewer picks.
const SHOWN = { samples: 1, tests: 1, means: 1, rows: 1, ideal: 1, spokes: 0 };

/** Opacities now, and where they fade to. Layers of an earlier scene stay as they were. */
function shownAtFirst(classes = 0, earlier = null) {
  const layers = { ...SHOWN };
  for (const name of earlier ? LAYERS : []) layers[name] = earlier.goal[name];
  const all = Array(classes).fill(1);
  return { ...layers, classes: all, goal: { ...layers, classes: [...all] } };
}

/** The layers shown, for the URL; null where they are those shown at first. */
function layersToText({ goal }) {
  if (LAYERS.every((name) => goal[name] === SHOWN[name])) return null;
  return LAYERS.filter((name) => goal[name]).join(",") || "none";
}

/** The classes hidden, for the URL; null where none is. */
function hiddenToText({ goal }) {
  return goal.classes.flatMap((shown, k) => (shown ? [] : [k])).join(",") || null;
}

/** Shows the layers that a text from a URL names; gives null where it is malformed. */
function shownFromText(show, text) {
  const names = text === "none" ? [] : text.split(",");
  if (!names.every((name) => LAYERS.includes(name))) return null;
  for (const name of LAYERS) show[name] = show.goal[name] = names.includes(name) ? 1 : 0;
  return true;
}

/** Hides the classes that a text from a URL names; gives null where it is malformed. */
function hiddenFromText(show, text) {
  const hidden = text.split(",").map(whole);
  if (!hidden.every((k) => k >= 0 && k < show.goal.classes.length)) return null;
  show.goal.classes = show.goal.classes.map((_, k) => (hidden.includes(k) ? 0 : 1));
  show.classes = [...show.goal.classes];
  return true;
}

function nearest(sorted, value) {
  const away = sorted.map((v) => Math.abs(v - value));
  return away.indexOf(Math.min(...away));
}

/** A rerun of the script that changed nothing sends the same message once more. */
function sameBytes(a, b) {
  return a?.length === b.length && a.every((byte, n) => byte === b[n]);
}

const players = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('[data-testid="nc-player"]');
  let player = players.get(parentElement);
  if (player?.root !== root) {
    player?.close();
    player = new Player(root);
    players.set(parentElement, player);
  }
  player.setState = setStateValue;
  if (!sameBytes(player.message, data)) player.load(readMessage(data));
  player.message = data;
  return () => {
    // Streamlit also cleans up after a call that a newer one overtook: that player lives on.
    setTimeout(() => {
      if (root.isConnected) return;
      player.close();
      if (players.get(parentElement) === player) players.delete(parentElement);
    }, 0);
  };
}
