// Runs that differ by depth alone stay where they are on the screen: each has axes of its own, and
// the camera turns with them.

import { unit } from "./rotation.js";

const ROUNDS = 200;

/**
 * The rotation that takes points `from` as close to `to` as one can (K times three numbers each),
 * as a unit quaternion: B. K. P. Horn, J. Opt. Soc. Am. A 4 (1987) 629, by power iteration.
 */
export function closestRotation(from, to) {
  const s = Array.from({ length: 3 }, () => [0, 0, 0]);
  for (let n = 0; n < from.length; n += 3) {
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) s[i][j] += from[n + i] * to[n + j];
  }
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = s;
  const matrix = [
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ];
  // Shifted, so that the largest eigenvalue is the largest in size.
  const shift = Math.hypot(...matrix.flat()) || 1;
  let q = unit([1, 0.01, 0.02, 0.03]);
  for (let n = 0; n < ROUNDS; n++) {
    q = unit(matrix.map((row, i) => row.reduce((sum, v, j) => sum + v * q[j], shift * q[i])));
  }
  return q;
}

/** The class means of the last frame, as numbers. */
export function lastMeans({ means, scales, classes, frames }) {
  const begin = 3 * classes * (frames - 1);
  return Array.from(means.subarray(begin, begin + 3 * classes), (v) => v * scales.means);
}
