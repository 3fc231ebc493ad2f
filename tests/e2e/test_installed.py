"""The wheel alone: the app from any folder, in its own looks, with all that is shipped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e import installed
from tests.e2e.conftest import assert_ends_cleanly
from tests.e2e.installed import InstalledApp
from tests.e2e.live_app import ROOT, wait_until
from tests.e2e.pages import open_page, pixels
from tests.e2e.test_server import asked, handshake

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for commands in bin/")

SHIPPED = ("ncengine", "app", ".streamlit", "cache/gallery", "cache/stories")
MOST_BYTES = 20e6  # of the wheel, apart from the gallery


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return installed.built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def started(wheel, tmp_path_factory) -> Iterator[InstalledApp]:
    folder = tmp_path_factory.mktemp("installed")
    app = InstalledApp(installed.environment(folder / "venv", wheel), folder / "home")
    # A package of the same name, as others install one.
    other = package(app).with_name("app")
    other.mkdir()
    (other / "__init__.py").write_text("raise ImportError('this is someone else')")
    app.start().wait()
    try:
        yield app
        assert_ends_cleanly(app)
        assert app.process.returncode == 0
    finally:
        app.end()


def tracked() -> set[str]:
    """The repository's files of which the wheel is made."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *SHIPPED], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("no repository of git's here")
    # What was deleted and is not committed yet is not there to be packed.
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def in_the_wheel(name: str) -> str:
    return name if name.startswith("ncengine/") else f"ncexplorer/{name}"


def test_the_wheel_has_every_file_that_is_shipped_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        sizes = {one.filename: one.compress_size for one in archive.infolist()}
    wanted = set(map(in_the_wheel, tracked()))
    # Files that nobody has committed yet are packed too, unless they are ignored.
    assert wanted <= packed
    assert {name.split("/")[0] for name in packed} == {"ncengine", "ncexplorer"}
    assert not [name for name in packed if "__pycache__" in name]
    gallery = sum(size for name, size in sizes.items() if "/cache/gallery/" in name)
    assert gallery > 1e6 and wheel.stat().st_size - gallery < MOST_BYTES


def test_a_wheel_can_be_built_of_the_source_distribution(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    others = {"pyproject.toml", "LICENSE", "README.md", "constraints.txt", "Makefile"}
    assert tracked() | others <= names


def test_it_is_the_wheel_that_is_used_and_no_checkout(started):
    code = "import ncengine, app; print(ncengine.__file__, app.__file__)"
    python = str(started.commands / "python")
    # As the app is found, and by that alone.
    path = f"import sys; sys.path.insert(0, {str(package(started))!r}); "
    done = subprocess.run(
        [python, "-c", path + code], cwd="/", env=started.env, capture_output=True, text=True
    )
    environment = str(started.commands.parent)
    assert all(name.startswith(environment) for name in done.stdout.split()), done


def package(app: InstalledApp) -> Path:
    (folder,) = app.commands.parent.glob("lib/python3*/site-packages/ncexplorer")
    return folder


def test_the_gallery_moves_in_the_apps_own_looks(started, moving):
    open_page(moving, started)
    expect(moving.get_by_role("heading", level=2)).to_contain_text("MNIST")
    before = pixels(moving)
    wait_until(lambda: pixels(moving) != before, "the player stands still")
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    family = theme["fontFaces"][0]["family"]
    moving.wait_for_function(
        "(family) => [...document.fonts].some((face) => face.family.includes(family)"
        " && face.status === 'loaded')",
        arg=family,
    )
    font = moving.get_by_role("heading", level=2).evaluate("e => getComputedStyle(e).fontFamily")
    assert font.replace('"', "").startswith(family)
    sidebar = moving.get_by_test_id("stSidebar")
    expect(sidebar).to_have_css("background-color", rgb(theme["light"]["sidebar"]))
    expect(moving.get_by_test_id("stApp")).to_have_css("background-color", rgb(theme["light"]))


def rgb(section: dict) -> str:
    color = section["backgroundColor"].removeprefix("#")
    return f"rgb({', '.join(str(int(color[n : n + 2], 16)) for n in (0, 2, 4))})"


def test_the_stories_came_along(started, page):
    path = min((ROOT / "cache" / "stories").glob("*.json"))
    step = json.loads(path.read_text("utf-8"))["steps"][0]
    page.goto(started.url(story=path.stem.partition("-")[2], step=1, present=1))
    said = " ".join(step["caption"].split())
    expect(page.locator(".story-caption p")).to_have_text(said, use_inner_text=True)


def test_no_other_name_is_answered(started):
    for path in ("/", "/_stcore/health"):
        assert asked(started, path, "localhost") == 200
        assert asked(started, path, "rebound.example") == 400
    host = f"rebound.example:{started.port}"
    assert " 403 " in handshake(started, host, f"http://{host}")


def test_who_opens_it_to_others_is_told_and_names_are_kept_to(started, tmp_path):
    listens = ("--host", "0.0.0.0", "--allowed-hosts", "class.example")
    app = InstalledApp(started.commands, tmp_path / "home", *listens).start().wait()
    try:
        assert asked(app, "/", "class.example") == 200
        assert asked(app, "/", "rebound.example") == 400
        host = f"class.example:{app.port}"
        assert " 101 " in handshake(app, host, f"http://{host}")
        assert_ends_cleanly(app)
        assert app.process.returncode == 0
        assert app.said().count("Whoever reaches 0.0.0.0 can use this app") == 1
    finally:
        app.end()


def test_all_places_are_told(started):
    places = places_of(started)
    shipped, home = package(started), str(started.home)
    for what, path in {
        "app": shipped / "app",
        "gallery": shipped / "cache" / "gallery",
        "stories": shipped / "cache" / "stories",
        "configuration": shipped / ".streamlit" / "config.toml",
    }.items():
        assert Path(places[what]["path"]) == path and places[what]["exists"]
    for what in {*places} - {"app", "gallery", "stories", "configuration"}:
        assert places[what]["path"].startswith(home) and places[what]["writable"]
    assert places["cache"]["variable"] == "NCENGINE_CACHE" and not places["cache"]["set"]


def test_a_training_writes_below_the_users_home_and_not_beside_the_package(started):
    before = written(package(started))
    tiny = "--dataset digits --classes 3 --samples-per-class 6 --width 6 --epochs 20 --warmup 10"
    done = started.run("ncengine", "train", *tiny.split(), "--seeds", "1", "--workers", "1")
    assert done.returncode == 0, done.stderr
    results = places_of(started)["results"]
    assert results["path"].startswith(str(started.home)) and results["bytes"] > 0
    assert written(package(started)) == before


def test_the_gallery_that_came_along_is_left_as_it_is(started):
    before = written(package(started))
    done = started.run("ncengine", "gallery", "build", "--only", "first", "--anew")
    assert done.returncode == 1 and "NCENGINE_GALLERY names another" in done.stderr
    assert written(package(started)) == before


def written(folder: Path) -> dict[Path, int]:
    """When each file of the folder was written, apart from what Python makes of them itself."""
    files = (path for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file())
    return {path: path.stat().st_mtime_ns for path in files}


def places_of(app: InstalledApp) -> dict[str, dict]:
    told = app.run("ncengine", "where", "--json")
    return {one["what"]: one for one in json.loads(told.stdout)}


def test_the_release_is_told(started):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = started.run("ncengine", "--version")
    assert told.stdout.startswith(f"ncengine {project['version']}, engine ")


def test_by_the_distributions_name_it_is_the_app(started):
    """As `uvx` and `pipx run` start it, who look for a command of that name."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = started.run("neural-collapse-explorer", "--headless", "--port", port)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"ncengine: --port {port}: cannot be listened on: ")
    assert os.linesep not in done.stderr.strip()
