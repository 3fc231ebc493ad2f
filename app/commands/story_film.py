"""`ncengine export --story --film`: a story as a film, each step as it is presented.

What plays is taken picture by picture, at exact times: a browser shows the story's one HTML file,
and another page of it encodes what is seen there.
"""

from __future__ import annotations

import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.chromium import browser, patient
from app.commands.film import bar, form_of, whole
from app.commands.quiet import quieten
from app.commands.told import story_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

# Seconds for which a step stands still when it has played.
STILL = 3.0
# Of the window in which a story is shown: letters are sized by it.
WIDTH, HEIGHT = 1280, 720
HEIGHTS = {"720p": 720, "1080p": 1080, "4k": 2160}
_SCRIPTS = Path(__file__).resolve().parents[1] / "player"
# Served by nobody: the page is answered here. An encoder wants an address of this machine.
_SITE = "http://127.0.0.1:9/"

# What the step that is shown plays: `window.plays` has whose clock, and where that comes to. Gives
# for how many seconds; see `player/clock.js` and `player/step.js`.
_BEGIN = """() => {
  const players = [...document[Symbol.for("nc-players")] ?? []];
  const player = players.find((one) => one.root.isConnected && one.group.lead === one);
  const plays = player?.film.data.plays ?? "nothing";
  window.plays = null;
  if (plays === "nothing" || (plays === "layers" && !player.way.there)) return 0;
  const { way } = player;
  if (plays === "layers") player.clock.go(way.kept(player.clock.goal), true);
  const clock = plays === "layers" ? way.clock : player.clock;
  window.plays = { player, clock, end: clock.goal };
  return clock.last ? (Math.min(6, clock.last / 4) * clock.goal) / clock.last : 0;
}"""
# Shows the moment at a share of it, and waits until it is drawn.
_SHOW = """async (share) => {
  if (window.plays) {
    const { player, clock, end } = window.plays;
    player.group.goBy(player);
    clock.go(share * end, true);
    player.group.follow();
    player.wake();
  }
  const drawn = () => new Promise((go) => requestAnimationFrame(go));
  for (let n = 0; n < 3; n++) await drawn();
}"""
# Encodes what `window.feed` is given: a picture, and how often it is shown.
_ENCODE = """async ({ width, height, rate, frames, format }) => {
  const { develop } = await import("SITEencoder.js");
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const ctx = canvas.getContext("2d");
  const film = window.film = { ended: false, wrong: "", note: "" };
  const waiting = [];
  let hungry = () => {};
  window.feed = (picture, times) => new Promise((taken) => {
    waiting.push({ picture, times, taken });
    hungry();
  });
  const draw = async () => {
    if (!waiting.length && !film.ended) await new Promise((come) => { hungry = come; });
    const [next] = waiting;
    const another = next.picture !== null;
    if (another) {
      const bytes = Uint8Array.from(atob(next.picture), (letter) => letter.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
      ctx.drawImage(image, 0, 0, width, height);
      next.picture = null;
    }
    if (--next.times === 0) waiting.shift().taken();
    return another;
  };
  const signal = new AbortController().signal;
  const end = (how) => {
    Object.assign(film, how, { ended: true });
    for (const { taken } of waiting) taken();
  };
  develop({ rate, frames, canvas, draw }, format, signal, () => {}).then(({ blob, note }) => {
    const link = document.createElement("a");
    Object.assign(link, { href: URL.createObjectURL(blob), download: "film" });
    link.click();
    end({ note });
  }).catch((error) => end({ wrong: error.message }));
}""".replace("SITE", _SITE)
_FEED = """async ([picture, times]) => {
  if (!window.film.ended) await window.feed(picture, times);
}"""


def save(name: str, path: str, asked: Mapping[str, Any]) -> Path:
    """Make the film and write the file; gives its path.

    Args:
        name: a story that is shipped, or the file of one (`.json`).
        path: must end in `.mp4`, `.webm` or `.webp`.
        asked: `size`, `rate` and `theme`, see `ncengine/cli/film.py`.

    Raises:
        ValueError: no such story, another ending, no browser, or it cannot make such a film.
        OSError: a file cannot be read or written.
    """
    file, form = Path(path), form_of(path)
    quieten()
    from app.export import page

    story = story_of(name)
    with patient() as look, whole(file) as unfinished, tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "story.html"
        document.write_text(page.of_story(story), encoding="utf-8")
        look()
        try:
            with browser() as opened:
                wanted = {**asked, "format": form}
                _film(opened, len(story.steps), document, unfinished, wanted, look)
        except ValueError as error:
            raise ValueError(f"--film {path}: {error}") from error
    return file


def _film(
    opened: Browser,
    steps: int,
    document: Path,
    file: Path,
    asked: Mapping[str, Any],
    look: Callable[[], None],
) -> None:
    shown, size = _window(opened, asked)
    rate = int(asked["rate"])
    lengths = [round(rate * (seconds + STILL)) for seconds in _walk(shown, document, steps)]
    encodes = opened.new_page()
    encodes.route(f"{_SITE}**", _answer)
    encodes.goto(_SITE)
    told = {**size, "rate": rate, "frames": sum(lengths), "format": asked["format"]}
    with encodes.expect_download(timeout=0) as download, bar() as tell:
        encodes.evaluate(_ENCODE, told)
        done = 0
        for picture, times in _pictures(shown, document, lengths, rate):
            look()
            encodes.evaluate(_FEED, [b64encode(picture).decode(), times])
            done += times
            tell(done / sum(lengths))
        encodes.wait_for_function("() => window.film.ended", timeout=0)
        film = encodes.evaluate("() => window.film")
        if film["wrong"]:
            raise ValueError(film["wrong"])
    download.value.save_as(file)
    if film["note"]:
        print(film["note"], file=sys.stderr)


def _window(opened: Browser, asked: Mapping[str, Any]) -> tuple[Page, dict[str, int]]:
    """A page to show the story in, and the size of its pictures."""
    scale = HEIGHTS[asked["size"]] / HEIGHT
    context = opened.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=scale,
        color_scheme=asked["theme"],
        # What plays is moved from here.
        reduced_motion="reduce",
    )
    return context.new_page(), {"width": round(WIDTH * scale), "height": round(HEIGHT * scale)}


def _walk(page: Page, document: Path, steps: int) -> Iterator[float]:
    """Goes through the story; for how many seconds each step plays."""
    page.goto(document.as_uri())
    for n in range(1, steps + 1):
        page.wait_for_selector(f'.story-bar[aria-label="Step {n} of {steps}"]', state="attached")
        yield page.evaluate(_BEGIN)
        page.keyboard.press("PageDown")


def _pictures(
    page: Page, document: Path, lengths: list[int], rate: int
) -> Iterator[tuple[bytes, int]]:
    """Each picture of the story as JPEG, and how often it is shown."""
    still = round(rate * STILL)
    for seconds, length in zip(_walk(page, document, len(lengths)), lengths, strict=True):
        moving = length - still if seconds else 0
        for n in range(moving + 1):
            page.evaluate(_SHOW, n / moving if moving else 1)
            shown = page.screenshot(type="jpeg", quality=95)
            yield shown, 1 if n < moving else length - moving


def _answer(route: Route) -> None:
    """A page of nothing but the player's own scripts."""
    path = _SCRIPTS / route.request.url.removeprefix(_SITE)
    if path.suffix == ".js":
        route.fulfill(content_type="text/javascript", body=path.read_text(encoding="utf-8"))
    else:
        route.fulfill(content_type="text/html", body="<!doctype html><title>Film</title>")
