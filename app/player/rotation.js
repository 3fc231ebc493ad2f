// Rotations as unit quaternions [w, x, y, z].

export const IDENTITY = [1, 0, 0, 0];

/** The quaternion product: first b, then a. */
export function product([aw, ax, ay, az], [bw, bx, by, bz]) {
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

export function turned(q, axis, angle) {
  const s = Math.sin(angle / 2);
  return unit(product([Math.cos(angle / 2), axis[0] * s, axis[1] * s, axis[2] * s], q));
}

export function pose(yaw, pitch) {
  return turned(turned(IDENTITY, [0, 1, 0], yaw), [1, 0, 0], pitch);
}

/** Rows of the rotation that takes data to the screen (x right, y up, z to the viewer). */
export function rotationMatrix([w, x, y, z]) {
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
  ];
}

export function unit(q) {
  const norm = Math.hypot(...q) || 1;
  return q.map((v) => v / norm);
}

export function slerp(from, to, share) {
  let dot = from.reduce((sum, v, i) => sum + v * to[i], 0);
  const sign = dot < 0 ? -1 : 1;
  dot = Math.min(1, Math.abs(dot));
  const angle = Math.acos(dot);
  if (angle < 1e-4) return to;
  const a = Math.sin((1 - share) * angle) / Math.sin(angle);
  const b = (sign * Math.sin(share * angle)) / Math.sin(angle);
  return unit(from.map((v, i) => a * v + b * to[i]));
}
