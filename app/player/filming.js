// The form by which a film is made and saved, while the page goes on.

import { canEncode, develop, FilmError, noEncoder } from "./encoder.js";
import { write } from "./moment.js";
import { Reel } from "./reel.js";
import { stirs } from "./stirred.js";

// Milliseconds for which what is saved is kept for the browser to fetch.
const KEPT = 60_000;
const MEGABYTE = 1e6;

export class Filming {
  constructor(player) {
    Object.assign(this, { player, root: player.root, stopping: null });
    this.part = (name) => this.root.querySelector(`[data-testid="nc-film${name}"]`);
    this.form = this.part("-form");
    this.fields = [...this.form.querySelectorAll("select")];
    // Who came by keys goes on in the form; who clicked has the player's keys.
    this.part("").addEventListener("click", ({ detail }) => {
      this.open(this.form.hidden);
      if (detail === 0 && !this.form.hidden) this.fields[0].focus();
    });
    this.part("-make").addEventListener("click", () => this.save());
    this.part("-stop").addEventListener("click", () => this.stop());
    // One of the two at a time.
    this.root.querySelector('[data-act="help"]').addEventListener("click", () => this.open(false));
    this.form.addEventListener("change", () => this.look());
    stirs(this.root);
  }

  open(open) {
    const within = this.form.contains(this.root.getRootNode().activeElement);
    this.form.hidden = !open;
    if (within && !open) this.part("").focus();
    this.part("").setAttribute("aria-expanded", open);
    if (!open) return;
    this.player.panel.help(false);
    this.look();
  }

  /** Closes the form; gives whether it was open. */
  shut() {
    const { hidden } = this.form;
    if (!hidden) this.open(false);
    return !hidden;
  }

  /** What is picked, by name. */
  get options() {
    return Object.fromEntries(this.fields.map(({ name, value }) => [name, value]));
  }

  /** Says what stands against what is picked, of what is shown now. */
  look() {
    if (this.form.hidden) return;
    const why = this.against(this.options);
    write(this.part("-why"), why);
    this.part("-why").hidden = !why;
    this.part("-make").disabled = Boolean(why);
  }

  /** Why there can be no such film; "" where there can. */
  against({ over, format }) {
    const { film, way, run } = this.player;
    if (over === "layers" && !way.there) {
      return film.data.live
        ? "No layers are at hand of what is shown: they are there once training rests."
        : "Of what is shown there are no layers to go over.";
    }
    if (over === "passes" && film.data.frames < 2) return "There is one moment alone: nothing moves.";
    if (format === "webp" || canEncode()) return "";
    return `${noEncoder()} On the command line: ncengine export ${run} --film film.${format}. `
      + "WebP can be made here.";
  }

  /**
   * The film as a Blob: { blob, note }. `options` has over, format, size, rate and seconds, see
   * `Reel`; told(share) is called as it goes on. Raises FilmError, and an AbortError where it is stopped.
   */
  async shoot(options, told = () => {}) {
    const why = this.against(options);
    if (why) throw new FilmError(why);
    this.stopping = new AbortController();
    await fontsOf(this.player);
    const { format, over, size } = options;
    const reel = new Reel(this.player, {
      over, size, rate: Number(options.rate), seconds: Number(options.seconds),
    });
    try {
      return await develop(reel, format, this.stopping.signal, told);
    } finally {
      this.stopping = null;
    }
  }

  async save() {
    const { options } = this;
    this.busy(true);
    try {
      const { blob, note } = await this.shoot(options, (share) => this.tell(share));
      // Of one network there may be a film over passes, and one over layers.
      const over = options.over === "layers" ? "-layers" : "";
      const name = `${nameOf(this.player.film.data.title)}${over}.${options.format}`;
      keep(blob, name);
      this.say(`Saved: ${name}, ${(blob.size / MEGABYTE).toFixed(1)} MB. ${note}`);
    } catch (error) {
      if (error.name === "AbortError") this.say("Stopped: nothing was saved.");
      else if (error instanceof FilmError) this.say(error.message);
      else this.say(`No film was made: ${error.message}`);
    }
    this.busy(false);
  }

  stop() {
    this.stopping?.abort();
  }

  /** Who works with keys goes on where the button was that is no more. */
  busy(busy) {
    const [make, stop] = [this.part("-make"), this.part("-stop")];
    const held = (this.root.getRootNode().activeElement ?? null) === (busy ? make : stop);
    make.hidden = busy;
    stop.hidden = !busy;
    this.part("-doing").hidden = !busy;
    for (const field of this.fields) field.disabled = busy;
    this.root.dataset.filming = busy;
    if (held) (busy ? stop : make).focus();
    if (busy) {
      this.tell(0);
      this.say("");
    }
  }

  tell(share) {
    this.part("-share").value = share;
    write(this.part("-percent"), `${Math.floor(100 * share)} %`);
  }

  say(words) {
    write(this.part("-said"), words);
  }

  close() {
    this.stop();
  }
}

/** A canvas does not wait for a font to arrive. */
function fontsOf({ theme, film: { data: { title, names } } }) {
  const words = [title, ...names].join("");
  const weights = [450, 650, 680];
  return Promise.all(weights.map((weight) => document.fonts.load(`${weight} 20px ${theme.font}`, words)));
}

function nameOf(title) {
  return title.replace(/[^A-Za-z0-9.]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 80) || "film";
}

/** Has the browser save it as any download. */
function keep(blob, name) {
  const link = document.createElement("a");
  Object.assign(link, { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}
