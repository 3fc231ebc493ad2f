// What there is to see at a moment of training, in data space and on the screen.
// Bodies share one numbering, so that one sort by depth orders them all:
// training samples, test samples, class means, classifier rows, ideal vertices, edges of the ideal.

import { HOME_PITCH, HOME_YAW, smooth } from "./camera.js";
import { pose, rotationMatrix } from "./rotation.js";
import { DEEPEST, perspective } from "./sprites.js";

const BUCKETS = 512;
export const MARGIN = 1.06;
// After a change of basis, focus or seed, bodies move to their new places for so long.
const ARRIVAL_SECONDS = 0.7;
// A class mean is drawn before (on top of) the samples that gather around it.
const MEAN_LIFT = 0.4;

// Vertices farther apart than this share of the scene's radius are apart enough.
const CLEAR = 0.8;
// Turns away from the usual pose, small ones first.
const POSES = [-0.6, -0.3, 0, 0.3]
  .flatMap((pitch) => Array.from({ length: 25 }, (_, n) => [(n - 12) * 0.26, pitch]))
  .sort((a, b) => Math.hypot(...a) - Math.hypot(...b));

export class Scene {
  constructor(data) {
    this.data = data;
    const { samples: S, classes: K } = data;
    this.firstTest = data.trained;
    this.firstMean = S;
    this.firstRow = S + K;
    this.firstIdeal = S + 2 * K;
    this.firstEdge = S + 3 * K;
    this.bodies = S + 3 * K + data.edges.length;
    this.xyz = new Float32Array(3 * this.firstEdge);
    this.x = new Float32Array(this.bodies);
    this.y = new Float32Array(this.bodies);
    this.depth = new Float32Array(this.bodies);
    this.order = new Uint16Array(this.bodies);
    this.bucket = new Uint16Array(this.bodies);
    this.counts = new Uint32Array(BUCKETS + 1);
    this.inFocus = new Uint8Array(K).fill(data.focus.length ? 0 : 1);
    for (const k of data.focus) this.inFocus[k] = 1;
    this.radius = this.reach();
    this.earlier = null;
    this.arrival = 1;
  }

  /**
   * Sets out from where an earlier scene's bodies stood: the same ones, or in another run those of
   * the same class, in their order.
   */
  departFrom(earlier) {
    if (!earlier) return;
    if (earlier.data === this.data) this.earlier = earlier.xyz.slice();
    else if (earlier.data.run === this.data.run) this.earlier = this.places(earlier);
    else this.earlier = this.placesOfClasses(earlier);
    this.arrival = 0;
  }

  /** Where the bodies of this scene's classes stand in another run's; NaN of those it has not. */
  placesOfClasses(earlier) {
    const found = new Float32Array(this.xyz.length).fill(NaN);
    const copy = (from, to) => found.set(earlier.xyz.subarray(3 * from, 3 * from + 3), 3 * to);
    const there = earlier.byClass();
    this.byClass().forEach((own, k) => {
      const others = there[k] ?? [];
      if (others.length) own.forEach((n, at) => copy(others[at % others.length], n));
    });
    const shared = Math.min(this.data.classes, earlier.data.classes);
    for (const kind of ["firstMean", "firstRow", "firstIdeal"]) {
      for (let k = 0; k < shared; k++) copy(earlier[kind] + k, this[kind] + k);
    }
    return found;
  }

  /** The samples of each class, by their places among the bodies. */
  byClass() {
    const { labels, samples, classes } = this.data;
    const found = Array.from({ length: classes }, () => []);
    for (let n = 0; n < samples; n++) found[labels[n]].push(n);
    return found;
  }

  /** Where the bodies of this scene stand in an earlier one; NaN where they do not. */
  places(earlier) {
    const there = new Map(earlier.samples().map((name, n) => [name, n]));
    const found = new Float32Array(this.xyz.length).fill(NaN);
    const copy = (from, to, count) => {
      found.set(earlier.xyz.subarray(3 * from, 3 * (from + count)), 3 * to);
    };
    this.samples().forEach((name, n) => {
      if (there.has(name)) copy(there.get(name), n, 1);
    });
    copy(earlier.firstMean, this.firstMean, 3 * this.data.classes);
    return found;
  }

  /** What tells each sample from all others of a run: test samples have numbers of their own. */
  samples() {
    const { samples, trained, own } = this.data;
    return Array.from({ length: samples }, (_, n) => own?.[n] ?? (n < trained ? n : trained - n - 1));
  }

  /** Moves on by some seconds; whether more is to come. */
  advance(seconds, calm) {
    if (!this.earlier) return false;
    this.arrival = calm ? 1 : Math.min(1, this.arrival + seconds / ARRIVAL_SECONDS);
    if (this.arrival === 1) this.earlier = null;
    return true;
  }

  /** Radius of the ball that holds what matters over the whole run; the view is fitted to it. */
  reach() {
    const { data } = this;
    if (data.exact) return 1;
    let far = 0.2;
    for (const name of ["means", "ideal"]) {
      far = Math.max(far, longest(data[name], data.scales[name], 3));
    }
    // Every 7th sample is enough to tell how far the cloud spreads.
    const cloud = longest(data.points, data.scales.points, 21);
    // Class means of networks that keep features on no sphere may lie farther out.
    return Math.max(Math.min(3, far), Math.min(1.05, 0.9 * cloud));
  }

  /** A pose near the usual one in which no two classes' places cover each other. */
  clearPose() {
    const { data, inFocus } = this;
    const figure = data.ideal_fits ? "ideal" : "means";
    const last = 3 * data.classes * (data.frames - 1);
    const vertices = [...inFocus.keys()].filter((k) => inFocus[k]).map((k) =>
      [0, 1, 2].map((axis) => data[figure][last + 3 * k + axis] * data.scales[figure]));
    let [best, most] = [pose(HOME_YAW, HOME_PITCH), -1];
    for (const [yaw, pitch] of POSES) {
      const rotation = pose(HOME_YAW + yaw, HOME_PITCH + pitch);
      const clear = Math.min(CLEAR * this.radius, closest(vertices, rotationMatrix(rotation)));
      if (clear > most) [best, most] = [rotation, clear];
    }
    return best;
  }

  /** Interpolates all bodies to a fractional frame. */
  moveTo(at) {
    const { data } = this;
    const frame = Math.min(data.frames - 1, Math.floor(at));
    const next = Math.min(data.frames - 1, frame + 1);
    let offset = 0;
    for (const name of ["points", "means", "classifier", "ideal"]) {
      const count = 3 * (name === "points" ? data.samples : data.classes);
      const [from, to] = [frame * count, next * count];
      blend(data[name], data.scales[name], from, to, at - frame, this.xyz, offset, count);
      offset += count;
    }
    if (this.earlier) this.hold(1 - smooth(this.arrival));
  }

  hold(share) {
    const { xyz, earlier } = this;
    for (let n = 0; n < xyz.length; n++) {
      if (earlier[n] === earlier[n]) xyz[n] += (earlier[n] - xyz[n]) * share;
    }
  }

  /** Projects on the screen: `center` and `scale` in pixels. */
  project(matrix, flat, center, scale) {
    const { xyz, x, y, depth } = this;
    const [a, b, c, d, e, f, g, h, i] = matrix;
    const upright = 1 - flat;
    for (let n = 0, at = 0; n < this.firstEdge; n++, at += 3) {
      const u = xyz[at];
      const v = xyz[at + 1];
      const w = xyz[at + 2] * upright;
      const z = g * u + h * v + i * w;
      const pixels = scale * (flat + upright * perspective(z));
      x[n] = center[0] + (a * u + b * v + c * w) * pixels;
      y[n] = center[1] - (d * u + e * v + f * w) * pixels;
      depth[n] = z;
    }
    for (let r = this.firstRow; r < this.firstIdeal; r++) depth[r] *= 0.5;
    this.data.edges.forEach(([j, k], n) => {
      depth[this.firstEdge + n] = (depth[this.firstIdeal + j] + depth[this.firstIdeal + k]) / 2;
    });
    this.sort();
  }

  /** Counting sort, farthest first. */
  sort() {
    const { depth, bucket, counts, order } = this;
    counts.fill(0);
    const perUnit = BUCKETS / (2 * DEEPEST);
    for (let n = 0; n < this.bodies; n++) {
      const lift = n >= this.firstMean && n < this.firstRow ? MEAN_LIFT : 0;
      bucket[n] = Math.min(BUCKETS - 1, Math.max(0, (depth[n] + lift + DEEPEST) * perUnit));
      counts[bucket[n] + 1]++;
    }
    for (let n = 1; n <= BUCKETS; n++) counts[n] += counts[n - 1];
    for (let n = 0; n < this.bodies; n++) order[counts[bucket[n]]++] = n;
  }
}

export function blend(array, scale, from, to, share, out, offset, count) {
  for (let n = 0; n < count; n++) {
    const start = array[from + n];
    out[offset + n] = (start + (array[to + n] - start) * share) * scale;
  }
}

/** Least distance on the screen between any two points, up to scale and perspective. */
function closest(points, matrix) {
  const placed = points.map((p) => [0, 3].map((r) =>
    matrix[r] * p[0] + matrix[r + 1] * p[1] + matrix[r + 2] * p[2]));
  let least = Infinity;
  placed.forEach((a, n) => {
    for (const b of placed.slice(n + 1)) {
      least = Math.min(least, Math.hypot(a[0] - b[0], a[1] - b[1]));
    }
  });
  return least;
}

function longest(array, scale, step) {
  let most = 0;
  for (let n = 0; n < array.length; n += step) {
    const square = array[n] ** 2 + array[n + 1] ** 2 + array[n + 2] ** 2;
    if (square > most) most = square;
  }
  return Math.sqrt(most) * scale;
}
