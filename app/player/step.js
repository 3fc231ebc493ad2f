// Steps of a story: a player goes to what a step shows, from wherever it is, and plays what it plays.

import { real, whole } from "./numbers.js";
import { nearest } from "./passes.js";
import { aim, hiddenToText, layersToText } from "./shown.js";

// The players of the page, for who presents it: see browser/stage.js.
const PLAYERS = Symbol.for("nc-players");
// Seconds for which a film that goes on and on rests at its end.
const REST = 2;

export function enlist(player) {
  (document[PLAYERS] ??= new Set()).add(player);
}

export function dismiss(player) {
  document[PLAYERS].delete(player);
  player.looping = false;
}

/** Glides to the pose, the moment, the layer and all else that a step's address names. */
export function goTo(player, data) {
  const { camera, clock, calm, group, link, show, way } = player;
  const { camera: pose = null, view = "3d", drawn = null, hidden = null, epoch, layer } = data.start;
  group.goBy(player);
  camera.spinning = false;
  camera.setView(view, calm);
  if (pose === null || !camera.fromText(pose, calm)) camera.reset(calm);
  aim(show, drawn, hidden);
  group.shareShown(player);
  const moment = real(epoch ?? "");
  const named = Number.isFinite(moment);
  if (named) group.asked = moment;
  const frame = named ? nearest(data.epoch, moment) : clock.last;
  clock.go(layer ? way.kept(frame) : frame, calm);
  if (way.there) way.clock.go(layer ? whole(layer) - 1 : way.clock.last, calm);
  link.set("view", data.start.view ?? null);
  link.set("epoch", player.momentToText());
  link.set("layer", player.layerToText());
  link.set("drawn", layersToText(show));
  link.set("hidden", hiddenToText(show));
  playStep(player, data, frame);
}

/** What a step plays: the training to that frame, or the way through the layers. */
export function playStep(player, { plays }, frame) {
  const { calm, clock, scene, way } = player;
  if (calm || plays === "nothing") return;
  if (plays === "training") {
    scene.departFrom(scene);
    clock.playTo(frame);
  } else if (way.there) {
    clock.go(way.kept(frame), true);
    way.clock.playTo(way.clock.last);
  }
}

/** Brings what plays to its end; gives whether anything did. One of a group ends it for all. */
export function finish(player) {
  const { clock, group, way } = player;
  const moves = clock.playing || way.clock.playing || player.unseen !== null || player.looping;
  if (group.lead !== player || !moves) return false;
  player.looping = false;
  if (clock.playing || player.unseen !== null) (group.runner ?? player).clock.finish();
  if (way.clock.playing) way.clock.finish();
  player.waitNoMore();
  group.follow();
  player.rememberMoment();
  player.wake();
  return true;
}

/** A film that goes on and on begins again, once it has rested at its end. */
export function hasPlayed(player) {
  player.rememberMoment();
  if (!player.looping) return;
  setTimeout(() => {
    if (!player.looping || !player.root.isConnected || player.clock.playing) return;
    player.scene.departFrom(player.scene);
    player.clock.play();
    player.wake();
  }, 1000 * REST);
}
