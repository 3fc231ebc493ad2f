"""The player's scripts and the page's, each file alone in a browser, without Streamlit."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncengine.config.numbers import real, whole
from tests.app.test_player_wire import message, projection

APP = Path(__file__).resolve().parents[2] / "app"
FILES = sorted([*APP.glob("player/*.js"), *APP.glob("browser/*.js")])
KINDS = ("html", "css")
# Served by nobody: the test answers.
SITE = "http://127.0.0.1:9/"


@pytest.fixture
def run(page):
    """Runs a script in an empty page, to which `load(name)` gives a module of the player's."""

    def answer(route):
        path = APP / route.request.url.removeprefix(SITE).partition("?")[0]
        if path.suffix == ".js":
            route.fulfill(content_type="text/javascript", body=path.read_text(encoding="utf-8"))
        else:
            route.fulfill(content_type="text/html", body="<!doctype html><title>Empty</title>")

    page.route(f"{SITE}**", answer)
    page.goto(SITE)

    def run(script, *values):
        return page.evaluate(
            f"""async (values) => {{
              const load = (name) => import(`{SITE}player/${{name}}.js`);
              return await ({script})(...values);
            }}""",
            list(values),
        )

    yield run
    page.unroute(f"{SITE}**")


def test_every_file_says_what_it_needs(run, page):
    for path in FILES:
        page.evaluate("(url) => import(url)", f"{SITE}{path.relative_to(APP)}")


PLAYED = """async (html, css, message) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const place = document.createElement("div");
  place.style.height = "600px";
  const within = place.attachShadow({ mode: "open" });
  within.innerHTML = `<style>${css}</style>${html}`;
  document.body.append(place);
  const told = [], root = within.querySelector(".nc");
  const { default: draw } = await load("player");
  const call = { parentElement: within, setStateValue: (name, value) => told.push([name, value]) };
  const leave = draw({ ...call, data: bytes(message) });
  const until = async (what) => {
    for (let looks = 0; !what(); looks++) {
      if (looks > 500) throw new Error(`not ${what}: ${root.outerHTML.slice(0, 400)}`);
      await new Promise((next) => setTimeout(next, 20));
    }
  };
  const at = (epoch) => until(() => root.dataset.epoch === epoch);
  const press = (key) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  await at("250");
  press("Home");
  await at("0");
  await until(() => location.search === "?epoch=0");
  press("ArrowRight");
  await at("10");
  press(" ");
  await at("250");
  await until(() => location.search === "");
  press("2");
  await until(() => root.dataset.view === "2d");
  place.remove();
  leave();
  return told;
}"""


def test_the_player_of_single_files_plays_and_tells_where_it_is(run):
    parts = [(APP / "player" / f"player.{kind}").read_text(encoding="utf-8") for kind in KINDS]
    # In units of the feature norm: nothing lies outside the sphere.
    places = ("points", "test_points", "means", "classifier", "ideal")
    near = {name: getattr(projection(), name) / 40 for name in places}
    raw = message(projection(**near))
    told = run(PLAYED, *parts, base64.b64encode(raw).decode())
    assert ["epoch", "0"] in told and told[-1] == ["epoch", ""]


def test_numbers_of_an_address_are_those_of_python(run):
    texts = ["7", " 7 ", "+7", "-0", "1e3", ".5", "5.", "0x10", "1_000", "nan", "inf", "", "1e"]
    texts += ["9" * 100, "9" * 101, "1e999", "--1", "1 2", "١", "٣.٥", "3.50", "\t1"]
    for name, read in (("real", real), ("whole", whole)):
        found = run(
            f"""async (texts) => {{
              const {{ {name} }} = await load("numbers");
              return texts.map((text) => String({name}(text)));
            }}""",
            texts,
        )
        for text, answer in zip(texts, found, strict=True):
            try:
                expected = float(read(text))
            except (ValueError, OverflowError):
                expected = math.nan
            got = float(answer.replace("Infinity", "inf"))
            if name == "real" and math.isnan(expected) and math.isinf(got):
                continue  # neither is a number that is shown
            assert got == expected or math.isnan(got) and math.isnan(expected), (name, text)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sets(st.integers(1, 5000), min_size=2, max_size=30), st.floats(0, 1))
def test_a_frame_and_its_pass_are_found_from_each_other(run, passes, share):
    passes = sorted(passes)
    at = share * (len(passes) - 1)
    there, back, close = run(
        """async (passes, at) => {
          const { between, frameAt, nearest } = await load("passes");
          const there = between(passes, at);
          return [there, frameAt(passes, there), nearest(passes, there)];
        }""",
        passes,
        at,
    )
    assert there == pytest.approx(np.interp(at, range(len(passes)), passes))
    assert back == pytest.approx(at, abs=1e-9)
    away = np.abs(np.array(passes) - there)
    assert away[close] == away.min()


def test_the_clock_plays_a_film_in_its_time_and_follows_its_end(run):
    seconds, paused, followed, stayed, glides = run(
        """async () => {
          const { Clock } = await load("clock");
          const clock = new Clock();
          clock.extend(100);
          clock.go(0, true);
          clock.play();
          let frames = 0;
          while (clock.playing) { clock.advance(0.01, false); frames++; }
          clock.go(50.4, true);
          clock.play();
          clock.advance(0.05, false);
          clock.pause();
          const paused = [clock.goal, clock.following];
          clock.go(100, true);
          clock.extend(120);
          const followed = clock.goal;
          clock.go(30, true);
          clock.extend(140);
          const stayed = clock.goal;
          clock.go(31, false);
          let glides = 0;
          while (clock.advance(0.016, false)) glides++;
          return [frames / 100, paused, followed, stayed, glides];
        }"""
    )
    assert seconds == pytest.approx(6, abs=0.05)
    assert paused[0] == round(paused[0]) > 50 and paused[1] is False
    assert (followed, stayed) == (120, 30)
    assert 10 < glides < 60


KEYS = """async (presses) => {
  const { Keyboard } = await load("keyboard");
  document.body.innerHTML = `<input type=range id=frames><input type=range id=layers>
    <input id=text><button id=button>B</button><input type=range id=other>
    <select id=list></select>`;
  const part = (id) => document.getElementById(id);
  let heard = [];
  const hears = () => true;
  const on = { hears, act: (name) => heard.push(name), escape: () => heard.push("escape") };
  const keyboard = new Keyboard({ frames: part("frames"), layers: part("layers") }, on);
  const press = (id, key, more) => {
    heard = [];
    const options = { key, bubbles: true, composed: true, cancelable: true, ...more };
    const event = new KeyboardEvent("keydown", options);
    (id ? part(id) : document.body).dispatchEvent(event);
    return [heard.join(), event.defaultPrevented];
  };
  const found = presses.map((one) => press(...one));
  keyboard.close();
  return [...found, press("", " ", {})];
}"""


def test_keys_are_the_players_unless_a_control_has_use_for_them(run):
    said = {
        ("", " "): "play",
        ("", "K"): "play",
        ("", "ArrowLeft"): "back",
        ("", "Home"): "start",
        ("", "3"): "3d",
        ("", "f"): "fullscreen",
        ("", "x"): "",
        ("", "Escape"): "escape",
        ("frames", "ArrowRight"): "forward",
        ("layers", "ArrowRight"): "way-forward",
        ("layers", " "): "play",
        ("text", "k"): "",
        ("text", " "): "",
        ("button", " "): "",
        ("button", "ArrowLeft"): "back",
        ("button", "f"): "fullscreen",
        ("other", "ArrowLeft"): "",
        ("other", "f"): "fullscreen",
        ("list", "2"): "",
    }
    held = {
        ("", "ArrowLeft", "shiftKey"): "way-back",
        ("frames", "End", "shiftKey"): "way-end",
        ("", "F", "shiftKey"): "fullscreen",
        ("", "k", "ctrlKey"): "",
        ("", "ArrowLeft", "altKey"): "",
        ("", "f", "metaKey"): "",
    }
    presses = [[*one, {}] for one in said] + [[a, b, {c: True}] for a, b, c in held]
    *found, after = run(KEYS, presses)
    expected = [*said.values(), *held.values()]
    assert [name for name, _ in found] == expected
    # What the player takes, nobody else hears; Escape is everybody's.
    assert [taken for _, taken in found] == [name not in ("", "escape") for name in expected]
    assert after == ["", False]


def test_the_meter_tells_what_a_frame_costs_once_a_second(run):
    told = run(
        """async () => {
          const { Meter } = await load("meter");
          const told = {}, found = [], meter = new Meter(told);
          for (let n = 0; n <= 50; n++) meter.add(1000 + 20 * n, 3);
          found.push({ ...told });
          for (let n = 1; n < 50; n++) meter.add(2000 + 20 * n, 5);
          found.push({ ...told });
          meter.rest();
          for (let n = 0; n <= 10; n++) meter.add(9000 + 100 * n, 7);
          found.push({ ...told });
          return found;
        }"""
    )
    assert told[0] == {"frameMs": "3.00", "fps": "51.0"}
    assert told[1] == told[0]
    assert told[2] == {"frameMs": "7.00", "fps": "11.0"}


def test_the_address_holds_what_was_chosen_once_it_rests(run):
    said = run(
        """async () => {
          const { Permalink } = await load("permalink");
          const told = [], link = new Permalink((epoch) => told.push(epoch));
          const wait = (ms) => new Promise((done) => setTimeout(done, ms));
          const written = async (search) => {
            while (location.search !== search) await wait(20);
          };
          history.replaceState(null, "", "/");
          Object.assign(link, { query: { depth: "5" }, asking: ["epoch", "view"] });
          link.set("epoch", "10");
          link.set("epoch", "20");
          link.set("view", "2d");
          await written("?epoch=20&view=2d&depth=5");
          history.replaceState(null, "", "/?depth=5&seed=1");
          await written("?depth=5&seed=1&epoch=20&view=2d");
          link.set("epoch", null);
          await written("?depth=5&seed=1&view=2d");
          link.set("view", "3d");
          link.close();
          await wait(600);
          return [told, location.search];
        }"""
    )
    assert said == [["20", None], "?depth=5&seed=1&view=2d"]


def test_what_is_shown_goes_to_an_address_and_back(run):
    found = run(
        """async () => {
          const { fade, hiddenFromText, hiddenToText, layersToText, shownAtFirst, shownFromText } =
            await load("shown");
          const show = shownAtFirst(4), first = [layersToText(show), hiddenToText(show)];
          Object.assign(show.goal, { spokes: 1, means: 0, classes: [1, 0, 1, 0] });
          const told = [layersToText(show), hiddenToText(show)];
          let frames = 0;
          while (fade(show, 0.016, false)) frames++;
          const ended = [show.spokes, show.means, show.classes];
          const other = shownAtFirst(4);
          shownFromText(other, told[0]);
          hiddenFromText(other, told[1]);
          const back = [layersToText(other), hiddenToText(other)];
          return [first, told, ended, frames, back, shownFromText(other, "means,walls"),
            hiddenFromText(other, "0,9")];
        }"""
    )
    first, told, ended, frames, back, *wrong = found
    assert first == [None, None] and told == ["samples,tests,rows,ideal,spokes", "1,3"]
    assert ended == [1, 0, [1, 0, 1, 0]] and 10 < frames < 80
    assert back == told and wrong == [None, None]


GROUP = """async (epochs, clock, frames) => {
  const { groupOf } = await load("group");
  const { Clock } = await load("clock");
  const rests = { calm: true, waitNoMore() {}, rememberMoment() {} };
  const players = epochs.map((epoch, n) => {
    const root = document.createElement("div");
    document.body.append(root);
    const film = { radius: 1 + n, data: { epoch, names: ["a", "b"], live: false } };
    const show = { goal: { samples: 1, tests: 1, means: 1, rows: 1, ideal: 1, spokes: 0,
      classes: [1, 1] } };
    const player = { ...rests, root, film, show, clock: new Clock() };
    player.clock.extend(epoch.length - 1);
    return player;
  });
  const [left, right] = players;
  const group = groupOf("pair");
  // The right one comes first, and still does not lead.
  group.join(right, 1, clock);
  group.join(left, 0, clock);
  const found = frames.map(([n, frame]) => {
    group.goBy(players[n]);
    players[n].clock.go(frame, true);
    group.follow();
    return players.map((player) => player.clock.at);
  });
  right.show.goal.classes = [0, 1];
  right.show.goal.means = 0;
  group.shareShown(right);
  const shown = [left.show.goal.means, left.show.goal.classes.join()];
  const told = [groupOf("pair") === group, group.lead === left, players.indexOf(group.main),
    group.radius];
  players.forEach((player) => group.leave(player));
  return { found, shown, told: [...told, groupOf("pair") === group] };
}"""


@pytest.mark.parametrize(
    "clock, expected, main",
    [
        # Left at passes 0, 10, 250, right at 0, 100, 1,000: to the same pass, or at the end.
        ("pass", [(1, 0.1), (1.5, 1 + 30 / 900), (2, 2), (2, 1.5), (1 + 90 / 240, 1)], 1),
        ("share", [(1, 1), (1.5, 1.5), (2, 2), (1.5, 1.5), (1, 1)], 0),
    ],
)
def test_players_of_a_group_go_by_one_clock(run, clock, expected, main):
    frames = [(0, 1), (0, 1.5), (1, 2), (1, 1.5), (1, 1)]
    came = run(GROUP, [[0, 10, 250], [0, 100, 1000]], clock, frames)
    for found, wanted in zip(came["found"], expected, strict=True):
        assert found == pytest.approx(wanted)
    assert came["shown"] == [0, "0,1"]
    assert came["told"] == [True, True, main, 2, False]
