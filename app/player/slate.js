// A picture of a film: what the player draws, on the ground that its stage has, with the words that
// stand around the player on the page. All of it is sized by the picture.

import { LEAST_NAME, Painter } from "./draw.js";
import { css, mixed } from "./theme.js";

// Heights of a picture, of which the lengths below are: a film is seen from farther away than a page.
const [HEIGHT, PAINTED] = [720, 540];
const [EDGE, HEAD, FOOT] = [44, 62, 44];
const [SMALL, LARGE, HUGE] = [26, 38, 76];
const TITLE = 30;
const LEAST_TITLE = 18;
const THICK = 5;
// The name of a figure and its value, and from one to the next.
const [UNDER, APART] = [42, 100];

export class Slate extends Painter {
  /** `canvas` has the size of the picture. */
  constructor(canvas, theme) {
    super(canvas);
    this.ratio = canvas.height / PAINTED;
    this.unit = canvas.height / HEIGHT;
    this.leastName = LEAST_NAME * 1.25;
    this.colors = theme;
    this.soft = css(mixed(theme.background, theme.text, 0.74));
    this.ground = groundOf(canvas, theme);
  }

  /** Of the title, and of the line that tells how far the film has come. */
  strips() {
    return [HEAD * this.unit, FOOT * this.unit];
  }

  clear() {
    this.ctx.drawImage(this.ground, 0, 0);
  }

  /**
   * title: a line at the top. moment: [what it is, its number] of what changes, figures: the same of
   * what is measured there. share: how much of the film is over.
   */
  write({ title, moment, figures, share }) {
    const { ctx, unit, canvas } = this;
    const left = EDGE * unit;
    ctx.globalAlpha = 1;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    const wide = canvas.width - 2 * left;
    this.put(title, left, 58 * unit, this.fitting(title, wide), 650, css(this.colors.text));
    let y = 156 * unit;
    y = this.figure(moment, left, y, HUGE);
    for (const one of figures) y = this.figure(one, left, y, LARGE);
    this.line(left, canvas.height - 34 * unit, wide, share);
  }

  /** The name of a figure and its value below, from where its name stands; gives where the next does. */
  figure([name, value], x, y, size) {
    const { unit, colors } = this;
    const below = y + (UNDER + (size - LARGE)) * unit;
    this.put(name, x, y, SMALL, 450, this.soft);
    this.put(value, x, below, size, 680, css(colors.text));
    return y + (APART + (size - LARGE) * 1.1) * unit;
  }

  put(words, x, y, size, weight, color) {
    const { ctx, unit, colors } = this;
    ctx.font = `${weight} ${size * unit}px ${colors.font}`;
    ctx.fillStyle = color;
    ctx.fillText(words, x, y);
  }

  /** The size at which a title has room, down to one at which it is cut. */
  fitting(title, wide) {
    const { ctx, unit, colors } = this;
    ctx.font = `650 ${TITLE * unit}px ${colors.font}`;
    return Math.max(LEAST_TITLE, Math.min(TITLE, (TITLE * wide) / ctx.measureText(title).width));
  }

  line(x, y, wide, share) {
    const { ctx, unit, colors } = this;
    ctx.lineWidth = THICK * unit;
    ctx.lineCap = "round";
    for (const [alpha, end] of [[0.16, 1], [0.72, share]]) {
      ctx.strokeStyle = css(colors.text, alpha);
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x + wide * end, y);
      ctx.stroke();
    }
  }
}

/** As the stage has it on the page: see player.css. */
function groundOf({ width, height }, { background, text }) {
  const ground = document.createElement("canvas");
  Object.assign(ground, { width, height });
  const ctx = ground.getContext("2d", { alpha: false });
  ctx.fillStyle = css(background);
  ctx.fillRect(0, 0, width, height);
  // To the farthest corner, of an ellipse as wide as the picture is.
  ctx.translate(width / 2, 0.46 * height);
  ctx.scale(Math.SQRT2 * (width / 2), Math.SQRT2 * 0.54 * height);
  const glow = ctx.createRadialGradient(0, 0, 0, 0, 0, 0.68);
  glow.addColorStop(0, css(mixed(background, text, 0.05)));
  glow.addColorStop(1, css(background));
  ctx.fillStyle = glow;
  ctx.fillRect(-2, -2, 4, 4);
  return ground;
}
