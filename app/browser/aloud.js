// What came of a training, and what a story says of a step, is said politely to who listens.

const BUSY = '.st-key-status [role="progressbar"]';
const OUTCOME = '.st-key-outcome [data-testid="stMarkdown"]';
const CAPTION = ".story-caption p";
const HEADING = '[data-testid="stMain"] h2';
// As what is beside a chart in words: said, and not shown.
const UNSEEN = "told";

// The heading of the run that was seen in training.
let trained = null;
let region = null;
// What the story said last.
let caption = "";

/** A place that is there before anything is said in it: else it may not be heard. */
export function listen() {
  region = document.createElement("div");
  region.setAttribute("role", "status");
  region.className = UNSEEN;
  region.dataset.testid = "nc-aloud";
  document.body.append(region);
}

/** Says the outcome once, of a run that was seen in training. */
export function sayOutcome() {
  const run = document.querySelector(HEADING)?.textContent;
  if (document.querySelector(BUSY)) {
    trained = run;
    region.textContent = "";
  }
  const outcome = document.querySelector(OUTCOME);
  if (trained === null || !outcome) return;
  if (run === trained) region.textContent = outcome.textContent.trim();
  trained = null;
}

/** Says the caption of a step once it is come to. */
export function sayCaption() {
  const now = document.querySelector(CAPTION)?.innerText ?? "";
  if (now !== caption && now) region.textContent = now;
  caption = now;
}
