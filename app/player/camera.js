// Where the viewer stands: a rotation (unit quaternion [w, x, y, z]), zoom, and in 2D a pan.
// Turning composes small rotations about the screen's own axes, so no pose is special.

import { real } from "./numbers.js";
import { IDENTITY, pose, product, rotationMatrix, slerp, turned, unit } from "./rotation.js";

export const EYE_DISTANCE = 4.4;
const ZOOM_RANGE = [0.4, 12];
export const HOME_YAW = 0.62;
export const HOME_PITCH = 0.34;
const SPIN_SPEED = 0.22;
const HOMING_SECONDS = 0.6;

export function smooth(share) {
  return share * share * (3 - 2 * share);
}

export class Camera {
  constructor() {
    this.home = pose(HOME_YAW, HOME_PITCH);
    this.rotation = this.home;
    this.zoom = 1;
    this.pan = [0, 0];
    this.velocity = [0, 0];
    this.spinning = false;
    this.held = false;
    this.flatGoal = 0;
    this.flatClock = 0;
    this.homing = null;
    this.moved = false;
  }

  get view() {
    return this.flatGoal ? "2d" : "3d";
  }

  /** 0 in 3D, 1 in 2D, in between on the way. */
  get flat() {
    return smooth(this.flatClock);
  }

  setView(view, atOnce) {
    this.flatGoal = view === "2d" ? 1 : 0;
    if (atOnce) this.flatClock = this.flatGoal;
  }

  /** Turn (3D) or shift (2D) by a drag of dx, dy pixels on a stage where one unit is `scale`. */
  drag(dx, dy, scale, seconds) {
    this.homing = null;
    this.moved = true;
    if (this.flatGoal) {
      this.pan = [this.pan[0] + dx / scale, this.pan[1] + dy / scale];
      return;
    }
    const perPixel = 1 / Math.max(120, Math.min(scale, 420));
    this.turn(dx * perPixel, dy * perPixel);
    if (seconds > 0) {
      const keep = Math.exp(-seconds / 0.05);
      const now = [(dx * perPixel) / seconds, (dy * perPixel) / seconds];
      this.velocity = this.velocity.map((v, i) => v * keep + now[i] * (1 - keep));
    }
  }

  turn(x, y) {
    this.rotation = turned(turned(this.rotation, [0, 1, 0], x), [1, 0, 0], y);
  }

  /** Whether there was room for more of it. */
  zoomBy(factor) {
    const zoom = Math.min(ZOOM_RANGE[1], Math.max(ZOOM_RANGE[0], this.zoom * factor));
    if (zoom === this.zoom) return false;
    this.homing = null;
    this.moved = true;
    this.zoom = zoom;
    return true;
  }

  reset(atOnce) {
    this.glideTo({ rotation: this.home, zoom: 1, pan: [0, 0] }, atOnce);
    this.moved = false;
  }

  /** Goes to a pose in the fraction of a second, from wherever it is. */
  glideTo(goal, atOnce) {
    this.velocity = [0, 0];
    this.homing = { from: this.pose, goal, clock: 0 };
    if (atOnce) this.advanceHoming(10);
  }

  get pose() {
    return { rotation: this.rotation, zoom: this.zoom, pan: this.pan };
  }

  /** Moves on by some seconds; whether more is to come. */
  advance(seconds, calm) {
    let active = false;
    if (this.flatClock !== this.flatGoal) {
      const step = calm ? 1 : seconds / 0.7;
      const side = Math.sign(this.flatGoal - this.flatClock);
      this.flatClock = Math.min(1, Math.max(0, this.flatClock + side * step));
      active = true;
    }
    if (this.homing) active = this.advanceHoming(calm ? 10 : seconds) || active;
    if (this.held || this.flatGoal) return active;
    const speed = Math.hypot(...this.velocity);
    if (speed > 0.01) {
      this.turn(this.velocity[0] * seconds, this.velocity[1] * seconds);
      this.velocity = this.velocity.map((v) => v * Math.exp(-seconds / 0.35));
      active = true;
    }
    if (this.spinning) {
      this.turn(SPIN_SPEED * seconds, 0);
      active = true;
    }
    return active;
  }

  advanceHoming(seconds) {
    const { from, goal } = this.homing;
    this.homing.clock = Math.min(1, this.homing.clock + seconds / HOMING_SECONDS);
    const share = smooth(this.homing.clock);
    this.rotation = slerp(from.rotation, goal.rotation, share);
    this.zoom = from.zoom * (goal.zoom / from.zoom) ** share;
    this.pan = from.pan.map((v, axis) => v + (goal.pan[axis] - v) * share);
    if (share < 1) return true;
    Object.assign(this, goal);
    this.homing = null;
    return true;
  }

  matrix() {
    return rotationMatrix(slerp(this.rotation, IDENTITY, this.flat));
  }

  /** Another pose to start from and to reset to; who has turned the scene keeps theirs. */
  setHome(rotation, atOnce) {
    this.home = rotation;
    if (!this.moved) this.reset(atOnce);
  }

  /** Other data, which a rotation (unit quaternion) takes to those of before: stay as they stood. */
  follow(rotation) {
    this.homing = null;
    this.rotation = unit(product(this.rotation, rotation));
    this.home = unit(product(this.home, rotation));
  }

  /** As it stands in a URL. */
  toText() {
    return [...this.rotation, this.zoom, ...this.pan].map((v) => +v.toFixed(3)).join("_");
  }

  /** Takes the pose from a URL, at once or gliding; anything malformed is left aside. */
  fromText(text, atOnce = true) {
    const numbers = String(text).split("_").map(real);
    const all = numbers.length === 7 && numbers.every(Number.isFinite);
    if (!all || Math.hypot(...numbers.slice(0, 4)) < 0.5) return false;
    this.glideTo({
      rotation: unit(numbers.slice(0, 4)),
      zoom: Math.min(ZOOM_RANGE[1], Math.max(ZOOM_RANGE[0], numbers[4])),
      pan: numbers.slice(5).map((v) => Math.min(3, Math.max(-3, v))),
    }, atOnce);
    this.moved = true;
    return true;
  }
}
