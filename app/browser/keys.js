// A control that was clicked gives the keys back to the page: a speaker picks by pointer, and goes on
// with Space and arrows, which would press or move that control. Who came to it by keys stays there.

const WRITING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, "
  + "[contenteditable]";
// What takes the keys for as long as it is open.
const OPEN = "[role=dialog], [role=menu], [role=listbox], select, "
  + "[aria-expanded=true]:not(summary, [data-testid=stPopoverButton])";
const OPTION = "[role=option]";
const STEPPER = "[data-testid=stNumberInput] button";
const PLAYER = "[data-testid=nc-player]";
const RADIO = "[role=radio]";
// Milliseconds for which a control may still act on a click, and between two looks.
const [PATIENCE, PAUSE] = [600, 50];

let byPointer = false;
// A control that is held may need the focus for what is done with it.
let held = false;
// What was clicked last.
let clicked = null;
// What is yet to be done for who has come into a group by keys.
let entering = null;
// Whether the page has a player now.
let wanted = () => false;

/** What has the focus, be it within a component. */
export function focused() {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  return node;
}

/** Whether it still needs the keys after `pressed` was clicked. */
function keeps(node, pressed) {
  if (node.closest(PLAYER)) return node.matches(`select, ${PLAYER}`);
  if (node.matches(WRITING)) {
    const picked = pressed?.closest?.(OPTION) || pressed?.closest?.(STEPPER);
    return !picked || node.matches("[aria-expanded=true]");
  }
  return Boolean(node.closest(OPEN));
}

/** Lets go of what has the focus since `pressed` was clicked, where there is a player. */
function letGo(pressed) {
  const node = focused();
  if (held || !byPointer || !wanted() || !node || node === document.body) return;
  if (!keeps(node, pressed)) node.blur();
}

/**
 * What was clicked has yet to take the focus, to close its list, or to open what takes the keys: for
 * a moment it is looked at again and again, until someone presses a key.
 */
function release(event) {
  held = false;
  const [pressed] = event.composedPath();
  clicked = pressed;
  const until = performance.now() + PATIENCE;
  const look = () => {
    letGo(pressed);
    if (byPointer && performance.now() < until) setTimeout(look, PAUSE);
  };
  setTimeout(look);
}

/**
 * By keys into a group of which one is chosen: to that one, and not to the first or last. What a
 * click made take the focus late, as a list that has closed, lets go of it too.
 */
function enter(event) {
  if (byPointer) setTimeout(() => letGo(event.target));
  const group = event.target.closest?.("[role=radiogroup]");
  if (byPointer || !group || group.contains(event.relatedTarget)) return;
  const goToChosen = () => {
    // Who has pressed another key since is not to be brought back.
    if (entering !== goToChosen) return;
    entering = null;
    const chosen = group.querySelector(`${RADIO}[aria-checked=true]`);
    if (chosen && group.contains(document.activeElement)) chosen.focus();
  };
  entering = goToChosen;
  // After the group's own idea of where to go.
  setTimeout(goToChosen);
}

/**
 * Who clicked and closes with Escape what that opened, goes on with the keys of the page. A key that
 * comes before the focus is where it is to be finds it there.
 */
function type(event) {
  entering?.();
  if (event.key === "Escape") release(event);
  else byPointer = false;
}

const HANDLERS = {
  pointerdown: () => { byPointer = held = true; },
  pointercancel: release,
  keydown: type,
  pointerup: release,
  click: release,
  focusin: enter,
};

/**
 * `player()` tells whether the page has one now. Gives what is to be called on coming to another
 * page: the link that was clicked to come there may have the focus still.
 */
export function giveKeysBack(player) {
  wanted = player;
  for (const [name, handle] of Object.entries(HANDLERS)) {
    document.addEventListener(name, handle, true);
  }
  // On a slow machine something was clicked before this listened.
  byPointer = !focused()?.matches(":focus-visible");
  return () => letGo(clicked);
}
