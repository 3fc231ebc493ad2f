"""Films: what the browser encoded is read by programs that share no code with what wrote it."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from app.stage.story import Step, Story
from ncengine.config import RunConfig
from ncengine.runs.gallery import Gallery
from ncengine.runs.store import Store
from tests.e2e.live_app import ROOT, LiveApp, wait_until
from tests.e2e.pages import (
    ENDLESS,
    FINISHED,
    expect_frame,
    expect_progress,
    open_page,
    player,
    train,
)
from tests.e2e.test_scripts import SITE, run  # noqa: F401

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
# The rate is a matter of the times alone, and the size of the pictures.
LOOKS = [("720p", 30), ("720p", 60), ("1080p", 30), ("4k", 60)]
LIGHT, DARK = (255, 255, 255), (15, 19, 27)

# A film of grey pictures, ever lighter; where `pairs`, each odd one is as the one before.
GREYS = """
  const greys = (width, height, rate, frames, pairs) => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const ctx = canvas.getContext("2d");
    let next = 0;
    const draw = () => {
      const n = next++, shown = pairs ? n - (n % 2) : n;
      ctx.fillStyle = `rgb(${20 + 20 * shown}, ${20 + 20 * shown}, ${20 + 20 * shown})`;
      ctx.fillRect(0, 0, width, height);
      return n === shown;
    };
    return { rate, frames, canvas, draw };
  };
  const text = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let letters = "";
    for (const byte of bytes) letters += String.fromCharCode(byte);
    return btoa(letters);
  };
"""
DEVELOPED = f"""async (width, height, rate, frames, format, before) => {{
  {GREYS}
  const {{ develop }} = await load("encoder");
  new Function(before)();
  const reel = greys(width, height, rate, frames, format === "webp"), told = [];
  const signal = new AbortController().signal;
  try {{
    const made = await develop(reel, format, signal, (share) => told.push(share));
    return {{ told, note: made.note, file: await text(made.blob), type: made.blob.type }};
  }} catch (error) {{
    return {{ told, wrong: error.message, kind: error.constructor.name }};
  }}
}}"""
NO_AVC = """
  const ask = VideoEncoder.isConfigSupported.bind(VideoEncoder);
  VideoEncoder.isConfigSupported = async (config) =>
    config.codec.startsWith("avc1") ? { supported: false } : ask(config);
"""


def read(content: bytes) -> tuple[av.VideoStream, list[av.VideoFrame]]:
    with av.open(BytesIO(content)) as container:
        (stream,) = container.streams
        return stream, list(container.decode(stream))


def seconds(stream: av.VideoStream) -> float:
    return float(stream.duration * stream.time_base)


def grey_of(frame: av.VideoFrame) -> int:
    return int(np.median(frame.to_ndarray(format="rgb24")))


@pytest.mark.parametrize("size, rate", LOOKS)
@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_a_video_has_its_pictures_in_their_time(run, size, rate, codec):  # noqa: F811
    frames = 9
    made = run(DEVELOPED, *SIZES[size], rate, frames, "mp4", NO_AVC if codec == "vp9" else "")
    assert "wrong" not in made, made
    stream, pictures = read(base64.b64decode(made["file"]))
    assert (stream.codec_context.name, stream.width, stream.height) == (codec, *SIZES[size])
    assert made["told"] == pytest.approx([(n + 1) / frames for n in range(frames)])
    assert len(pictures) == stream.frames == frames
    assert seconds(stream) == pytest.approx(frames / rate, abs=1e-9)
    assert stream.average_rate == rate
    times = [picture.time for picture in pictures]
    assert times == pytest.approx([n / rate for n in range(frames)], abs=1e-9)
    assert [grey_of(one) for one in pictures] == pytest.approx(
        [20 + 20 * n for n in range(9)], abs=4
    )
    assert ("VP9" in made["note"]) == (codec == "vp9") and made["type"] == "video/mp4"


@pytest.mark.parametrize("size, rate", LOOKS)
def test_a_webm_has_its_pictures_in_their_time(run, size, rate):  # noqa: F811
    frames = 9
    made = run(DEVELOPED, *SIZES[size], rate, frames, "webm", "")
    assert "wrong" not in made, made
    assert (made["note"], made["type"]) == ("", "video/webm")
    content = base64.b64decode(made["file"])
    with av.open(BytesIO(content)) as container:
        assert "webm" in container.format.name
        # In microseconds.
        assert container.duration == pytest.approx(1e6 * frames / rate, abs=1000)
        (stream,) = container.streams
        found = stream.codec_context.name, stream.width, stream.height, stream.average_rate
        pictures = list(container.decode(stream))
    assert found == ("vp9", *SIZES[size], rate)
    assert [one.time for one in pictures] == pytest.approx(
        [n / rate for n in range(frames)], abs=0.0006
    )
    assert [grey_of(one) for one in pictures] == pytest.approx(
        [20 + 20 * n for n in range(9)], abs=4
    )


@pytest.mark.parametrize("format, before", [("mp4", b"mdat"), ("webm", b"\x1f\x43\xb6\x75")])
def test_a_long_video_can_be_entered_every_two_seconds(run, format, before):  # noqa: F811
    made = run(DEVELOPED, 64, 36, 30, 130, format, "")
    content = base64.b64decode(made["file"])
    _, pictures = read(content)
    assert [n for n, one in enumerate(pictures) if one.key_frame] == [0, 60, 120]
    with av.open(BytesIO(content)) as container:
        (video,) = container.streams
        container.seek(round(2.5 / video.time_base), stream=video)
        assert next(container.decode(video)).time == 2.0
    # What a program needs to know comes first: it may play before all has arrived.
    last = {"mp4": b"moov", "webm": b"\x1c\x53\xbb\x6b"}[format]
    assert content.index(last) < content.index(before)


def test_slides_stand_still_for_as_long_as_nothing_moves(run):  # noqa: F811
    made = run(DEVELOPED, 320, 180, 30, 10, "webp", "")
    picture = Image.open(BytesIO(base64.b64decode(made["file"])))
    assert (picture.format, picture.size, picture.n_frames) == ("WEBP", (320, 180), 5)
    assert picture.info["loop"] == 0 and made["type"] == "image/webp"
    found, times = [], []
    for n in range(5):
        picture.seek(n)
        picture.load()
        found.append(picture.convert("RGB").getpixel((160, 90))[0])
        times.append(picture.info["duration"])
    assert found == pytest.approx([20 + 40 * n for n in range(5)], abs=3)
    # Of ten pictures, thirty a second: to the millisecond.
    assert sum(times) == 333 and set(times) <= {66, 67}


FAKE = """
  globalThis.VideoEncoder = class extends VideoEncoder {
    constructor({ output, error }) {
      let seen = 0;
      super({ error, output: (...given) => { if (++seen !== 3) output(...given); } });
      FAIL
    }
  };
"""


@pytest.mark.parametrize(
    "before, said",
    [
        ("delete globalThis.VideoEncoder;", "it has no WebCodecs"),
        (
            "VideoEncoder.isConfigSupported = async () => ({ supported: false });",
            "encodes neither H.264 nor VP9 of 320 × 180 at 30 pictures a second",
        ),
        (FAKE.replace("FAIL", ""), "gave 8 pictures of 9"),
        (
            FAKE.replace("FAIL", "setTimeout(() => error(new Error('out of order')));"),
            "encoder ended: out of order",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_words(run, before, said):  # noqa: F811
    made = run(DEVELOPED, 320, 180, 30, 9, "mp4", before)
    assert made["kind"] == "FilmError" and said in made["wrong"], made


@pytest.mark.parametrize("format", ["mp4", "webm", "webp"])
def test_it_stops_where_it_is_stopped(run, format):  # noqa: F811
    told, name = run(
        f"""async (format) => {{
          {GREYS}
          const {{ develop }} = await load("encoder");
          const stopping = new AbortController(), told = [];
          const tell = (share) => {{ told.push(share); if (told.length === 3) stopping.abort(); }};
          try {{
            await develop(greys(320, 180, 30, 90, false), format, stopping.signal, tell);
          }} catch (error) {{
            return [told.length, error.name];
          }}
        }}""",
        format,
    )
    assert (told, name) == (3, "AbortError")


@pytest.mark.parametrize("length, rate, last", [(10, 30, 33), (1, 60, 12), (2.5, 30, 1)])
def test_it_goes_evenly_from_the_first_moment_to_the_last(run, length, rate, last):  # noqa: F811
    found = run(
        """async (seconds, rate, last) => {
          const { Reel } = await load("reel");
          const reel = Object.assign(Object.create(Reel.prototype), { seconds, rate });
          reel.scene = { data: { frames: last + 1 } };
          return Array.from({ length: Math.round(seconds * rate) }, (_, n) => reel.at(n));
        }""",
        length,
        rate,
        last,
    )
    begin, end = min(0.5, length / 10), length - min(2, length / 5)
    times = np.arange(round(length * rate)) / rate
    assert found == pytest.approx(np.interp(times, [begin, end], [0, last]))
    assert found[0] == 0 and found[-1] == last


def test_all_sizes_are_even(run):  # noqa: F811
    found = run("async () => (await load('reel')).SIZES")
    assert {name: tuple(size) for name, size in found.items()} == SIZES
    assert all(side % 2 == 0 for size in found.values() for side in size)


# On the page.


def form(page: Page) -> Locator:
    return page.get_by_test_id("nc-film-form")


def make(page: Page, **options: str) -> bytes:
    """Make a film by the form; gives the file."""
    for name, value in options.items():
        form(page).locator(f"select[name={name}]").select_option(value)
    with page.expect_download(timeout=120_000) as download:
        form(page).get_by_role("button", name="Make and save").click()
    expect(page.get_by_test_id("nc-film-said")).to_contain_text("Saved: ")
    name, kind = download.value.suggested_filename.rsplit(".", 1)
    assert kind == options.get("format", "mp4")
    assert name.endswith("-layers") == (options.get("over") == "layers")
    return Path(download.value.path()).read_bytes()


def shown(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray(format="rgb24").astype(int)


@pytest.mark.parametrize("scheme, ground", [("light", LIGHT), ("dark", DARK)])
def test_a_film_of_the_training_is_saved(page: Page, app: LiveApp, scheme, ground):
    page.emulate_media(color_scheme=scheme)
    open_page(page, app, **FINISHED)
    page.get_by_test_id("nc-film").click()
    stream, pictures = read(make(page, seconds="5"))
    assert len(pictures) == 150 and seconds(stream) == 5
    assert (stream.width, stream.height) == SIZES["720p"]
    first, last = shown(pictures[0]), shown(pictures[-1])
    for picture in (first, last):
        assert np.abs(picture[2:6, 2:6] - ground).max() < 8
    # The figure in the middle, the pass at its left, and how far it has come, below.
    for part in (np.s_[70:650, 400:880], np.s_[165:245, 40:200], np.s_[680:692, 100:1200]):
        assert np.abs(first[part] - last[part]).max() > 60
    # Where nobody writes anything, nothing is.
    assert np.abs(last[2:20, :] - ground).max() < 24


def test_a_film_of_the_layers_is_saved_as_webp(page: Page, app: LiveApp):
    open_page(page, app, **FINISHED)
    page.get_by_test_id("nc-film").click()
    content = make(page, format="webp", over="layers", seconds="5")
    picture = Image.open(BytesIO(content))
    assert picture.size == SIZES["720p"] and picture.n_frames > 50
    times = frame_times(content)
    assert len(times) == picture.n_frames and sum(times) == 5000


def frame_times(webp: bytes) -> list[int]:
    """Milliseconds of each picture, read of the file's chunks (WebP Container Specification)."""
    at, times = 12, []
    while at < len(webp):
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        if webp[at : at + 4] == b"ANMF":
            times.append(int.from_bytes(webp[at + 20 : at + 23], "little"))
        at += 8 + size + size % 2
    return times


def test_who_goes_by_keys_makes_and_stops_one_while_the_page_goes_on(page: Page, app: LiveApp):
    open_page(page, app, **FINISHED)
    saved = []
    page.on("download", lambda download: saved.append(download))
    opener = page.get_by_test_id("nc-film")
    # What has the focus since a click gives it up: this one goes by keys.
    page.keyboard.press("Shift")
    opener.focus()
    page.keyboard.press("Enter")
    expect(form(page).get_by_label("Goes over")).to_be_focused()
    form(page).get_by_label("Size").select_option("4k")
    form(page).get_by_label("Length").select_option("60")
    form(page).get_by_role("button", name="Make and save").focus()
    page.keyboard.press("Enter")
    stop = form(page).get_by_role("button", name="Stop")
    expect(stop).to_be_focused()
    share = page.get_by_test_id("nc-film-share")
    wait_until(lambda: float(share.evaluate("node => node.value")) > 0, "no picture was made")
    expect(page.get_by_test_id("nc-film-percent")).to_have_text(re.compile(r"^\d+ %$"))
    page.get_by_test_id("nc-scrubber").fill("0")
    expect_frame(page, 0)
    stop.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("nc-film-said")).to_have_text("Stopped: nothing was saved.")
    expect(form(page).get_by_role("button", name="Make and save")).to_be_focused()
    page.keyboard.press("Escape")
    expect(form(page)).to_be_hidden()
    expect(opener).to_be_focused()
    assert saved == []


def test_what_stood_against_a_film_is_gone_once_training_rests(page: Page, app: LiveApp):
    open_page(page, app, **ENDLESS)
    train(page)
    expect_progress(page)
    page.get_by_test_id("nc-film").click()
    made, why = form(page).get_by_role("button", name="Make and save"), "nc-film-why"
    look = "node => getComputedStyle(node).opacity"
    able = float(made.evaluate(look))
    form(page).get_by_label("Goes over").select_option("layers")
    form(page).get_by_label("Length").select_option("5")
    expect(page.get_by_test_id(why)).to_contain_text("once training rests")
    expect(made).to_be_disabled()
    assert float(made.evaluate(look)) < able
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id(why)).to_be_hidden()
    expect(made).to_be_enabled()
    expect(form(page).get_by_label("Length")).to_have_value("5")


def test_without_a_secure_page_the_command_is_told(new_context, app: LiveApp):
    page = new_context().new_page()
    page.add_init_script(
        "delete globalThis.VideoEncoder;"
        "Object.defineProperty(globalThis, 'isSecureContext', { value: false });"
    )
    open_page(page, app, **FINISHED)
    page.get_by_test_id("nc-film").click()
    key = player(page).get_attribute("data-run")
    why = page.get_by_test_id("nc-film-why")
    expect(why).to_contain_text("on https, localhost and 127.0.0.1 alone")
    expect(why).to_contain_text(f"ncengine export {key} --film film.mp4")
    button = form(page).get_by_role("button", name="Make and save")
    expect(button).to_be_disabled()
    form(page).get_by_label("Format").select_option("webp")
    expect(button).to_be_enabled()
    expect(why).to_be_hidden()


def test_plain_http_by_a_name_has_no_encoder(browser: Browser):
    context = browser.new_context()
    page = context.new_page()
    page.route("**", lambda route: route.fulfill(content_type="text/html", body="<!doctype html>"))
    found = "[isSecureContext, typeof VideoEncoder]"
    page.goto("http://explorer.test/")
    assert page.evaluate(found) == [False, "undefined"]
    page.goto(SITE)
    assert page.evaluate(found) == [True, "function"]
    context.close()


# From the command line.


@pytest.fixture
def command(app: LiveApp, executable: str) -> Callable[..., subprocess.Popen]:
    """Begins `ncengine export --film` on the finished run."""
    key = Store(app.cache).open(RunConfig(**FINISHED)).key
    whose = {True: [], False: [key]}
    env = {**app.env, "CHROMIUM": executable, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}

    def begin(file: Path, *more: str) -> subprocess.Popen:
        of = whose["--story" in more]
        words = [sys.executable, "-m", "ncengine.cli", "export", *of, "--film", str(file), *more]
        return subprocess.Popen(
            words, env=env, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return begin


def test_the_command_makes_one(command, tmp_path):
    file = tmp_path / "film.mp4"
    more = ("--film-seconds", "2", "--film-rate", "60", "--film-theme", "dark")
    process = command(file, *more)
    out, said = process.communicate(timeout=180)
    assert (process.returncode, out.strip(), said) == (0, str(file), "")
    stream, pictures = read(file.read_bytes())
    assert len(pictures) == 120 and seconds(stream) == 2
    assert np.abs(shown(pictures[-1])[2:6, 2:6] - DARK).max() < 8
    assert list(tmp_path.iterdir()) == [file]


def test_a_story_is_filmed_step_by_step(command, tmp_path):
    query = {name: str(value) for name, value in FINISHED.items()}
    steps = (
        # It plays up to the step's moment: a share of the film.
        Step(page="Explore", query={**query, "epoch": "10"}, caption="It plays.", plays="training"),
        Step(page="Explore", query={**query, "epoch": "0"}, caption="It stands still."),
    )
    (tmp_path / "tale.json").write_text(Story(title="A tale", steps=steps).as_json())
    file = tmp_path / "films" / "tale.mp4"
    file.parent.mkdir()
    process = command(file, "--story", str(tmp_path / "tale.json"))
    out, said = process.communicate(timeout=300)
    assert (process.returncode, out.strip(), said) == (0, str(file), "")
    stream, pictures = read(file.read_bytes())
    assert len(pictures) == stream.frames and (stream.width, stream.height) == SIZES["720p"]
    # Three seconds of each step, and what the first one plays.
    plays = len(pictures) - 2 * 90
    assert 0 < plays <= 6 * 30
    figure = np.s_[130:480, 150:600]
    begins, plays_on, ends, other = (
        shown(pictures[n])[figure] for n in (0, plays // 2, plays, len(pictures) - 1)
    )
    assert np.abs(begins - plays_on).max() > 60 and np.abs(plays_on - ends).max() > 60
    # The second stands where the first began.
    assert np.abs(begins - other).mean() < 2 < np.abs(begins - ends).mean()
    assert np.abs(shown(pictures[0])[630:700] - shown(pictures[-1])[630:700]).max() > 60


def said_by_the_end(process: subprocess.Popen) -> str:
    """What it said on stderr. One that does not end is had to say where it stands."""
    try:
        return process.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        return process.communicate(timeout=60)[1]


def test_who_stops_the_command_keeps_the_file_that_was_there(command, tmp_path):
    file = tmp_path / "film.webp"
    file.write_bytes(b"before")
    process = command(file, "--film-size", "4k", "--film-seconds", "120")
    wait_until(lambda: len(list(tmp_path.iterdir())) > 1, "nothing was begun")
    os.killpg(process.pid, signal.SIGINT)
    said = said_by_the_end(process)
    assert (process.returncode, said) == (130, "ncengine: stopped\n")
    assert list(tmp_path.iterdir()) == [file] and file.read_bytes() == b"before"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_drives_the_browser_may_end(command, tmp_path):
    process = command(tmp_path / "film.mp4", "--film-seconds", "120")
    wait_until(lambda: len(list(tmp_path.iterdir())) > 0, "nothing was begun")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: bool(children.read_text()), "nothing drives a browser")
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    said = said_by_the_end(process)
    assert process.returncode == 1 and said.startswith(f"ncengine: --film {tmp_path}/film.mp4: ")
    assert "fault of the program" not in said and len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_what_the_browser_cannot_make_is_refused(app, command, tmp_path):
    process = command(tmp_path / "no" / "film.mp4")
    assert "no such file or directory" in process.communicate(timeout=120)[1]
    assert process.returncode == 1


def test_free_features_have_no_layers_to_film(app, executable, tmp_path):
    shipped = ROOT / "cache" / "gallery"
    entries = Gallery(shipped).entries()
    free = next(one["key"] for one in entries if one["config"].get("architecture") == "UFM")
    words = ("export", free, "--film", str(tmp_path / "film.webm"), "--film-over", "layers")
    done = subprocess.run(
        [sys.executable, "-m", "ncengine.cli", *words], timeout=180, capture_output=True, text=True,
        env={**app.env, "CHROMIUM": executable, "NCENGINE_GALLERY": str(shipped)}, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1 and "there are no layers to go over" in done.stderr
    assert "once training rests" not in done.stderr and not list(tmp_path.iterdir())
