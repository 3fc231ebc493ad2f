// Passes, and the frames at which they are shown.

/** The pass at a fractional frame. */
export function between(epochs, at) {
  const before = Math.min(Math.floor(at), epochs.length - 1);
  const after = Math.min(before + 1, epochs.length - 1);
  return epochs[before] + (at - before) * (epochs[after] - epochs[before]);
}

/** The fractional frame of a pass, which may lie beyond either end: the other way round. */
export function frameAt(epochs, pass) {
  const after = epochs.findIndex((epoch) => epoch >= pass);
  if (after < 0) return epochs.length - 1;
  if (after === 0) return 0;
  const [from, to] = [epochs[after - 1], epochs[after]];
  return after - 1 + (pass - from) / (to - from);
}

/** The place of the value that is nearest to another. */
export function nearest(sorted, value) {
  const away = sorted.map((v) => Math.abs(v - value));
  return away.indexOf(Math.min(...away));
}
