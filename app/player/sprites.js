// Shaded balls, drawn once per class and depth and copied from then on: copying an image costs a
// tenth of filling a gradient.

import { EYE_DISTANCE } from "./camera.js";
import { css, mixed } from "./theme.js";

const DEPTH_LEVELS = 20;
export const DEEPEST = 1.25;
const FOG = 0.62;

export function depthLevel(depth) {
  const share = (depth + DEEPEST) / (2 * DEEPEST);
  return Math.min(DEPTH_LEVELS - 1, Math.max(0, (share * DEPTH_LEVELS) | 0));
}

function levelDepth(level) {
  return ((level + 0.5) / DEPTH_LEVELS) * 2 * DEEPEST - DEEPEST;
}

export function perspective(depth) {
  return EYE_DISTANCE / (EYE_DISTANCE - depth);
}

function shadedBall(ctx, x, y, radius, rgb, dark) {
  const shine = mixed(rgb, [255, 255, 255], dark ? 0.55 : 0.45);
  const shade = mixed(rgb, [0, 0, 0], dark ? 0.5 : 0.28);
  const fill = ctx.createRadialGradient(
    x - radius * 0.35, y - radius * 0.4, radius * 0.05, x, y, radius * 1.05,
  );
  fill.addColorStop(0, css(shine));
  fill.addColorStop(0.4, css(rgb));
  fill.addColorStop(1, css(shade));
  ctx.fillStyle = fill;
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fill();
}

/** A hollow ring, with a rim in the colour of the sky that keeps it apart from balls behind it. */
function hollowRing(ctx, x, y, radius, rgb, theme) {
  const width = Math.max(1.2, radius * 0.42);
  ctx.beginPath();
  ctx.arc(x, y, radius - width / 2, 0, 2 * Math.PI);
  ctx.strokeStyle = css(theme.background, 0.85);
  ctx.lineWidth = width * 1.9;
  ctx.stroke();
  ctx.strokeStyle = css(mixed(rgb, theme.text, theme.dark ? 0.25 : 0.15));
  ctx.lineWidth = width;
  ctx.stroke();
}

/** Sample sprites: one row a class, one column a depth level; the far ones fade into the sky. */
export class SampleAtlas {
  constructor(theme, radius) {
    this.key = `${theme.signature}|${radius}`;
    this.radii = Float32Array.from({ length: DEPTH_LEVELS }, (_, level) =>
      radius * perspective(levelDepth(level)));
    this.cell = 2 * Math.ceil(this.radii[DEPTH_LEVELS - 1]) + 2;
    this.sizes = Int32Array.from(this.radii, (r) => 2 * Math.ceil(r) + 2);
    const canvas = new OffscreenCanvas(this.cell * DEPTH_LEVELS, this.cell * theme.classes.length);
    const ctx = canvas.getContext("2d");
    theme.classes.forEach((rgb, k) => {
      for (let level = 0; level < DEPTH_LEVELS; level++) {
        const haze = FOG * (1 - level / (DEPTH_LEVELS - 1)) ** 1.3;
        const half = this.sizes[level] / 2;
        const center = [level * this.cell + half, k * this.cell + half];
        const hazy = mixed(rgb, theme.background, haze);
        this.drawOne(ctx, ...center, this.radii[level], hazy, theme);
      }
    });
    // A bitmap, since drawing from another canvas takes a snapshot of it every time.
    this.image = canvas.transferToImageBitmap();
  }

  drawOne(ctx, x, y, radius, rgb, theme) {
    shadedBall(ctx, x, y, radius, rgb, theme.dark);
  }
}

/** The same for test samples: as large, hollow. */
export class RingAtlas extends SampleAtlas {
  drawOne(ctx, x, y, radius, rgb, theme) {
    hollowRing(ctx, x, y, radius, rgb, theme);
  }
}

/** Class means: a ball within a ring, one sprite a class, scaled when drawn. */
export class MeanSprites {
  constructor(theme, radius) {
    this.key = `${theme.signature}|${radius}`;
    this.half = Math.ceil(radius * 1.9);
    this.images = theme.classes.map((rgb) => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 2 * this.half;
      const ctx = canvas.getContext("2d");
      const ring = mixed(rgb, theme.text, theme.dark ? 0.75 : 0.6);
      ctx.fillStyle = css(theme.background, 0.75);
      ctx.beginPath();
      ctx.arc(this.half, this.half, radius * 1.5, 0, 2 * Math.PI);
      ctx.fill();
      ctx.strokeStyle = css(ring);
      ctx.lineWidth = Math.max(1, radius * 0.16);
      ctx.stroke();
      shadedBall(ctx, this.half, this.half, radius * 1.12, rgb, theme.dark);
      return canvas;
    });
  }
}

/** A class name with a halo in the colour of the sky. */
export class LabelSprites {
  constructor(theme, names, size) {
    this.key = `${theme.signature}|${names}|${size}`;
    this.images = names.map((name, k) => {
      const canvas = document.createElement("canvas");
      const ctx = canvas.getContext("2d");
      const font = `650 ${size}px ${theme.font}`;
      const halo = size * 0.32;
      ctx.font = font;
      canvas.width = Math.ceil(ctx.measureText(name).width + 2 * halo);
      canvas.height = Math.ceil(size * 1.2 + 2 * halo);
      ctx.font = font;
      ctx.textBaseline = "middle";
      ctx.lineJoin = "round";
      ctx.lineWidth = halo * 1.6;
      ctx.strokeStyle = css(theme.background, 0.9);
      ctx.strokeText(name, halo, canvas.height / 2);
      ctx.fillStyle = css(mixed(theme.classes[k], theme.text, 0.68));
      ctx.fillText(name, halo, canvas.height / 2);
      return canvas;
    });
  }
}

/** The unit sphere: a faint ball of glass, drawn once per size and theme. */
export class SphereSprite {
  constructor(theme, radius) {
    this.key = `${theme.signature}|${radius}`;
    this.half = Math.ceil(radius) + 2;
    this.image = document.createElement("canvas");
    this.image.width = this.image.height = 2 * this.half;
    const ctx = this.image.getContext("2d");
    const [x, y] = [this.half, this.half];
    const glow = theme.dark ? mixed(theme.text, [120, 160, 255], 0.4) : theme.text;
    const fill = ctx.createRadialGradient(x - radius * 0.35, y - radius * 0.4, 0, x, y, radius);
    fill.addColorStop(0, css(glow, theme.dark ? 0.13 : 0.02));
    fill.addColorStop(0.75, css(glow, theme.dark ? 0.05 : 0.05));
    fill.addColorStop(1, css(glow, theme.dark ? 0.15 : 0.13));
    ctx.fillStyle = fill;
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fill();
    ctx.strokeStyle = css(glow, 0.35);
    ctx.stroke();
  }
}
