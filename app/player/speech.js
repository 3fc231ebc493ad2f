// What is shown, in words: for who listens to the player and does not see it.

import { write } from "./moment.js";
import { angleName, count } from "./numbers.js";

// Milliseconds for which a moment is looked at before it is told: who holds a key goes on.
const SETTLED = 500;

export class Speech {
  constructor(root) {
    this.told = root.querySelector('[data-testid="nc-told"]');
    this.said = root.querySelector('[data-testid="nc-said"]');
    this.run = null;
    // What stands beside the player may have been drawn after it.
    root.addEventListener("focusin", () => { if (this.player) this.describe(seenOf(this.player)); });
  }

  /** Something moves: nothing is told before it has come to rest. */
  wait() {
    clearTimeout(this.pending);
  }

  /** All of the player rests; once it has for a moment, that is told. */
  rest(player) {
    clearTimeout(this.pending);
    this.player = player;
    this.pending = setTimeout(() => this.tell(seenOf(player)), SETTLED);
  }

  /** Another moment of the same run is said aloud. */
  tell(seen) {
    this.describe(seen);
    const { run, live } = seen.film;
    const place = [seen.frame, seen.layer].join();
    // While a run is live, its newest snapshot is another one all the time.
    if (run === this.run && !live && place !== this.place) write(this.said, momentInWords(seen));
    Object.assign(this, { run, place });
  }

  describe(seen) {
    const words = [runInWords(seen.film), momentInWords(seen), outcomeInWords(seen.film)];
    write(this.told, words.filter(Boolean).join(" "));
  }

  close() {
    clearTimeout(this.pending);
  }
}

/** What a player rests at. The figures beside it are of the last layer. */
function seenOf({ film, scene, way, clock, moment }) {
  const layer = way.on ? way.clock.frame + 1 : null;
  const frame = way.on ? way.clock.frame : clock.frame;
  const nc1 = way.on ? "" : moment.reading("NC1");
  return { film: film.data, shown: scene.data, frame, layer, nc1 };
}

/** The run, its samples and its classes: "5-RN1 …: 40 samples shown, of 4 classes: 0, 1, 2, 3." */
function runInWords({ title, samples, trained, names }) {
  const tests = samples - trained;
  const of = tests
    ? `${count.format(trained)} training and ${count.format(tests)} test` : count.format(samples);
  return `${title}: ${of} samples shown, of ${names.length} classes: ${names.join(", ")}.`;
}

/** "Pass 10, layer 2: NC1 0.05, worst angle error 3.2°."; a film may be over another unit. */
function momentInWords({ film, shown, frame, layer, nc1 }) {
  const epoch = layer === null ? film.epoch[frame] : shown.moment;
  const angle = film.classes < 3 ? null : shown.angle_error[frame];
  const unit = film.unit[0].toUpperCase() + film.unit.slice(1);
  const where = `${unit} ${count.format(epoch)}${layer === null ? "" : `, layer ${layer}`}`;
  const worst = angle !== null && `${angleName(film)} ${angle.toFixed(1)}°`;
  const figures = [nc1 && `NC1 ${nc1}`, worst].filter(Boolean);
  return `${figures.length ? `${where}: ${figures.join(", ")}` : where}.`;
}

function outcomeInWords({ outcome }) {
  return outcome && `At its end: ${outcome}`;
}
