// What there is to see at a moment of training, in data space and on the screen.
// Bodies share one numbering, so that one sort by depth orders them all:
// samples, then class means, classifier rows, ideal vertices, edges of the ideal.

const BUCKETS = 512;
const MARGIN = 1.06;

class Scene {
  constructor(data) {
    this.data = data;
    const { samples: S, classes: K } = data;
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
  }

  /** Radius of the ball that holds what matters over the whole run; the view is fitted to it. */
  reach() {
    const { data } = this;
    if (data.exact) return 1;
    let far = 0.2;
    for (const name of ["means", "ideal"]) far = Math.max(far, longest(data[name], data.scales[name], 3));
    // Every 7th sample is enough to tell how far the cloud spreads.
    const cloud = longest(data.points, data.scales.points, 21);
    return Math.min(1.05, Math.max(far, 0.9 * cloud));
  }

  /** Interpolates all bodies to a fractional frame. */
  moveTo(at) {
    const { data } = this;
    const frame = Math.min(data.frames - 1, Math.floor(at));
    const next = Math.min(data.frames - 1, frame + 1);
    let offset = 0;
    for (const name of ["points", "means", "classifier", "ideal"]) {
      const count = 3 * (name === "points" ? data.samples : data.classes);
      blend(data[name], data.scales[name], frame * count, next * count, at - frame, this.xyz, offset, count);
      offset += count;
    }
  }

  /** Projects on the screen: `center` and `scale` in pixels. */
  project(matrix, flat, center, scale) {
    const { xyz, x, y, depth } = this;
    const [a, b, c, d, e, f, g, h, i] = matrix;
    const upright = 1 - flat;
    for (let n = 0, at = 0; n < this.firstEdge; n++, at += 3) {
      const [u, v, w] = [xyz[at], xyz[at + 1], xyz[at + 2] * upright];
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
      bucket[n] = Math.min(BUCKETS - 1, Math.max(0, (depth[n] + DEEPEST) * perUnit));
      counts[bucket[n] + 1]++;
    }
    for (let n = 1; n <= BUCKETS; n++) counts[n] += counts[n - 1];
    for (let n = 0; n < this.bodies; n++) order[counts[bucket[n]]++] = n;
  }
}

function blend(array, scale, from, to, share, out, offset, count) {
  for (let n = 0; n < count; n++) {
    const start = array[from + n];
    out[offset + n] = (start + (array[to + n] - start) * share) * scale;
  }
}

function longest(array, scale, step) {
  let most = 0;
  for (let n = 0; n < array.length; n += step) {
    const square = array[n] ** 2 + array[n + 1] ** 2 + array[n + 2] ** 2;
    if (square > most) most = square;
  }
  return Math.sqrt(most) * scale;
}
