// The keys of the player, wherever on the page the focus is.

const KEYS = {
  " ": "play", k: "play", ArrowLeft: "back", ArrowRight: "forward", Home: "start", End: "end",
  f: "fullscreen", 2: "2d", 3: "3d",
};

// What the same keys do to the layers, with the shift key.
const OF_BOTH = ["play", "back", "forward", "start", "end"];

// Controls that take letters, those that Space presses, and those that arrows and Home move in.
const WRITING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, "
  + "[contenteditable], [role=combobox], [role=listbox], [role=menu], [role=dialog]";
const PRESSED = "button, a, summary, input:not([type=range]), [role=button], [role=switch], "
  + "[role=checkbox], [role=radio], [role=tab], [role=option]";
const STEERED = "[type=radio], [type=range], [role=slider], [role=radiogroup], [role=toolbar], "
  + "[role=tablist]";

export class Keyboard {
  /**
   * `layers` is the slider of layers, `frames` that of snapshots; `on` has act(name), escape(), and
   * hears(): whether the keys are this one's, where there are several players.
   */
  constructor({ frames, layers }, on) {
    Object.assign(this, { frames, layers, on, ending: new AbortController() });
    document.addEventListener("keydown", (event) => this.press(event), this.ending);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") this.on.escape();
    if (!this.on.hears()) return;
    const target = event.composedPath()[0];
    const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const own = target === this.frames || target === this.layers;
    if (!name || (!own && uses(target, event.key))) return;
    const layers = event.shiftKey || (target === this.layers && name !== "play");
    event.preventDefault();
    event.stopPropagation();
    this.on.act(layers && OF_BOTH.includes(name) ? `way-${name}` : name);
  }

  close() {
    this.ending.abort();
  }
}

/** Whether the control that has the focus does something of its own with a key. */
function uses(target, key) {
  if (!target.closest) return false;
  if (target.closest(WRITING)) return true;
  if (key === " ") return Boolean(target.closest(PRESSED));
  return key.length > 1 && Boolean(target.closest(STEERED));
}
