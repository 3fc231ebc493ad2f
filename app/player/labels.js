// Class names beside their means, so placed that none covers another. A name keeps its side for as
// long as that side is free, even if another becomes better: names that jump are hard to read.

const SIDES = [
  [1, 0], [-1, 0], [0, -1], [0, 1], [0.8, -0.9], [-0.8, -0.9], [0.8, 0.9], [-0.8, 0.9],
];

export class LabelPlacer {
  constructor() {
    this.sides = new Map();
  }

  place(painter) {
    const { scene, ctx, names, show } = painter;
    const taken = [];
    const balls = [];
    const near = [...Array(scene.data.classes).keys()]
      .filter((k) => scene.inFocus[k] && show.classes[k] * show.means > 0.05)
      .sort((j, k) => scene.depth[scene.firstMean + k] - scene.depth[scene.firstMean + j]);
    for (const k of near) balls.push(ballBox(painter, k));
    for (const k of near) {
      const image = names.images[k];
      const side = this.freeSide(painter, k, image, taken, balls);
      if (side === null) continue;
      const box = boxAt(painter, k, image, SIDES[side]);
      taken.push(box);
      this.sides.set(k, side);
      ctx.globalAlpha = show.classes[k] * show.means;
      ctx.drawImage(image, box[0], box[1]);
    }
  }

  /** A side free of names and balls; else one free of names; else null: the name is left out. */
  freeSide(painter, k, image, taken, balls) {
    const { width, height } = painter.canvas;
    const sides = [this.sides.get(k) ?? 0, ...SIDES.keys()];
    const free = (side, others) => {
      const box = boxAt(painter, k, image, SIDES[side]);
      const within = box[0] >= 0 && box[1] >= 0 && box[2] <= width && box[3] <= height;
      return within && !others.some((other) => overlap(box, other));
    };
    const all = [...taken, ...balls];
    return sides.find((side) => free(side, all)) ?? sides.find((side) => free(side, taken)) ?? null;
  }
}

function ballBox({ scene, meanRadius }, k) {
  const [x, y] = [scene.x[scene.firstMean + k], scene.y[scene.firstMean + k]];
  return [x - meanRadius, y - meanRadius, x + meanRadius, y + meanRadius];
}

function boxAt(painter, k, image, [across, down]) {
  const { scene, meanRadius } = painter;
  const n = scene.firstMean + k;
  const gap = 1.9 * meanRadius;
  const x = scene.x[n] + across * (gap + image.width / 2) - image.width / 2;
  const y = scene.y[n] + down * (gap + image.height * 0.3) - image.height / 2;
  return [x, y, x + image.width, y + image.height];
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
