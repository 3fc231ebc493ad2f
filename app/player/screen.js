// The whole screen for the player; where a frame around the page refuses that, the whole page.

export class Screen {
  constructor(root) {
    this.root = root;
    this.ending = new AbortController();
    const { signal } = this.ending;
    document.addEventListener("fullscreenchange", () => this.mark(), { signal });
    root.classList.toggle("framed", window.parent !== window);
    if (!document.fullscreenEnabled) {
      const button = root.querySelector('[data-act="fullscreen"]');
      button.title = "The page around this one refuses the whole screen: fills its frame (F)";
      button.setAttribute("aria-label", button.title);
    }
  }

  get whole() {
    // Outside the component, its host stands for all that is within.
    return this.root.getRootNode().fullscreenElement === this.root;
  }

  async toggle() {
    const { root } = this;
    if (this.whole) return void document.exitFullscreen().catch(() => {});
    if (root.classList.contains("filling")) return void this.leave();
    try {
      // Asked where it is refused, a browser complains in its log.
      if (!document.fullscreenEnabled) throw new Error("refused");
      await root.requestFullscreen();
    } catch {
      root.classList.add("filling");
    }
    this.mark();
  }

  /** Leaves the page's window; the whole screen is left by the browser itself. */
  leave() {
    this.root.classList.remove("filling");
    this.mark();
  }

  mark() {
    const large = this.whole || this.root.classList.contains("filling");
    this.root.classList.toggle("large", large);
  }

  close() {
    this.ending.abort();
  }
}
