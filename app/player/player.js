// The player itself: one per place on the page, kept alive from one message to the next.

import { closestRotation, lastMeans } from "./align.js";
import { Clock } from "./clock.js";
import { LEAST_NAME, Painter, PRESENTED_NAME } from "./draw.js";
import { Filming } from "./filming.js";
import { groupOf } from "./group.js";
import { panelHandlers, pointerHandlers } from "./handlers.js";
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
  fade, faded, hiddenFromText, hiddenToText, layersToText, shownAtFirst, shownFromText,
} from "./shown.js";
import { Speech } from "./speech.js";
import { dismiss, enlist, finish, goTo, hasPlayed, playStep } from "./step.js";
import { readTheme } from "./theme.js";
import { Way } from "./way.js";
import { readMessage } from "./wire.js";

class Player {
  constructor(root) {
    Object.assign(this, { root, run: null, scene: null, unseen: null });
    Object.assign(this, { hovered: -1, pointerAt: null, step: "", looping: false });
    enlist(this);
    this.canvas = root.querySelector(".stage > canvas");
    this.group = groupOf("");
    this.clock = new Clock();
    this.way = new Way(this.clock);
    this.link = new Permalink((epoch) => this.tell(epoch), () => this.group.lead === this);
    this.painter = new Painter(this.canvas);
    this.moment = new Moment((frame) => this.seek(frame), () => this.group.main);
    this.speech = new Speech(root);
    this.trail = 0;
    this.radius = null;
    this.meter = new Meter(root.dataset);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.show = shownAtFirst();
    this.panel = new Panel(root, panelHandlers(this));
    this.screen = new Screen(root);
    this.filming = new Filming(this);
    this.pointer = new Pointer(this.canvas, pointerHandlers(this));
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(root.querySelector(".stage"));
    // Names drawn before the app's font arrived are drawn again in it.
    document.fonts.ready.then(() => {
      this.painter.names = null;
      this.wake();
    });
    const { scrubber, wayScrubber } = this.panel;
    this.keyboard = new Keyboard({ frames: scrubber, layers: wayScrubber }, {
      hears: () => this.group.hears === this,
      act: (name) => this.act(name),
      escape: () => {
        this.panel.help(false);
        this.filming.open(false);
        this.screen.leave();
      },
    });
  }

  get camera() {
    return this.group.camera;
  }

  /**
   * Lets the server know at which pass the viewer rests ("": the newest), for what it draws. Beside
   * players that move as one there is nothing that follows.
   */
  tell(epoch) {
    if (!this.group.name) this.setState?.("epoch", epoch ?? "");
  }

  /** Moves with the others of its group from now on. */
  join(group) {
    const name = group?.name ?? "";
    if (name !== this.group.name) {
      this.group.leave(this);
      this.group = groupOf(name);
    }
    this.group.join(this, group?.place ?? 0, group?.clock ?? "share");
    if (group) this.panel.name(group.place);
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
    this.join(data.group);
    const leads = this.group.lead === this;
    const stepped = leads && data.step !== "" && data.step !== this.step && !first;
    this.step = this.root.dataset.step = data.step;
    this.root.classList.toggle("presented", data.presented);
    this.painter.leastName = data.presented ? PRESENTED_NAME : LEAST_NAME;
    Object.assign(this.link, { query: data.query, asking: data.asking });
    if (this.show.goal.classes.length !== data.classes) {
      this.show = shownAtFirst(data.classes, this.show);
      if (!first) this.link.set("hidden", null);
    }
    // While a run is live, its last snapshot is not what it comes to.
    const homeOf = JSON.stringify([data.run, data.focus, data.live]);
    if (leads && sibling && !stepped) {
      this.camera.follow(closestRotation(lastMeans(data), lastMeans(before)));
      if (this.camera.moved) this.link.set("camera", this.camera.toText());
    } else if (leads && homeOf !== this.homeOf) {
      this.camera.setHome(this.film.clearPose(), first || this.calm);
    }
    this.homeOf = homeOf;
    const waits = this.unseen !== null;
    if (another) this.waitNoMore();
    if (leads && another && !sibling) this.clock.rewind();
    this.clock.extend(data.frames - 1);
    if (sibling) this.clock.stay(frameAt(data.epoch, moment));
    this.way.load(this.film, another);
    this.panel.load(data, colors);
    this.filming.look();
    if (!leads) this.goAlong(another);
    else if (first) this.open(data);
    else if (another && !stepped) {
      if (!sibling) this.link.set("epoch", null);
      this.link.set("layer", null);
    }
    this.choose();
    if (leads && another) this.group.runner = this;
    if (stepped) goTo(this, data);
    else if (leads && first && data.plays !== "nothing") playStep(this, data, this.clock.goal);
    else if (leads && another && (waits || !sibling) && !this.opened) this.begin(data);
    this.opened = false;
    this.wake();
  }

  /** One that does not lead shows the moment, the pose and the layers that are shown. */
  goAlong(another) {
    if (!another) return;
    this.group.shareShown(this.group.lead);
    this.group.catchUp(this);
  }

  /** The first show: pose, moment and what is hidden, of the URL, else of `start`. */
  open({ start, epoch, unit }) {
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
      if (!Number.isFinite(moment) || (moment < 0 && unit !== "step")) return null;
      this.opened = true;
      this.group.asked = moment;
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
  begin({ live, frames, begins, step }) {
    this.looping = begins === "loops" && !live && !this.calm;
    if (live || this.calm) this.clock.go(frames - 1, this.calm);
    // What a step of a story plays, it says.
    else if (begins === "rests" || step) this.clock.go(frames - 1, true);
    else this.onceSeen(() => this.play());
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
    const { camera, clock, group } = this;
    if (name.startsWith("way-")) this.actOnWay(name.slice(4));
    else if (name === "play") this.play();
    else if (name === "back") this.seek(this.way.before(Math.round(clock.goal)));
    else if (name === "forward") this.seek(this.way.after(Math.round(clock.goal)));
    else if (name === "start") this.seek(0);
    else if (name === "end") this.seek(clock.last);
    else if (name === "spin") camera.spinning = !camera.spinning;
    else if (name === "fullscreen") this.screen.toggle();
    else if (name === "home-view") camera.reset(this.calm);
    else {
      camera.setView(name, this.calm);
      group.lead.link.set("view", name);
    }
    this.wake();
  }

  play() {
    const { main } = this.group;
    this.group.goBy(main);
    this.way.end(this.calm);
    this.link.set("layer", null);
    if (main.clock.playing) main.clock.pause();
    else main.clock.play();
    if (!main.clock.playing) this.rememberMoment();
  }

  /** On the way through the layers there are only the moments at which these were kept. */
  seek(frame) {
    this.group.goBy(this);
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
    const { group } = this;
    group.follow();
    group.lead.link.set("epoch", group.main.momentToText());
  }

  momentToText() {
    const { goal, following } = this.clock;
    return following ? null : String(this.film.data.epoch[Math.round(goal)]);
  }

  fade(change) {
    change(this.show.goal);
    this.group.shareShown(this);
    const { link, show } = this.group.lead;
    link.set("drawn", layersToText(show));
    link.set("hidden", hiddenToText(show));
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
    this.group.wake();
  }

  /** One animation frame of its own: what it shares has moved already. Whether more is to come. */
  frame(now, seconds) {
    const begun = performance.now();
    const onTheWay = this.way.clock.playing;
    const active = [
      this.way.clock.advance(seconds, this.calm),
      this.scene.advance(seconds, this.calm),
      this.advanceFades(seconds),
    ].some(Boolean);
    if (onTheWay && !this.way.clock.playing) this.link.set("layer", this.layerToText());
    this.choose();
    this.draw();
    this.meter.add(now, performance.now() - begun);
    return active;
  }

  advanceFades(seconds) {
    const { trail, radius, calm, group } = this;
    const moves = this.clock.playing || this.way.clock.playing;
    this.trail = faded(trail, moves ? 1 : 0, seconds, calm);
    this.radius = faded(radius ?? group.radius, group.radius, seconds, calm);
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
    const atEnd = this.clock.following && !this.clock.playing;
    this.moment.show(run, epoch, this.clock.at, atEnd, this.film.data.unit);
    this.panel.caption(this.film.data, this.moment.reading("NC1"));
  }

  /** See `step.js`. */
  finish() {
    return finish(this);
  }

  hasPlayed() {
    hasPlayed(this);
  }

  close() {
    dismiss(this);
    this.group.leave(this);
    this.filming.close();
    this.speech.close();
    this.observer.disconnect();
    this.unseen?.disconnect();
    this.link.close();
    this.moment.close();
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
