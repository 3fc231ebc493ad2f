// Paints a scene on the canvas. All lengths are device pixels.

import { EYE_DISTANCE, smooth } from "./camera.js";
import { LabelPlacer } from "./labels.js";
import { blend, MARGIN } from "./scene.js";
import {
  depthLevel, LabelSprites, MeanSprites, perspective, RingAtlas, SampleAtlas, SphereSprite,
} from "./sprites.js";
import { css, mixed } from "./theme.js";

// CSS pixels, and so many where the pass has a line of its own below them.
const TOOLS_HEIGHT = 50;
const NARROW = 525;
const NARROW_HEIGHT = 84;
// The least size of class names, and where it is for an audience.
export const LEAST_NAME = 16;
export const PRESENTED_NAME = 24;
// Outside the focus. Means and ideals lie on top of each other there, hence fainter still.
const DIMMED = 0.07;
const DIMMED_MARK = 0.02;
const TRAIL_STEPS = 12;
const TRAIL_STRIDE = 0.45;
const CIRCLES = [[0, 1], [0, 2], [1, 2]];
const CIRCLE_STEPS = 72;

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d");
    this.ratio = 1;
    this.leastName = LEAST_NAME;
    this.placer = new LabelPlacer();
  }

  resize(width, height) {
    this.ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const [w, h] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width === w && this.canvas.height === h) return;
    this.canvas.width = w;
    this.canvas.height = h;
  }

  /** What others have to themselves at the top, where the tools are, and at the bottom. */
  strips() {
    const narrow = this.canvas.width <= NARROW * this.ratio;
    return [(narrow ? NARROW_HEIGHT : TOOLS_HEIGHT) * this.ratio, 0];
  }

  clear() {
    this.ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Pixels that one unit of the data takes, and where the origin lies. */
  frame(camera, radius) {
    const { width } = this.canvas;
    const [top, bottom] = this.strips();
    const height = Math.max(1, this.canvas.height - top - bottom);
    const fit = (Math.min(width, height * 1.02) * 0.44) / (radius * MARGIN);
    const scale = fit * camera.zoom;
    const share = camera.flat * scale;
    return {
      scale,
      center: [width / 2 + camera.pan[0] * share, top + height * 0.5 + camera.pan[1] * share],
    };
  }

  prepare(scene, theme, camera) {
    const side = Math.min(this.canvas.width, this.canvas.height);
    const crowd = scene.data.samples > 1200 ? 0.82 : 1;
    const grown = Math.sqrt(camera.zoom);
    const base = Math.max(2.4 * this.ratio, side * 0.0078 * crowd);
    const radius = Math.round(base * Math.min(2, Math.max(0.75, grown)) * 2) / 2;
    const least = this.leastName * this.ratio;
    const size = Math.round(Math.max(least, Math.min(34 * this.ratio, side * 0.034)));
    this.meanRadius = Math.round(Math.max(6.5 * this.ratio, side * 0.0145));
    this.keep("atlas", SampleAtlas, theme, radius);
    this.keep("rings", RingAtlas, theme, radius);
    this.keep("balls", MeanSprites, theme, this.meanRadius);
    this.keep("names", LabelSprites, theme, scene.data.names, size);
  }

  keep(slot, Sprites, theme, ...rest) {
    const key = [theme.signature, ...rest].join("|");
    if (this[slot]?.key !== key) this[slot] = new Sprites(theme, ...rest);
  }

  /** `show` holds each layer's and each class's opacity, 0 to 1; `trail` that of the trails. */
  paint(scene, theme, camera, show, at, trail, hovered, radius) {
    const { ctx } = this;
    this.prepare(scene, theme, camera);
    const { scale, center } = this.frame(camera, radius);
    Object.assign(this, { scene, theme, show, scale, center, flat: camera.flat });
    this.matrix = camera.matrix();
    scene.moveTo(at);
    scene.project(this.matrix, this.flat, center, scale);
    ctx.globalAlpha = 1;
    this.clear();
    ctx.lineCap = ctx.lineJoin = "round";
    if (scene.data.exact) this.sphere();
    if (show.spokes > 0.01) this.spokes();
    if (trail > 0.01) this.trails(at, trail);
    this.bodies();
    this.placer.place(this);
    if (hovered >= 0) this.halo(hovered);
    ctx.globalAlpha = 1;
  }

  /** Opacity of a class: what the legend says, dimmed outside the focus. */
  classAlpha(k, dimmed = DIMMED_MARK) {
    return this.show.classes[k] * (this.scene.inFocus[k] ? 1 : dimmed);
  }

  bodies() {
    const { scene, ctx, atlas, rings, show } = this;
    const { labels } = scene.data;
    const { order, x, y, depth, firstTest, firstMean } = scene;
    const { cell, sizes } = atlas;
    const alphas = Float32Array.from(show.classes, (_, k) =>
      this.classAlpha(k, DIMMED) * show.samples);
    const testAlphas = Float32Array.from(show.classes, (_, k) =>
      this.classAlpha(k, DIMMED) * show.tests);
    const marks = Float32Array.from(show.classes, (_, k) => this.classAlpha(k));
    let alpha = -1;
    for (let at = 0; at < scene.bodies; at++) {
      const n = order[at];
      if (n >= firstMean) {
        this.body(n, marks);
        alpha = -1;
        continue;
      }
      const k = labels[n];
      const wanted = (n < firstTest ? alphas : testAlphas)[k];
      if (wanted < 0.01) continue;
      if (wanted !== alpha) ctx.globalAlpha = alpha = wanted;
      const level = depthLevel(depth[n]);
      const size = sizes[level];
      ctx.drawImage(
        (n < firstTest ? atlas : rings).image, level * cell, k * cell, size, size, x[n] - size / 2, y[n] - size / 2, size, size,
      );
    }
  }

  body(n, alphas) {
    const { scene, show } = this;
    if (n < scene.firstRow) this.mean(n, alphas[n - scene.firstMean] * show.means);
    else if (n < scene.firstIdeal) scene.data.has_rows && this.row(n, alphas[n - scene.firstRow] * show.rows);
    else if (!scene.data.ideal_fits) return;
    else if (n < scene.firstEdge) this.vertex(n, alphas[n - scene.firstIdeal] * show.ideal);
    else this.edge(n, show.ideal);
  }

  mean(n, alpha) {
    if (alpha < 0.01) return;
    const { ctx, balls, scene, flat } = this;
    const size = 2 * balls.half * (flat + (1 - flat) * perspective(scene.depth[n]));
    ctx.globalAlpha = alpha;
    const image = balls.images[n - scene.firstMean];
    ctx.drawImage(image, scene.x[n] - size / 2, scene.y[n] - size / 2, size, size);
  }

  /** A needle from the origin: thin where it starts, an arrow head at its end. */
  row(n, alpha) {
    if (alpha < 0.01) return;
    const { ctx, scene, theme, ratio, center, show } = this;
    const [dx, dy] = [scene.x[n] - center[0], scene.y[n] - center[1]];
    const length = Math.hypot(dx, dy);
    if (length < 2 * ratio) return;
    const [ux, uy] = [dx / length, dy / length];
    const head = Math.min(length, 13 * ratio);
    const [bx, by] = [scene.x[n] - ux * head, scene.y[n] - uy * head];
    const [wide, half] = [4.6 * ratio, 1.3 * ratio];
    const k = n - scene.firstRow;
    const near = smooth(Math.min(1, Math.max(0, scene.depth[n] + 0.5)));
    ctx.globalAlpha = alpha * (0.55 + 0.35 * near);
    ctx.fillStyle = css(mixed(theme.classes[k], theme.text, theme.dark ? 0.25 : 0.12));
    ctx.beginPath();
    ctx.moveTo(center[0], center[1]);
    ctx.lineTo(bx - uy * half, by + ux * half);
    ctx.lineTo(bx - uy * wide, by + ux * wide);
    ctx.lineTo(scene.x[n], scene.y[n]);
    ctx.lineTo(bx + uy * wide, by - ux * wide);
    ctx.lineTo(bx + uy * half, by - ux * half);
    ctx.fill();
  }

  vertex(n, alpha) {
    if (alpha < 0.01) return;
    const { ctx, scene, theme, flat } = this;
    const side = 2.15 * this.meanRadius * (flat + (1 - flat) * perspective(scene.depth[n]));
    ctx.globalAlpha = alpha;
    ctx.lineWidth = 1.8 * this.ratio;
    ctx.strokeStyle = css(mixed(theme.classes[n - scene.firstIdeal], theme.text, 0.5));
    ctx.beginPath();
    ctx.moveTo(scene.x[n] - side, scene.y[n]);
    ctx.lineTo(scene.x[n], scene.y[n] - side);
    ctx.lineTo(scene.x[n] + side, scene.y[n]);
    ctx.lineTo(scene.x[n], scene.y[n] + side);
    ctx.closePath();
    ctx.stroke();
  }

  edge(n, alpha) {
    if (alpha < 0.01) return;
    const { ctx, scene, theme } = this;
    const [j, k] = scene.data.edges[n - scene.firstEdge].map((v) => scene.firstIdeal + v);
    ctx.globalAlpha = alpha * (0.3 + 0.45 * Math.min(1, Math.max(0, scene.depth[n] + 0.5)));
    ctx.lineWidth = 1.6 * this.ratio;
    ctx.strokeStyle = css(theme.text);
    const [dx, dy] = [scene.x[k] - scene.x[j], scene.y[k] - scene.y[j]];
    // Ends short of the diamonds, whose balls it would cross.
    const short = (2 * this.meanRadius) / Math.hypot(dx, dy);
    if (short > 0.5) return;
    ctx.beginPath();
    ctx.moveTo(scene.x[j] + dx * short, scene.y[j] + dy * short);
    ctx.lineTo(scene.x[k] - dx * short, scene.y[k] - dy * short);
    ctx.stroke();
  }

  sphere() {
    const { ctx, theme, scale, center, flat } = this;
    // In perspective the outline of a sphere is wider than its equator.
    const silhouette = EYE_DISTANCE / Math.sqrt(EYE_DISTANCE ** 2 - 1);
    this.keep("globe", SphereSprite, theme, Math.round(scale * (flat + (1 - flat) * silhouette)));
    const { image, half } = this.globe;
    ctx.drawImage(image, center[0] - half, center[1] - half);
    ctx.strokeStyle = css(theme.text);
    ctx.lineWidth = this.ratio;
    ctx.lineCap = "butt";
    const upright = 1 - flat;
    for (const [p, q] of CIRCLES) this.greatCircle(p, q, upright);
    ctx.lineCap = "round";
  }

  /** The half behind the sphere is fainter than the one in front. */
  greatCircle(p, q, upright) {
    const { ctx, matrix, scale, center, flat } = this;
    const halves = [new Path2D(), new Path2D()];
    let before = null;
    for (let step = 0; step <= CIRCLE_STEPS; step++) {
      const angle = (2 * Math.PI * step) / CIRCLE_STEPS;
      const point = [0, 0, 0];
      point[p] = Math.cos(angle);
      point[q] = Math.sin(angle);
      point[2] *= upright;
      const [x, y, z] = [0, 3, 6].map((r) =>
        matrix[r] * point[0] + matrix[r + 1] * point[1] + matrix[r + 2] * point[2]);
      const pixels = scale * (flat + upright * perspective(z));
      const now = [center[0] + x * pixels, center[1] - y * pixels, z];
      if (before) {
        const half = halves[before[2] + z > 0 ? 1 : 0];
        half.moveTo(before[0], before[1]);
        half.lineTo(now[0], now[1]);
      }
      before = now;
    }
    halves.forEach((half, front) => {
      ctx.globalAlpha = (front ? 0.26 : 0.1) * (upright * 0.8 + 0.2);
      ctx.stroke(half);
    });
  }

  /** Faint lines from each sample to its class mean: one path a class. */
  spokes() {
    const { ctx, scene, theme, show } = this;
    const { labels } = scene.data;
    ctx.lineWidth = 0.8 * this.ratio;
    for (let k = 0; k < scene.data.classes; k++) {
      ctx.globalAlpha = 0.3 * show.spokes * this.classAlpha(k);
      if (ctx.globalAlpha < 0.01) continue;
      ctx.strokeStyle = css(theme.classes[k]);
      ctx.beginPath();
      for (let n = 0; n < scene.firstTest; n++) {
        if (labels[n] !== k) continue;
        ctx.moveTo(scene.x[n], scene.y[n]);
        ctx.lineTo(scene.x[scene.firstMean + k], scene.y[scene.firstMean + k]);
      }
      ctx.stroke();
    }
  }

  /** Where each class mean came from: fading segments back in time. */
  trails(at, strength) {
    const { ctx, scene, theme, show } = this;
    ctx.lineWidth = 2.2 * this.ratio;
    for (let k = 0; k < scene.data.classes; k++) {
      const alpha = this.classAlpha(k) * show.means * strength;
      if (alpha < 0.05) continue;
      ctx.strokeStyle = css(theme.classes[k]);
      let from = [scene.x[scene.firstMean + k], scene.y[scene.firstMean + k]];
      for (let step = 1; step <= TRAIL_STEPS && at - (step - 1) * TRAIL_STRIDE > 0; step++) {
        const to = this.meanAt(k, Math.max(0, at - step * TRAIL_STRIDE));
        ctx.globalAlpha = 0.55 * alpha * (1 - step / (TRAIL_STEPS + 1));
        ctx.beginPath();
        ctx.moveTo(...from);
        ctx.lineTo(...to);
        ctx.stroke();
        from = to;
      }
    }
  }

  meanAt(k, at) {
    const { scene, matrix, scale, center, flat } = this;
    const { means, scales, classes, frames } = scene.data;
    const frame = Math.floor(at);
    const next = Math.min(frames - 1, frame + 1);
    const point = new Float32Array(3);
    const at3 = (f) => 3 * (f * classes + k);
    blend(means, scales.means, at3(frame), at3(next), at - frame, point, 0, 3);
    point[2] *= 1 - flat;
    const [x, y, z] = [0, 3, 6].map((r) =>
      matrix[r] * point[0] + matrix[r + 1] * point[1] + matrix[r + 2] * point[2]);
    const pixels = scale * (flat + (1 - flat) * perspective(z));
    return [center[0] + x * pixels, center[1] - y * pixels];
  }

  halo(n) {
    const { ctx, scene, theme, ratio } = this;
    const sample = n < scene.firstMean;
    const radius = sample
      ? this.atlas.radii[depthLevel(scene.depth[n])] + 4 * ratio
      : 2 * this.meanRadius;
    ctx.globalAlpha = 0.95;
    ctx.lineWidth = 2 * ratio;
    ctx.strokeStyle = css(theme.text);
    ctx.beginPath();
    ctx.arc(scene.x[n], scene.y[n], radius, 0, 2 * Math.PI);
    ctx.stroke();
  }
}
