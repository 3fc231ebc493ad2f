// Once a document: Streamlit calls anew at each change, and loads the module again at times.

import { keepGradients } from "./gradients.js";
import { giveKeysBack } from "./keys.js";
import { listenOnStage } from "./stage.js";
import { countTravels } from "./travels.js";
import { lookAfterWhoListens } from "./watch.js";

const PAGE = Symbol.for("nc-page");

export default ({ data, setStateValue }) => {
  const known = document[PAGE];
  const page = (document[PAGE] ??= {});
  page.player = data.player;
  page.setState = setStateValue;
  // `data` names the page for Streamlit to call at each: of the same data it would not.
  page.path = location.pathname;
  if (!known) {
    page.arrive = giveKeysBack(() => page.player);
    page.stage = listenOnStage();
    keepGradients();
    lookAfterWhoListens();
    countTravels(() => page.path, (count) => page.setState("travels", count));
  }
  page.stage.update(data.stage, setStateValue);
  page.arrive();
};
