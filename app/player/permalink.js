// Writes what the viewer chose into the page's URL; the server has no part in it.

const WRITE_DELAY = 300;

export class Permalink {
  /**
   * `moved(epoch)` is called when another pass came into the URL; null: none, the newest. `writes()`
   * tells whether the URL is this one's to write.
   */
  constructor(moved, writes = () => true) {
    Object.assign(this, { moved, writes });
    // What an address has to say for what is seen to be found by it, and the parameters of which
    // any is for something to be found: null where none finds anything, as in a file.
    this.query = {};
    this.asking = [];
    this.epoch = this.read("epoch");
    this.values = new Map();
    this.path = location.pathname;
    this.timer = null;
    this.restore = () => this.writeSoon();
    // Streamlit may replace the whole query when the script sets a parameter: put ours back.
    globalThis.navigation?.addEventListener("currententrychange", this.restore);
  }

  read(name) {
    return this.asking && new URLSearchParams(location.search).get(name);
  }

  /** null removes the parameter. */
  set(name, value) {
    if (this.values.get(name) === value) return;
    this.values.set(name, value);
    // Who moves on and on is left in peace until the rest.
    clearTimeout(this.timer);
    this.timer = null;
    this.writeSoon();
  }

  writeSoon() {
    this.timer ??= setTimeout(() => this.write(), WRITE_DELAY);
  }

  write() {
    this.timer = null;
    if (!this.asking || location.pathname !== this.path || !this.writes()) return;
    const url = new URL(location.href);
    for (const [name, value] of this.values) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    // A bare address is left alone; one that asks for anything is to be found whole.
    const names = Object.keys(this.query);
    const has = (name) => url.searchParams.has(name);
    if (this.asking.some(has) && !names.some(has)) {
      for (const name of names) url.searchParams.set(name, this.query[name]);
    }
    if (url.href !== location.href) history.replaceState(history.state, "", url);
    const epoch = url.searchParams.get("epoch");
    if (epoch !== this.epoch) this.moved(epoch);
    this.epoch = epoch;
  }

  close() {
    clearTimeout(this.timer);
    globalThis.navigation?.removeEventListener("currententrychange", this.restore);
  }
}
