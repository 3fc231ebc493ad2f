// Where in training we are. `at` is a fractional frame, `goal` the frame it glides to.

const FULL_SECONDS = 6;
const SECONDS_PER_FRAME = 0.25;
const GLIDE_SECONDS = 0.09;

export class Clock {
  constructor() {
    this.at = 0;
    this.goal = 0;
    this.last = 0;
    this.speed = 1;
    this.playing = false;
    this.following = true;
    // Where playing ends, if not at the last frame.
    this.until = null;
  }

  get frame() {
    return Math.round(this.at);
  }

  /** A new last frame: who follows the end goes along, who looked back stays. */
  extend(last) {
    this.last = last;
    if (this.following && !this.playing) this.goal = last;
    this.goal = Math.min(this.goal, last);
    this.at = Math.min(this.at, last);
  }

  rewind() {
    Object.assign(this, { at: 0, goal: 0, playing: false, following: true });
  }

  /** Where it was in another film, playing or not: who followed the end is at the end. */
  stay(at) {
    const end = this.following && !this.playing;
    this.goal = end ? this.last : at;
    this.at = this.goal;
    if (!this.playing && !end) this.goal = this.at = Math.round(at);
  }

  play() {
    if (this.goal >= this.last) this.at = this.goal = 0;
    this.playing = this.last > 0;
    this.following = true;
    this.until = null;
  }

  /** From the first frame to some other. */
  playTo(frame) {
    this.at = this.goal = 0;
    this.play();
    this.until = frame;
    this.following = frame >= this.last;
  }

  /** Where what is played comes to, at once. */
  finish() {
    this.go(this.until ?? this.last, true);
  }

  pause() {
    this.playing = false;
    this.goal = Math.round(this.at);
    this.following = this.goal >= this.last;
  }

  go(frame, atOnce) {
    this.playing = false;
    this.goal = Math.min(this.last, Math.max(0, frame));
    this.following = this.goal >= this.last;
    if (atOnce) this.at = this.goal;
  }

  /** Moves on by some seconds; whether more is to come. */
  advance(seconds, calm) {
    if (this.playing) {
      const whole = Math.min(FULL_SECONDS, this.last * SECONDS_PER_FRAME) || 1;
      const end = this.until ?? this.last;
      this.goal = Math.min(end, this.goal + (seconds * this.speed * this.last) / whole);
      this.at = this.goal;
      this.playing = this.goal < end;
      return true;
    }
    const way = this.goal - this.at;
    if (way === 0) return false;
    const close = calm || Math.abs(way) < 0.004;
    this.at = close ? this.goal : this.at + way * (1 - Math.exp(-seconds / GLIDE_SECONDS));
    return true;
  }
}
