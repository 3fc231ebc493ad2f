// How often Back and Forward were pressed: what the server is to know, and cannot see by itself.

/** Calls `tell(count)` at each that stays on the page, whose path is `path()`. */
export function countTravels(path, tell) {
  let count = 0;
  addEventListener("popstate", () => {
    count += 1;
    // Streamlit asks for the other page by itself; a second request would name the one that is left.
    if (location.pathname === path()) tell(count);
  });
}
