// What Streamlit and Vega draw, for who listens: the role of charts and the levels of headings.

const CHART = '[data-testid="stVegaLiteChart"][role="graphics-document"]';
const SMALL_HEADING = '[data-testid="stMain"] h5:not([aria-level])';

/** Of a chart all is hidden but its name: so it is an image. */
function nameCharts() {
  for (const chart of document.querySelectorAll(CHART)) {
    chart.setAttribute("role", "img");
    chart.removeAttribute("aria-roledescription");
  }
}

/** Headings are as large as they are for the eye; below the page's own they are the next ones. */
function levelHeadings() {
  for (const heading of document.querySelectorAll(SMALL_HEADING)) {
    heading.setAttribute("aria-level", "3");
  }
}

export function giveNames() {
  nameCharts();
  levelHeadings();
}
