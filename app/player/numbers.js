// Numbers, as texts hold them.

/** Writes whole numbers for a reader. */
export const count = new Intl.NumberFormat("en");

/** What the worst angle is off from: what is proved to be best, or the best that is known. */
export function angleName({ ideal_proved }) {
  return ideal_proved ? "worst angle error" : "worst angle off best known";
}

const REAL = /^ *[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)? *$/i;
const WHOLE = /^ *[+-]?\d+ *$/;
const LONGEST_NUMBER = 100;

/** Numbers as an address may hold them, as in `ncengine/config/numbers.py`; NaN for all else. */
export function real(text) {
  return text.length <= LONGEST_NUMBER && REAL.test(text) ? Number(text) : NaN;
}

export function whole(text) {
  return text.length <= LONGEST_NUMBER && WHOLE.test(text) ? Number(text) : NaN;
}
