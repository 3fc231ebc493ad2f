// The pictures of a film, one after another: at exact times of its own, whatever the player on the
// page does meanwhile. It goes evenly through the frames, as the player's clock does.

import { Camera } from "./camera.js";
import { angleName, count } from "./numbers.js";
import { Scene } from "./scene.js";
import { faded, shownAtFirst } from "./shown.js";
import { Slate } from "./slate.js";

// All are even in width and height, which H.264 asks for.
export const SIZES = { "720p": [1280, 720], "1080p": [1920, 1080], "4k": [3840, 2160] };
// Seconds for which the first and the last moment stand still, of a film that is long enough.
const [BEFORE, AFTER] = [0.5, 2];

export class Reel {
  /**
   * Of what the player shows now, from the side that it is seen from.
   *
   * over: "passes" or "layers"; of the layers at the moment that is shown. size: of `SIZES`.
   */
  constructor(player, { over, size, rate, seconds }) {
    const shown = over === "layers" ? player.way.scene() : player.film;
    Object.assign(this, { over, rate, seconds, radius: player.group.radius, theme: player.theme });
    this.scene = new Scene(shown.data);
    this.nc1 = over === "layers" ? new Map() : player.moment.course("NC1");
    this.title = shown.data.title;
    this.camera = standing(player.camera);
    this.show = shownAtFirst(shown.data.classes);
    const { goal } = player.show;
    Object.assign(this.show, goal, { classes: [...goal.classes] });
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = SIZES[size];
    this.slate = new Slate(this.canvas, this.theme);
    this.frames = Math.round(seconds * rate);
    Object.assign(this, { next: 0, trail: 0 });
  }

  /** The fractional frame of the player's film that a picture shows. */
  at(n) {
    const before = Math.min(BEFORE, this.seconds / 10);
    const after = Math.min(AFTER, this.seconds / 5);
    const share = (n / this.rate - before) / (this.seconds - before - after);
    return Math.min(1, Math.max(0, share)) * (this.scene.data.frames - 1);
  }

  /** Draws the next picture on the canvas; gives whether it differs from the one before. */
  draw() {
    const { scene, theme, camera, show, radius } = this;
    const n = this.next++;
    const at = this.at(n);
    if (n > 0) camera.advance(1 / this.rate, false);
    const moves = n > 0 && at !== this.at(n - 1);
    const { trail } = this;
    this.trail = faded(trail, moves ? 1 : 0, 1 / this.rate, false);
    const share = at / Math.max(1, scene.data.frames - 1);
    this.slate.paint(scene, theme, camera, show, at, this.trail, -1, radius);
    this.slate.write({ title: this.title, ...this.words(Math.round(at)), share });
    return n === 0 || moves || this.trail !== trail || camera.spinning;
  }

  /** What is said of a frame. */
  words(frame) {
    const { scene: { data }, over } = this;
    const layers = over === "layers";
    const pass = count.format(layers ? data.moment : data.epoch[frame]);
    const nc1 = this.nc1.get(data.epoch[frame]);
    const angle = data.classes < 3 ? null : data.angle_error[frame];
    const figures = [
      layers && ["pass", pass],
      nc1 && ["NC1", nc1],
      // In fewer words where it is long: beside them is the picture.
      angle !== null && [data.ideal_proved ? angleName(data) : "off the best known", `${angle.toFixed(1)}°`],
    ].filter(Boolean);
    return { moment: layers ? ["layer", String(frame + 1)] : [data.unit, pass], figures };
  }
}

/** Where a camera stands, or is about to; one that spins goes on. */
function standing(camera) {
  const copy = Object.assign(new Camera(), camera, { held: false, velocity: [0, 0] });
  copy.spinning = false;
  copy.advance(0, true);
  copy.spinning = camera.spinning;
  return copy;
}
