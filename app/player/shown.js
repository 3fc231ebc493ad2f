// What of a scene is shown: opacities of its layers and classes, and how they fade.

import { whole } from "./numbers.js";

const FADE_SECONDS = 0.12;
export const LAYERS = ["samples", "tests", "means", "rows", "ideal", "spokes"];
// Which layers are shown before the viewer picks.
const SHOWN = { samples: 1, tests: 1, means: 1, rows: 1, ideal: 1, spokes: 0 };

/** Opacities now, and where they fade to. Layers of an earlier scene stay as they were. */
export function shownAtFirst(classes = 0, earlier = null) {
  const layers = { ...SHOWN };
  for (const name of earlier ? LAYERS : []) layers[name] = earlier.goal[name];
  const all = Array(classes).fill(1);
  return { ...layers, classes: all, goal: { ...layers, classes: [...all] } };
}

/** The layers shown, for the URL; null where they are those shown at first. */
export function layersToText({ goal }) {
  if (LAYERS.every((name) => goal[name] === SHOWN[name])) return null;
  return LAYERS.filter((name) => goal[name]).join(",") || "none";
}

/** The classes hidden, for the URL; null where none is. */
export function hiddenToText({ goal }) {
  return goal.classes.flatMap((shown, k) => (shown ? [] : [k])).join(",") || null;
}

/** Shows the layers that a text from a URL names; gives null where it is malformed. */
export function shownFromText(show, text) {
  const names = text === "none" ? [] : text.split(",");
  if (!names.every((name) => LAYERS.includes(name))) return null;
  for (const name of LAYERS) show[name] = show.goal[name] = names.includes(name) ? 1 : 0;
  return true;
}

/** Hides the classes that a text from a URL names; gives null where it is malformed. */
export function hiddenFromText(show, text) {
  const hidden = text.split(",").map(whole);
  if (!hidden.every((k) => k >= 0 && k < show.goal.classes.length)) return null;
  show.goal.classes = show.goal.classes.map((_, k) => (hidden.includes(k) ? 0 : 1));
  show.classes = [...show.goal.classes];
  return true;
}

/** Has layers and classes fade to what texts say; null: what is shown at first. */
export function aim(show, layers, hidden) {
  const wanted = shownAtFirst(show.goal.classes.length);
  if (layers !== null) shownFromText(wanted, layers);
  if (hidden !== null) hiddenFromText(wanted, hidden);
  show.goal = wanted.goal;
}

/** Moves opacities on by some seconds towards what they fade to; whether more is to come. */
export function fade(show, seconds, calm) {
  const before = [...LAYERS.map((name) => show[name]), ...show.classes];
  for (const name of LAYERS) show[name] = faded(show[name], show.goal[name], seconds, calm);
  show.classes = show.classes.map((v, k) => faded(v, show.goal.classes[k], seconds, calm));
  return before.some((v, n) => v !== [...LAYERS.map((name) => show[name]), ...show.classes][n]);
}

/** What a value has become some seconds on its way to another. */
export function faded(from, to, seconds, calm) {
  if (calm || Math.abs(to - from) < 0.005) return to;
  return from + (to - from) * (1 - Math.exp(-seconds / FADE_SECONDS));
}
