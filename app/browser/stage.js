// On stage: P presents and Escape leaves, what clickers send steps through a story, B blacks the
// screen. Heard before all else on the page, whose own keys these may be.
// Streamlit (1.67) sends the address as the server wrote it last, whatever a page has written into it
// since: so the address itself goes along with what is asked for, and with a press on a control that
// takes it up.

import { focused } from "./keys.js";

const CAMERA = "[data-testid=nc-film]";
const FREE = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, "
  + "[contenteditable], [role=combobox], [role=listbox], [role=menu], [role=dialog], .film button, "
  + CAMERA;
const PRESSED = "button, a, summary, input, select, textarea, label, [role=button], [role=option], "
  + "[data-testid=stVegaLiteChart], .drawn, .film";
const TAKES_UP = ".st-key-stage_controls, .st-key-stage_add, .st-key-stage_share";
const ON = new Set(["PageDown", "ArrowRight", "ArrowDown", " ", "Enter"]);
const BACK = new Set(["PageUp", "ArrowLeft", "ArrowUp"]);
const PAGES = new Set(["PageDown", "PageUp"]);
const BLACK = new Set([".", "b", "B"]);
// Farther than so many pixels, or longer than so many milliseconds, is no click but a drag.
const [FAR, LONG] = [6, 500];
export const PLAYERS = Symbol.for("nc-players");
const SOURCE = "neural-collapse-explorer";

class Stage {
  constructor() {
    Object.assign(this, { data: {}, ask: () => {}, setState: () => {}, count: 0 });
    Object.assign(this, { going: null, curtain: null, down: null });
    const first = { capture: true };
    addEventListener("keydown", (event) => this.press(event), first);
    addEventListener("pointerdown", (event) => { this.down = event; }, first);
    addEventListener("click", (event) => this.click(event), first);
    for (const type of ["pointerdown", "keydown"]) {
      addEventListener(type, (event) => this.tell(event), first);
    }
  }

  /** Tells the address where a control is pressed that takes it up. */
  tell({ key, target }) {
    if (key !== undefined && key !== "Enter" && key !== " ") return;
    if (target.closest?.("button") && target.closest(TAKES_UP)) this.setState("address", location.search);
  }

  /**
   * data: `can` whether the page can be presented, `present`, `alone` whether a part of it is shown
   * within another page, `step` of `steps`, both 0 without a story.
   */
  update(data, setState) {
    if (data.step === this.going || data.steps !== this.data.steps) this.going = null;
    this.data = data;
    this.setState = setState;
    // The count tells two requests for the same apart.
    this.ask = (what) => {
      setState("asked", `${Date.now()}.${++this.count}:${what}${location.search}`);
    };
  }

  get fills() {
    return this.data.present || this.data.alone;
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.curtain) return void this.take(event, () => this.lift());
    const { key } = event;
    // What opens the form has the focus once it is closed, and no use for Escape.
    if (focused()?.closest?.(FREE) && !(key === "Escape" && focused().matches(CAMERA))) return;
    const { can, present, steps } = this.data;
    if (BLACK.has(key) && present) this.take(event, () => this.fall());
    else if (key.toLowerCase() === "p" && can && !event.shiftKey) {
      this.take(event, () => this.ask(present ? "leave" : "present"));
    } else if (key === "Escape" && present) this.take(event, () => this.shut() || this.leave());
    else if (key.toLowerCase() === "f" && present) this.take(event, fullscreen);
    else this.pressToStep(event, steps > 0 && this.fills);
  }

  /** A clicker's keys are the story's wherever it is told; all others where it fills the window. */
  pressToStep(event, all) {
    const { key, shiftKey } = event;
    if (shiftKey || !(this.data.steps || this.data.alone)) return;
    if (!all && !PAGES.has(key)) return;
    if (key === " " && !this.fills) return;
    if (ON.has(key)) this.take(event, () => this.step(1));
    else if (BACK.has(key)) this.take(event, () => this.step(-1));
  }

  click(event) {
    const { down } = this;
    this.down = null;
    if (this.curtain) return void this.take(event, () => this.lift());
    if (!this.fills || !this.data.steps || !down || event.detail > 1) return;
    const away = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY);
    if (away > FAR || event.timeStamp - down.timeStamp > LONG) return;
    const within = event.composedPath().some((node) => node.matches?.(PRESSED));
    if (!within) this.step(1);
  }

  take(event, act) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat || ON.has(event.key) || BACK.has(event.key)) act();
  }

  /** Forward it first brings to its end what moves. */
  step(by) {
    const { step, steps } = this.data;
    if (by > 0 && this.finish()) return;
    const next = (this.going ?? step) + by;
    if (next >= 1 && next <= steps) {
      this.going = next;
      this.ask(next);
    } else this.handOver(by);
  }

  /** Whether anything was in motion. */
  finish() {
    return [...(document[PLAYERS] ?? [])].filter((player) => player.finish()).length > 0;
  }

  /** Closes what a player has open; gives whether anything was. */
  shut() {
    return [...(document[PLAYERS] ?? [])].filter((player) => player.filming.shut()).length > 0;
  }

  /** Beyond the first and the last step the key belongs to the page around this one. */
  handOver(by) {
    if (window.parent === window) return;
    window.parent.postMessage({ source: SOURCE, key: by > 0 ? "PageDown" : "PageUp" }, "*");
  }

  leave() {
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    this.ask("leave");
  }

  fall() {
    this.curtain = document.createElement("div");
    Object.assign(this.curtain.style, {
      position: "fixed", inset: 0, zIndex: 2147483647, background: "#000", cursor: "none",
    });
    this.curtain.dataset.testid = "nc-curtain";
    document.body.append(this.curtain);
  }

  lift() {
    this.curtain.remove();
    this.curtain = null;
  }
}

function fullscreen() {
  if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
  else if (document.fullscreenEnabled) void document.documentElement.requestFullscreen().catch(() => {});
}

export function listenOnStage() {
  return new Stage();
}
