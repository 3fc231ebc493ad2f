// Vega names a colour bar's gradient by the whole address of the page, which changes as the player
// writes into it: the bar is blank at the next change of style. Within the page it needs no address.

const GRADIENTS = '[data-testid="stVegaLiteChart"] .role-legend-gradient path';
const WHOLE = /url\("?[^")]*(#[^")]+)"?\)/;

function mend(path) {
  const fill = path.style.fill || path.getAttribute("fill") || "";
  const mended = fill.replace(WHOLE, 'url("$1")');
  if (mended === fill) return;
  if (path.style.fill) path.style.fill = mended;
  else path.setAttribute("fill", mended);
}

export function keepGradients() {
  const watcher = new MutationObserver((changes) => {
    for (const { type, target } of changes) {
      if (type === "childList") target.querySelectorAll(GRADIENTS).forEach(mend);
      else if (target.matches(GRADIENTS)) mend(target);
    }
  });
  const what = { subtree: true, childList: true, attributeFilter: ["style", "fill"] };
  watcher.observe(document.body, what);
  document.querySelectorAll(GRADIENTS).forEach(mend);
}
