// Who listens hears of a page what others see: looked after whenever something is drawn.

import { listen, sayCaption, sayOutcome } from "./aloud.js";
import { giveNames } from "./names.js";

export function lookAfterWhoListens() {
  let pending = false;
  const look = () => {
    pending = false;
    giveNames();
    sayOutcome();
    sayCaption();
  };
  listen();
  new MutationObserver(() => {
    if (!pending) requestAnimationFrame(look);
    pending = true;
  }).observe(document.body, { subtree: true, childList: true });
  look();
}
