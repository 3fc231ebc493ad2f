// Before an audience a tool is there while the pointer moves over the player, and not while it rests.

// Milliseconds after which it rests.
const STIRRED = 2500;

export function stirs(root) {
  let rests;
  root.addEventListener("pointermove", () => {
    root.classList.add("stirred");
    clearTimeout(rests);
    rests = setTimeout(() => root.classList.remove("stirred"), STIRRED);
  });
}
