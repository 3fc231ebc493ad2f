// The way through the network's layers, at the moments at which these were kept. A frame is a layer,
// the last one that of the film of training: there the way has ended, and the film is shown.

import { Clock } from "./clock.js";
import { nearest } from "./passes.js";
import { Scene } from "./scene.js";

export class Way {
  /** `time` is the clock of the film. */
  constructor(time) {
    this.time = time;
    this.clock = new Clock();
    this.scenes = [];
    this.frames = [];
  }

  /** The ways of a film; of `another` run, one begins at the end. */
  load(film, another) {
    const { ways, epoch } = film.data;
    this.scenes = ways.map((data) => {
      const scene = new Scene(data);
      scene.radius = film.radius;
      return scene;
    });
    this.frames = ways.map((data) => nearest(epoch, data.moment));
    const last = this.there ? ways[0].frames - 1 : 0;
    if (another || last !== this.clock.last) {
      this.clock.last = last;
      this.end(true);
    }
  }

  get there() {
    return this.scenes.length > 0;
  }

  /** Whether a layer before the last is shown, or gone to. */
  get on() {
    const { at, goal, last, playing } = this.clock;
    return this.there && (playing || at < last || goal < last);
  }

  end(atOnce) {
    this.clock.go(this.clock.last, atOnce);
  }

  /** The way that belongs to the film's moment. */
  scene() {
    return this.scenes[nearest(this.frames, this.time.goal)];
  }

  /** The frame of the film nearest to another at which layers were kept. */
  kept(frame) {
    return this.there ? this.frames[nearest(this.frames, frame)] : frame;
  }

  /** The frame before, and the one after: on the way, of those at which layers were kept. */
  before(frame) {
    return this.on ? this.frames.findLast((other) => other < frame) ?? frame : frame - 1;
  }

  after(frame) {
    return this.on ? this.frames.find((other) => other > frame) ?? frame : frame + 1;
  }
}
