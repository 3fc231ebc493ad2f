"""Before an audience: presenting, stories by the keys of a clicker, parts within other pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from app.stage import stories
from ncengine.config.gallery import first
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import (
    expect_query,
    expect_rest,
    expect_whole,
    field,
    player,
    query_of,
)

SHOWN = first().query()
SIZES = [(1920, 1080), (1280, 720)]

# Each text that is seen: what it says, its pixels, its contrast with what lies behind it, and
# whether it lies within the window.
TEXTS = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    ctx.clearRect(0, 0, 1, 1);
    ctx.fillStyle = color;
    ctx.fillRect(0, 0, 1, 1);
    return [...ctx.getImageData(0, 0, 1, 1).data].map((v) => v / 255);
  };
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const over = (top, below) => [0, 1, 2].map((c) => top[c] * top[3] + below[c] * (1 - top[3]));
  const parent = (n) => n.parentElement ?? n.getRootNode().host ?? null;
  const ground = (n) => {
    const layers = [];
    for (let at = n; at; at = parent(at)) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [1, 1, 1]);
  };
  const opacity = (n) => {
    let product = 1;
    for (let at = n; at; at = parent(at)) product *= Number(getComputedStyle(at).opacity);
    return product;
  };
  const found = [];
  const visit = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
      if (node.shadowRoot) visit(node.shadowRoot);
      if (node.nodeType !== 3 || !node.data.trim()) continue;
      const at = node.parentElement;
      if (!at || ["STYLE", "SCRIPT", "NOSCRIPT", "OPTION"].includes(at.tagName)) continue;
      // What is told to who listens alone.
      if (at.clientWidth === 1 && at.clientHeight === 1) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      const style = getComputedStyle(at);
      if (box.width < 2 || box.height < 2 || style.visibility === "hidden") continue;
      const svg = at instanceof SVGElement;
      const alpha = opacity(at) * (svg ? Number(style.fillOpacity) : 1);
      if (alpha < 0.02) continue;
      const behind = ground(svg ? at.closest("svg").parentElement : at);
      const color = rgba(svg ? style.fill : style.color);
      color[3] *= alpha;
      const [a, b] = [light(over(color, behind)), light(behind)].sort((p, q) => q - p);
      found.push({
        text: node.data.trim(), size: parseFloat(style.fontSize), contrast: (a + 0.05) / (b + 0.05),
        within: box.left >= -1 && box.top >= -1 && box.right <= innerWidth + 1
          && box.bottom <= innerHeight + 1,
        figure: Boolean(at.closest(".presented .value, .epoch output")),
      });
    }
  };
  visit(document.body);
  return found;
}"""


def open_at(page: Page, app: LiveApp, path: str = "", **query: str) -> None:
    page.goto(f"http://127.0.0.1:{app.port}/{path}?{urlencode(query)}")
    expect_whole(page)


def chart(page: Page):
    return page.locator(".st-key-presented_chart svg.marks")


def caption(page: Page):
    return page.locator(".story-caption p")


def expect_step(page: Page, name: str, n: int) -> None:
    """The step is drawn: its caption, its chart, and on Explore the player at it."""
    step = stories.get(name).steps[n - 1]
    said = " ".join(step.caption.split())
    expect(caption(page)).to_have_text(said.replace("\n", ""), use_inner_text=True)
    players = {"Explore": 1, "Depth": 0, "Compare": 2, "Theory": 1}[step.page]
    players -= step.query.get("part") == "layers"
    shown = page.get_by_test_id("nc-player")
    expect(shown).to_have_count(players)
    for k in range(players):
        expect(shown.nth(k)).to_have_attribute("data-step", f"{name}:{n}")
    expect(chart(page)).to_have_count(0 if step.page == "Compare" else 1)
    expect_whole(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", ["", "depth", "compare", "theory"])
def test_all_is_large_and_clear_and_within_the_window(page, shipped, size, scheme, path):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    open_at(page, shipped, path, present="1")
    if path == "compare":
        expect(page.get_by_test_id("nc-player")).to_have_count(2)
    else:
        expect(chart(page)).to_have_count(1)
    for name in ("stSidebar", "stHeader", "stToolbar"):
        assert not page.get_by_test_id(name).is_visible()
    wait_until(lambda: len(page.evaluate(TEXTS)) > 8, "there is hardly any text")
    found = page.evaluate(TEXTS)
    assert [t for t in found if t["size"] < 20] == []
    assert [t for t in found if t["figure"] and t["size"] < 40] == []
    assert [t for t in found if t["contrast"] < 7] == []
    assert [t for t in found if not t["within"]] == []
    # The pass, NC1, the gap and the worst angle; of Theory the step and two figures.
    assert sum(t["figure"] for t in found) == {"": 4, "depth": 0, "compare": 8, "theory": 3}[path]
    scrolls = "() => document.querySelector('[data-testid=stMain]').scrollHeight - innerHeight"
    assert page.evaluate(scrolls) <= 0


def test_p_presents_and_escape_leaves_and_nothing_is_lost(page, shipped):
    open_at(page, shipped, **SHOWN, epoch="42", beside="layers")
    expect(player(page)).to_have_attribute("data-epoch", "42")
    page.keyboard.press("p")
    expect(page.locator(".presented-title")).to_be_visible()
    expect_query(page, "present", "1")
    expect(player(page)).to_have_attribute("data-epoch", "42")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    expect_query(page, "present", None)
    expect(player(page)).to_have_attribute("data-epoch", "42")
    assert query_of(page)["beside"] == "layers"
    expect_whole(page)
    page.get_by_role("button", name="Present", exact=True).click()
    expect(page.locator(".presented-title")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=2)).to_be_visible()


@pytest.mark.parametrize("path", ["", "compare"])
def test_what_the_player_was_brought_to_is_kept(page, shipped, path):
    """The address is the player's own, of which Streamlit does not tell the server."""
    open_at(page, shipped, path, **SHOWN)
    first_player = page.get_by_test_id("nc-player").first
    expect(first_player).to_have_attribute("data-epoch", "500")
    first_player.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    box = first_player.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 250)
    page.mouse.down()
    page.mouse.move(box["x"] + 280, box["y"] + 290, steps=4)
    page.mouse.up()
    names = ("epoch", "camera")
    wait_until(lambda: {*names} <= {*query_of(page)}, "the address does not say it")
    brought = {name: query_of(page)[name] for name in names}
    page.keyboard.press("p")
    expect(page.locator(".presented-title")).to_be_visible()
    for _ in range(2):
        expect_whole(page)
        expect(first_player).to_have_attribute("data-epoch", brought["epoch"])
        assert {name: query_of(page).get(name) for name in names} == brought
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", level=2)).to_be_visible()


def test_what_is_not_trained_leaves_the_caption_in_sight(page, shipped):
    page.set_viewport_size({"width": 1280, "height": 720})
    open_at(page, shipped, "stories")
    absent = {**SHOWN, "seeds": "7"}
    steps = [
        {"page": "Explore", "query": absent, "caption": "Not trained"},
        {"page": "Compare", "query": absent, "caption": "Neither of them"},
        {"page": "Depth", "query": absent, "caption": "Nor any of these"},
    ]
    story = {"version": 1, "title": "Absent", "steps": steps}
    files = {"name": "story.json", "mimeType": "application/json", "buffer": b""}
    page.locator("input[type=file]").set_input_files(
        {**files, "buffer": json.dumps(story).encode()}
    )
    expect(page.get_by_text("Step 3")).to_be_visible()
    page.locator(".st-key-try-0 button").first.click()
    for n, step in enumerate(steps):
        if n:
            page.keyboard.press("PageDown")
        expect(caption(page)).to_have_text(step["caption"])
        expect_whole(page)
        assert caption(page).bounding_box()["y"] > 500
        wait_until(lambda: not unclear(page), f"{step['page']}: {unclear(page)}", 10)


def unclear(page: Page) -> list[dict]:
    return [t for t in page.evaluate(TEXTS) if not t["within"] or t["size"] < 20]


def test_f_is_the_full_screen_and_the_window_is_filled_there_too(page, shipped):
    open_at(page, shipped, story="eight-steps", step="8", present="1")
    expect_step(page, "eight-steps", 8)
    page.keyboard.press("f")
    whole = "() => document.fullscreenElement === document.documentElement"
    wait_until(lambda: page.evaluate(whole), "it does not fill the screen")
    page.keyboard.press("PageUp")
    expect_step(page, "eight-steps", 7)
    page.keyboard.press("f")
    wait_until(lambda: not page.evaluate(whole), "it still fills the screen")


def test_captions_are_said_to_who_listens(page, shipped):
    open_at(page, shipped, story="eight-steps", step="1", present="1")
    expect_step(page, "eight-steps", 1)
    page.keyboard.press("PageDown")
    expect_step(page, "eight-steps", 2)
    said = stories.get("eight-steps").steps[1].caption.replace("\n", " ")
    expect(page.get_by_test_id("nc-aloud")).to_have_text(said)


def test_b_blacks_the_screen_and_any_key_brings_it_back(page, shipped):
    open_at(page, shipped, present="1")
    curtain = page.get_by_test_id("nc-curtain")
    for key in ("b", "."):
        page.keyboard.press(key)
        expect(curtain).to_be_visible()
        box = curtain.bounding_box()
        assert (box["width"], box["height"]) == (1280, 800)
        before = query_of(page)
        page.keyboard.press("Escape")
        expect(curtain).to_have_count(0)
        assert query_of(page) == before


@pytest.mark.parametrize("name", list(stories.shipped()))
def test_a_clicker_walks_through_a_story_and_back(page, shipped, name):
    page.set_viewport_size({"width": 1280, "height": 720})
    open_at(page, shipped, "stories")
    page.locator(f".st-key-tell-{name} button").click()
    steps = stories.get(name).steps
    expect_step(page, name, 1)
    for n in range(2, len(steps) + 1):
        page.keyboard.press("PageDown")
        expect_step(page, name, n)
        found = page.evaluate(TEXTS)
        assert [t for t in found if not t["within"] or t["size"] < 20] == []
        wait_until(lambda n=n: query_of(page).get("step") == str(n), "the address lags behind")
        assert steps[n - 1].notes not in page.content() or not steps[n - 1].notes
    # Beyond the last there is nothing. One with all kinds of steps is gone back through whole.
    page.keyboard.press("PageDown")
    first = 1 if name == "eight-steps" else len(steps) - 1
    for n in range(len(steps) - 1, first - 1, -1):
        page.keyboard.press("PageUp")
        expect_step(page, name, n)


def test_a_press_is_heard_though_the_player_tells_the_server_something_just_then(page, shipped):
    """Both reach the server as one request, and the player's is for its own fragment."""
    open_at(page, shipped, story="eight-steps", step="1", present="1")
    expect_step(page, "eight-steps", 1)
    expect_rest(page)
    page.evaluate(
        """() => {
          for (const player of document[Symbol.for("nc-players")]) player.tell("7");
          const key = { key: "PageDown", bubbles: true, cancelable: true };
          document.body.dispatchEvent(new KeyboardEvent("keydown", key));
        }"""
    )
    expect_step(page, "eight-steps", 2)


def test_a_step_that_is_opened_rests_where_it_is_unless_it_plays(moving, page, shipped):
    open_at(page, shipped, story="eight-steps", step="4", present="1")
    expect(player(page)).to_have_attribute("data-step", "eight-steps:4")
    expect(player(page)).to_have_attribute("data-epoch", "500")
    expect(player(page)).to_have_attribute("data-playing", "false")
    open_at(page, shipped, story="eight-steps", step="2", present="1")
    expect(player(page)).to_have_attribute("data-playing", "true")


def test_page_down_first_ends_what_plays(moving, page, shipped):
    open_at(page, shipped, story="eight-steps", step="1", present="1")
    expect_step(page, "eight-steps", 1)
    page.keyboard.press("PageDown")
    expect(player(page)).to_have_attribute("data-step", "eight-steps:2")
    expect(player(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("PageDown")
    expect(player(page)).to_have_attribute("data-playing", "false")
    expect(player(page)).to_have_attribute("data-epoch", "500")
    assert query_of(page)["step"] == "2"
    page.keyboard.press("PageDown")
    expect(player(page)).to_have_attribute("data-step", "eight-steps:3")


def test_arrows_space_and_a_click_step_too_and_keep_the_points_on_the_screen(page, shipped):
    open_at(page, shipped, story="eight-steps", step="3", present="1")
    expect_step(page, "eight-steps", 3)
    # The same canvas and chart all along: nothing is drawn anew.
    page.evaluate(
        "() => { for (const n of document.querySelectorAll('.st-key-player, .story-caption'))"
        " n.nc = 1; }"
    )
    for n, act in enumerate(
        (
            lambda: page.keyboard.press("ArrowRight"),
            lambda: page.keyboard.press("Space"),
            lambda: page.mouse.click(300, 300),
        ),
        4,
    ):
        act()
        expect_step(page, "eight-steps", n)
    assert page.evaluate("() => document.querySelector('.st-key-player').nc") == 1
    page.keyboard.press("ArrowLeft")
    expect_step(page, "eight-steps", 5)
    # A drag turns the scene and steps nowhere.
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(380, 320, steps=4)
    page.mouse.up()
    expect_query(page, "step", "5")
    expect(player(page)).to_have_attribute("data-step", "eight-steps:5")


def test_the_camera_is_there_while_the_pointer_moves(page, shipped):
    open_at(page, shipped, story="eight-steps", step="4", present="1")
    expect_step(page, "eight-steps", 4)
    camera, form = page.get_by_test_id("nc-film"), page.get_by_test_id("nc-film-form")
    expect(camera).to_have_css("opacity", "0")
    # Nobody presses what they do not see: a click goes through it.
    expect(camera).to_have_css("pointer-events", "none")
    box = camera.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def seen() -> bool:
        for away in (90, 80):
            page.mouse.move(x - away, y + 60)
        return camera.evaluate("node => getComputedStyle(node).opacity") == "1"

    wait_until(seen, "the camera did not come")
    # By place: it is there as the pointer comes, and not before.
    page.mouse.click(x, y)
    expect(form).to_be_visible()
    assert [t for t in page.evaluate(TEXTS) if t["size"] < 20 or t["contrast"] < 7] == []
    # Within the form a click steps nowhere, and what is picked there keeps its keys.
    form.get_by_role("heading").click()
    form.get_by_label("Goes over").focus()
    page.keyboard.press("ArrowDown")
    expect(form.get_by_label("Goes over")).to_have_value("layers")
    expect_step(page, "eight-steps", 4)
    page.mouse.click(x, y)
    expect(form).to_be_hidden()
    page.mouse.click(x, y)
    expect(form).to_be_visible()
    # Escape closes it, and the next one leaves, also where keys have opened it.
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    expect_query(page, "present", "1")
    page.keyboard.press("Tab")
    camera.focus()
    page.keyboard.press("Enter")
    expect(form).to_be_visible()
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    page.keyboard.press("Escape")
    expect_query(page, "present", None)


@pytest.fixture(scope="module")
def slides() -> Iterator[Callable]:
    """Shows a bare page of another origin around the app, which hears what is handed over."""
    served = {}

    class Slides(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(served["html"].encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slides)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def show(page: Page, app: LiveApp, **query: str) -> FrameLocator:
        address = f"http://127.0.0.1:{app.port}/?{urlencode({'embed': 'true', **query})}"
        served["html"] = (
            "<!doctype html><title>Slides</title><link rel=icon href=data:,><script>"
            "window.heard = []; addEventListener('message', (event) => { if (event.data?.source "
            "=== 'neural-collapse-explorer') window.heard.push(event.data.key); });</script>"
            f"<iframe src='{address}' width=900 height=600></iframe>"
        )
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        return page.frame_locator("iframe")

    yield show
    server.shutdown()


def test_the_player_alone_plays_within_a_page_and_hands_keys_over(moving, page, shipped, slides):
    frame = slides(page, shipped, show="player", autoplay="1", **SHOWN)
    inside = frame.get_by_test_id("nc-player")
    expect(inside).to_have_attribute("data-playing", "true")
    expect(frame.get_by_test_id("stSidebar")).to_have_count(0)
    expect(frame.get_by_test_id("stVegaLiteChart")).to_have_count(0)
    inside.focus()
    page.keyboard.press("PageDown")
    expect(inside).to_have_attribute("data-playing", "false")
    assert page.evaluate("window.heard") == []
    page.keyboard.press("PageDown")
    page.keyboard.press("PageUp")
    wait_until(
        lambda: page.evaluate("window.heard") == ["PageDown", "PageUp"], "no key was handed over"
    )


def test_a_film_that_loops_begins_again(moving, page, shipped, slides):
    frame = slides(page, shipped, show="player", autoplay="1", loop="1", **SHOWN)
    inside = frame.get_by_test_id("nc-player")
    expect(inside).to_have_attribute("data-playing", "true")
    expect(inside).to_have_attribute("data-playing", "false")
    expect(inside).to_have_attribute("data-playing", "true")


@pytest.mark.parametrize("path, part, charts", [("", "curves", 1), ("depth", "depth", 1)])
def test_other_parts_are_left_alone_too(page, shipped, path, part, charts):
    open_at(page, shipped, path, embed="true", show=part)
    expect(chart(page)).to_have_count(charts)
    expect(page.get_by_test_id("nc-player")).to_have_count(0)


def test_a_story_within_another_page_hands_over_at_its_ends(page, shipped, slides):
    frame = slides(page, shipped, story="pre-and-post", step="7", present="1")
    expect(frame.locator(".story-caption")).to_be_visible()
    expect(frame.get_by_test_id("nc-player")).to_have_attribute("data-step", "pre-and-post:7")
    frame.get_by_test_id("nc-player").focus()
    page.keyboard.press("PageDown")
    wait_until(lambda: page.evaluate("window.heard") == ["PageDown"], "no key was handed over")
    page.keyboard.press("PageUp")
    for k in range(2):
        one = frame.get_by_test_id("nc-player").nth(k)
        expect(one).to_have_attribute("data-step", "pre-and-post:6")
    assert page.evaluate("window.heard") == ["PageDown"]


def test_a_story_of_parts_goes_from_page_to_page_without_notes(page, shipped, slides):
    frame = slides(page, shipped, show="player", story="eight-steps", step="7")
    inside = frame.get_by_test_id("nc-player")
    expect(inside).to_have_attribute("data-step", "eight-steps:7")
    expect(frame.locator(".story-caption")).to_be_visible()
    inside.focus()
    page.keyboard.press("PageDown")
    expect(frame.locator(".st-key-presented_chart svg.marks")).to_be_visible()
    expect(frame.get_by_test_id("stSidebar")).to_have_count(0)
    notes = stories.get("eight-steps").steps[7].notes
    assert notes and notes not in frame.locator("body").inner_text()


def test_what_an_address_asks_of_a_story_that_is_not_there_is_told(page, shipped):
    open_at(page, shipped, story="none", step="x", present="maybe", show="all")
    notice = page.locator(".st-key-notices")
    for word in ("Story", "Present", "Show"):
        expect(notice).to_contain_text(word)
    assert "Traceback" not in page.content()


def test_ones_own_story_is_made_saved_read_and_told(page, shipped, tmp_path):
    open_at(page, shipped, **SHOWN, epoch="42", view="2d")
    words = "<b>Bold</b> & *plain*"
    page.locator(".st-key-add_to_story button").click()
    said = page.get_by_role("textbox", name="Caption, two lines at most")
    said.fill(words)
    said.press("Control+Enter")
    page.locator(".st-key-add_step button").click()
    expect(page.get_by_text("Your story has 1 step")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Stories").click()
    expect(page.get_by_text("Step 1")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save it as a file").click()
    path = tmp_path / "story.json"
    saved.value.save_as(path)
    story = json.loads(path.read_text(encoding="utf-8"))
    (step,) = story["steps"]
    assert step["caption"] == words and step["query"]["epoch"] == "42"
    assert step["query"]["view"] == "2d"
    story["steps"].append({**step, "caption": "Read from a file"})
    path.write_text(json.dumps(story), encoding="utf-8")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("Step 2")).to_be_visible()
    page.locator(".st-key-try-0 button").click()
    expect(caption(page)).to_have_text(words)
    assert page.locator(".story-caption b").count() == 0
    expect(player(page)).to_have_attribute("data-epoch", "42")
    page.keyboard.press("PageDown")
    expect(caption(page)).to_have_text("Read from a file")


def test_who_presents_before_a_preset_is_drawn_has_both(new_context, shipped):
    """Until the server's answer has come, the browser says what stood in the fields before."""
    page = new_context().new_page()
    late: list[Callable[[], None]] = []

    def hold(channel) -> None:
        server = channel.connect_to_server()
        channel.on_message(server.send)
        server.on_message(
            lambda said: late.append(lambda: channel.send(said)) if held else channel.send(said)
        )

    held = False
    page.route_web_socket("**/_stcore/stream", hold)
    open_at(page, shipped, **{**SHOWN, "norm": "pre"})
    expect_rest(page)
    held = True
    page.get_by_role("button", name="Default", exact=True).click()
    # Playwright hears of what comes while it is asked for something.
    wait_until(lambda: page.wait_for_timeout(50) or late, "the server did not answer")
    before = len(late)
    page.keyboard.press("p")
    wait_until(lambda: page.wait_for_timeout(50) or len(late) > before, "nor to the key")
    held = False
    for send in late:
        send()
    expect(page.locator(".presented-title")).to_be_visible()
    expect_query(page, "dataset", "digits")
    expect_query(page, "present", "1")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    expect(field(page, "dataset").get_by_role("combobox")).to_have_value("Digits")
