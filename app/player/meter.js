// What frames cost: told on the player's own element, for whoever measures it.

const METER_SECONDS = 1;

export class Meter {
  /** `told` takes frameMs, the mean cost of a frame in ms, and fps, frames a second, as texts. */
  constructor(told) {
    this.told = told;
    this.rest();
  }

  /** A frame at `now` ms took `cost` ms; told once a second while frames come. */
  add(now, cost) {
    this.since ||= now;
    this.cost += cost;
    this.frames++;
    const seconds = (now - this.since) / 1000;
    if (seconds < METER_SECONDS) return;
    this.told.frameMs = (this.cost / this.frames).toFixed(2);
    this.told.fps = (this.frames / seconds).toFixed(1);
    Object.assign(this, { cost: 0, frames: 0, since: now });
  }

  /** Nothing moves any more: what comes next is another second. */
  rest() {
    Object.assign(this, { cost: 0, frames: 0, since: 0 });
  }
}
