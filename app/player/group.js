// Players that move as one: they share a camera, a clock and what is shown. A player that stands
// alone is a group by itself.

import { Camera } from "./camera.js";
import { between, frameAt } from "./passes.js";
import { LAYERS } from "./shown.js";

const GROUPS = Symbol.for("nc-groups");

/** The group of that name on the page; without a name a new one, which nobody else joins. */
export function groupOf(name) {
  if (!name) return new Group("");
  const groups = (document[GROUPS] ??= new Map());
  if (!groups.has(name)) groups.set(name, new Group(name));
  return groups.get(name);
}

export class Group {
  constructor(name) {
    Object.assign(this, { name, members: [], camera: new Camera(), clock: "share" });
    // Whose clock runs, the passes that a link asked for, and the frame that is waited for.
    Object.assign(this, { runner: null, asked: null, pending: null, before: undefined });
  }

  /** The first of them keeps the address, and is the one after whose pose the camera is set. */
  get lead() {
    return this.members[0];
  }

  /** Whose time line is that of the group: by passes, the one that goes on longest. */
  get main() {
    if (this.clock !== "pass") return this.lead;
    return this.members.reduce((a, b) => (lastPass(b) > lastPass(a) ? b : a));
  }

  /** Who hears the keys: the one that has the focus, else the main one. */
  get hears() {
    return this.members.find(({ root }) => root.matches(":focus-within")) ?? this.main;
  }

  /** All are drawn to one scale. */
  get radius() {
    return Math.max(...this.members.map(({ film }) => film.radius));
  }

  /** Takes in a player, or another film of it, at its place among the others. */
  join(player, place, clock) {
    player.place = place;
    this.clock = clock;
    const others = this.members.filter((other) => other !== player && other.root.isConnected);
    this.members = [...others, player].sort((a, b) => a.place - b.place);
    if (this.lead === player) for (const other of others) other.waitNoMore();
  }

  leave(player) {
    this.members = this.members.filter((other) => other !== player);
    if (this.runner === player) this.runner = null;
    if (this.members.length) return;
    cancelAnimationFrame(this.pending);
    if (this.name) document[GROUPS].delete(this.name);
  }

  /** From now on the others go by this one's clock, wherever it is moved. */
  goBy(player) {
    for (const one of this.members) one.waitNoMore();
    Object.assign(this, { runner: player, asked: null });
  }

  /** One that does not lead came, or has another film: it goes along with the others. */
  catchUp(player) {
    if (this.runner === player || !this.runner) this.runner = this.lead;
    this.follow();
    const { main, runner, asked } = this;
    if (main !== player) return;
    // What the shorter ones rest at, the end or their last pass before that asked for, is no more.
    const { clock, film } = runner;
    const atEnd = asked === null && clock.following && !film.data.live;
    if (asked !== null) main.clock.go(Math.round(frameAt(main.film.data.epoch, asked)), true);
    else if (atEnd && !clock.playing) main.clock.go(main.clock.last, true);
    else if (!clock.playing) return;
    this.runner = main;
    this.lead.rememberMoment();
  }

  /** Brings all clocks to where that one is which runs. */
  follow() {
    const { clock } = this.runner ?? this.lead;
    for (const other of this.members) {
      if (other.clock === clock) continue;
      const at = this.frameOf(other, clock.at);
      const goal = clock.goal === clock.at ? at : this.frameOf(other, clock.goal);
      const following = clock.playing || goal >= other.clock.last;
      Object.assign(other.clock, { at, goal, following, playing: clock.playing });
    }
  }

  /** The frame of another player that is shown together with one of the player whose clock runs. */
  frameOf(other, frame) {
    const { clock, film } = this.runner ?? this.lead;
    if (this.clock === "pass") return frameAt(other.film.data.epoch, between(film.data.epoch, frame));
    return clock.last ? (frame / clock.last) * other.clock.last : other.clock.last;
  }

  /** Layers that one shows are shown by all, and classes by those that have the same ones. */
  shareShown(from) {
    const names = String(from.film.data.names);
    for (const { show, film } of this.members) {
      if (show === from.show) continue;
      for (const layer of LAYERS) show.goal[layer] = from.show.goal[layer];
      if (String(film.data.names) === names) show.goal.classes = [...from.show.goal.classes];
    }
  }

  wake() {
    if (this.pending) return;
    for (const { speech } of this.members) speech.wait();
    this.before ??= performance.now();
    this.pending = requestAnimationFrame((now) => this.tick(now));
  }

  /** One animation frame of all; sleeps again when nothing moves. */
  tick(now) {
    this.pending = null;
    const members = this.members.filter(({ root }) => root.isConnected);
    if (!members.length) return;
    const seconds = Math.min(0.1, Math.max(0, now - this.before) / 1000);
    this.before = now;
    const { clock, calm } = this.runner ?? this.lead;
    const { playing } = clock;
    const moved = [clock.advance(seconds, calm), this.camera.advance(seconds, calm)];
    this.follow();
    if (playing && !clock.playing) this.lead.hasPlayed();
    for (const player of members) moved.push(player.frame(now, seconds));
    if (moved.some(Boolean)) this.wake();
    else this.rest();
  }

  /** A pose reaches the URL once it has come to rest. */
  rest() {
    this.before = undefined;
    for (const player of this.members) {
      player.meter.rest();
      player.speech.rest(player);
    }
    const { camera, lead } = this;
    if (camera.moved) lead.link.set("camera", camera.toText());
    else if (lead.link.values.get("camera")) lead.link.set("camera", null);
  }
}

function lastPass({ film }) {
  return film.data.epoch.at(-1);
}
