// The player itself: one per place on the page, kept alive from one message to the next.

import { closestRotation, lastMeans } from "./align.js";
import { Camera } from "./camera.js";
import { Clock } from "./clock.js";
import { LEAST_NAME, Painter, PRESENTED_NAME } from "./draw.js";
import { Keyboard } from "./keyboard.js";
import { Meter } from "./meter.js";
import { Moment } from "./moment.js";
import { real, whole } from "./numbers.js";
import { Panel } from "./panel.js";
import { between, frameAt, nearest } from "./passes.js";
import { Permalink } from "./permalink.js";
import { bodyAt, Pointer } from "./pointer.js";
import { Scene } from "./scene.js";
import { Screen } from "./screen.js";
import {
  aim, fade, faded, hiddenFromText, hiddenToText, layersToText, shownAtFirst, shownFromText,
} from "./shown.js";
import { Speech } from "./speech.js";
import { readTheme } from "./theme.js";
import { Way } from "./way.js";
import { readMessage } from "./wire.js";

// The players of the page, for who presents it: see browser/stage.js.
const PLAYERS = Symbol.for("nc-players");
// Seconds for which a film that goes on and on rests at its end.
const REST = 2;

class Player {
  constructor(root) {
    (document[PLAYERS] ??= new Set()).add(this);
    Object.assign(this, { root, run: null, scene: null, unseen: null });
    Object.assign(this, { hovered: -1, pointerAt: null, step: "", looping: false });
    this.canvas = root.querySelector(".stage > canvas");
    this.camera = new Camera();
    this.clock = new Clock();
    this.way = new Way(this.clock);
    this.link = new Permalink((epoch) => this.tell(epoch));
    this.painter = new Painter(this.canvas);
    this.moment = new Moment((frame) => this.seek(frame));
    this.speech = new Speech(root);
    this.trail = 0;
    this.radius = null;
    this.meter = new Meter(root.dataset);
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
    const { scrubber, wayScrubber } = this.panel;
    this.keyboard = new Keyboard({ frames: scrubber, layers: wayScrubber }, {
      act: (name) => this.act(name),
      escape: () => {
        this.panel.help(false);
        this.screen.leave();
      },
    });
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
    const stepped = data.step !== "" && data.step !== this.step && !first;
    this.step = this.root.dataset.step = data.step;
    this.root.classList.toggle("presented", data.presented);
    this.painter.leastName = data.presented ? PRESENTED_NAME : LEAST_NAME;
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
    if (sibling && !stepped) {
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
    else if (another && !stepped) {
      if (!sibling) this.link.set("epoch", null);
      this.link.set("layer", null);
    }
    this.choose();
    if (stepped) this.goTo(data);
    else if (first && data.plays !== "nothing") this.play(data, this.clock.goal);
    else if (another && (waits || !sibling) && !this.opened) this.begin(data);
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
    take("drawn", (text) => shownFromText(this.show, text) && layersToText(this.show));
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

  /** Goes to what a step of a story shows, from wherever all is. */
  goTo(data) {
    const { camera, clock, calm, way } = this;
    const { camera: pose = null, view = "3d", drawn = null, hidden = null, epoch, layer } = data.start;
    this.waitNoMore();
    camera.spinning = false;
    camera.setView(view, calm);
    if (pose === null || !camera.fromText(pose, calm)) camera.reset(calm);
    aim(this.show, drawn, hidden);
    const moment = real(epoch ?? "");
    const frame = Number.isFinite(moment) ? nearest(data.epoch, moment) : clock.last;
    clock.go(layer ? way.kept(frame) : frame, calm);
    if (way.there) way.clock.go(layer ? whole(layer) - 1 : way.clock.last, calm);
    this.link.set("view", data.start.view ?? null);
    this.link.set("epoch", this.momentToText());
    this.link.set("layer", this.layerToText());
    this.link.set("drawn", layersToText(this.show));
    this.link.set("hidden", hiddenToText(this.show));
    this.play(data, frame);
  }

  /** What a step plays: the training to that frame, or the layers. */
  play({ plays }, frame) {
    if (this.calm || plays === "nothing") return;
    if (plays === "training") {
      this.scene.departFrom(this.scene);
      this.clock.playTo(frame);
    } else if (this.way.there) {
      this.clock.go(this.way.kept(frame), true);
      this.way.clock.playTo(this.way.clock.last);
    }
  }

  /** Brings what plays to its end; gives whether anything did. */
  finish() {
    const { clock, way } = this;
    const moves = clock.playing || way.clock.playing || this.unseen !== null || this.looping;
    if (!moves) return false;
    this.looping = false;
    if (clock.playing || this.unseen !== null) clock.finish();
    if (way.clock.playing) way.clock.finish();
    this.waitNoMore();
    this.rememberMoment();
    this.wake();
    return true;
  }

  /**
   * A finished run plays once. A live one glides to its end, that something moves at once; under
   * reduced motion any is at its end.
   */
  begin({ live, frames, begins }) {
    this.looping = begins === "loops" && !live && !this.calm;
    if (live || this.calm) this.clock.go(frames - 1, this.calm);
    else if (begins === "rests") this.clock.go(frames - 1, true);
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
    this.looping = false;
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
    this.link.set("drawn", layersToText(this.show));
    this.link.set("hidden", hiddenToText(this.show));
    this.wake();
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
    this.speech.wait();
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
    if (playing && !this.clock.playing) this.hasPlayed();
    if (onTheWay && !this.way.clock.playing) this.link.set("layer", this.layerToText());
    this.choose();
    this.draw();
    this.meter.add(now, performance.now() - begun);
    if (active) this.wake();
    else this.rest();
  }

  hasPlayed() {
    this.rememberMoment();
    if (!this.looping) return;
    setTimeout(() => {
      if (!this.looping || !this.root.isConnected || this.clock.playing) return;
      this.scene.departFrom(this.scene);
      this.clock.play();
      this.wake();
    }, 1000 * REST);
  }

  /** A pose reaches the URL once it has come to rest. */
  rest() {
    this.before = undefined;
    this.meter.rest();
    this.speech.rest(this);
    if (this.camera.moved) this.link.set("camera", this.camera.toText());
    else if (this.link.values.get("camera")) this.link.set("camera", null);
  }

  advanceFades(seconds) {
    const { trail, radius, film, calm } = this;
    const moves = this.clock.playing || this.way.clock.playing;
    this.trail = faded(trail, moves ? 1 : 0, seconds, calm);
    this.radius = faded(radius ?? film.radius, film.radius, seconds, calm);
    const active = fade(this.show, seconds, calm);
    return active || this.trail !== trail || this.radius !== radius;
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

  close() {
    document[PLAYERS].delete(this);
    this.looping = false;
    cancelAnimationFrame(this.pending);
    this.observer.disconnect();
    this.unseen?.disconnect();
    this.link.close();
    this.moment.close();
    this.speech.close();
    this.pointer.close();
    this.screen.close();
    this.keyboard.close();
  }
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
