// How often Back and Forward were pressed: what the server is to know, and cannot see by itself.

/** Calls `tell(count)` at each. */
function countTravels(tell) {
  let count = 0;
  addEventListener("popstate", () => tell(++count));
}
