// A file on its own: has its players drawn, and steps through its story.

const MESSAGE = (name) => document.getElementById(name).textContent;
// Where there is something to draw.
const PLACE = ".place[data-message]";
const DARK = matchMedia("(prefers-color-scheme: dark)");

function bytesOf(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

/** The message with some of what its header says changed; see `player/wire.py` for its layout. */
function retold(bytes, changes) {
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const text = new TextEncoder().encode(JSON.stringify({ ...header, ...changes }));
  const padded = 4 * Math.ceil(text.length / 4);
  const arrays = bytes.subarray(4 + length);
  const whole = new Uint8Array(4 + padded + arrays.length).fill(32, 4);
  new DataView(whole.buffer).setUint32(0, padded, true);
  whole.set(text, 4);
  whole.set(arrays, 4 + padded);
  return whole;
}

/** A place for a player, which may move from one step to the next with all that it remembers. */
class Host {
  constructor(drawPlayer) {
    this.drawPlayer = drawPlayer;
    this.node = document.createElement("div");
    this.node.className = "host";
    const within = this.node.attachShadow({ mode: "open" });
    within.append(document.getElementById("parts").content.cloneNode(true));
  }

  /** A `place` names its message, and what the header says there. */
  draw(place) {
    // A node that is where it belongs keeps the focus.
    if (this.node.parentNode !== place) place.append(this.node);
    const told = JSON.parse(place.dataset.told);
    // No address finds a file, and colours are taken anew with each message.
    const changes = { ...told, asking: null, query: {}, shade: DARK.matches };
    this.leave = this.drawPlayer({
      data: retold(bytesOf(MESSAGE(place.dataset.message)), changes),
      parentElement: this.node.shadowRoot,
      setStateValue: () => {},
    });
  }

  close() {
    this.node.remove();
    this.leave();
  }
}

class Page {
  constructor({ drawPlayer, listenOnStage }) {
    Object.assign(this, { drawPlayer, hosts: [], page: "" });
    this.main = document.querySelector("main");
    this.steps = [...document.querySelectorAll("template.step")];
    DARK.addEventListener("change", () => this.drawPlayers());
    if (!this.steps.length) return void this.drawPlayers();
    this.stage = listenOnStage();
    document.addEventListener("click", (event) => {
      const { by } = event.target.closest?.("button")?.dataset ?? {};
      if (by) this.stage.step(Number(by));
    });
    this.show(1);
  }

  show(step) {
    const { steps, stage, main } = this;
    const template = steps[step - 1];
    if (!template) return;
    const { page } = template.dataset;
    // On another page the players are others, as in the app.
    if (page !== this.page) for (const host of this.hosts.splice(0)) host.close();
    this.page = page;
    const shown = template.content.cloneNode(true);
    const places = [...shown.querySelectorAll(PLACE)];
    // Before the step's: a player that is taken out of the page for a moment goes to sleep.
    const before = [...main.children];
    main.append(shown);
    this.drawPlayers(places);
    for (const one of before) one.remove();
    const title = main.querySelector(".presented-title");
    const caption = main.querySelector(".story-caption");
    caption.style.setProperty("--width", caption.dataset.width);
    title?.style.setProperty("--count", title.textContent.length);
    main.querySelector(".story-bar i").style.width = `${(100 * step) / steps.length}%`;
    document.getElementById("said").textContent = main.querySelector(".story-caption p").innerText;
    const alike = { can: false, present: true, alone: false, steps: steps.length };
    stage.update({ ...alike, step }, (_, asked) => this.show(Number.parseInt(asked.split(":")[1], 10)));
  }

  drawPlayers(places = [...this.main.querySelectorAll(PLACE)]) {
    places.forEach((place, n) => {
      this.hosts[n] ??= new Host(this.drawPlayer);
      this.hosts[n].draw(place);
    });
  }
}

export default function ({ drawPlayer, listenOnStage }) {
  return new Page({ drawPlayer, listenOnStage });
}
