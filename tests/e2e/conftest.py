"""The app in a real Chromium: one server for all tests, and an eye on every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

import ncengine
from ncengine.config import RunConfig
from ncengine.runs.store import Store
from tests.e2e.live_app import CHROMIUM_ARGUMENTS, LiveApp, chromium, wait_until
from tests.e2e.pages import EXACT, FINISHED, PATIENCE

# What a log says when something went wrong with a process.
ACCIDENTS = ("Traceback", "terminate called", "Aborted", "leaked")

# How soon something shows says how busy the machine is.
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session", autouse=True)
def executable() -> str:
    """Chromium's path; without one, all tests here are skipped."""
    found = chromium()
    if found is None:
        pytest.skip("no Chromium or Chrome on this machine: sh tests/e2e/chromium.sh installs it")
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(executable: str) -> dict:
    return {"executable_path": executable, "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args() -> dict:
    # Films that nobody waits for take a core each: `moving` is for tests of them.
    size = {"width": 1280, "height": 800}
    return {"viewport": size, "color_scheme": "light", "reduced_motion": "reduce"}


@pytest.fixture
def moving(page: Page) -> Page:
    """A page that may move by itself."""
    page.emulate_media(reduced_motion="no-preference")
    return page


@pytest.fixture(scope="session")
def app(tmp_path_factory, executable: str) -> Iterator[LiveApp]:
    """A server with two finished runs in its cache, which must end without a trace."""
    # As many processes train on every machine, so that a third run has to wait.
    app = LiveApp(tmp_path_factory.mktemp("e2e") / "cache", env={"NCENGINE_WORKERS": "2"})
    store = Store(app.cache)
    for query in (FINISHED, EXACT):
        ncengine.run(RunConfig(**query), store=store)
    app.start().wait()
    try:
        yield app
        assert_ends_cleanly(app)
    finally:
        app.end()


@pytest.fixture(scope="session")
def shipped(tmp_path_factory, executable: str) -> Iterator[LiveApp]:
    """A server with what is shipped, no data set, and at first an empty cache."""
    folder = tmp_path_factory.mktemp("gallery")
    env = {"NCENGINE_GALLERY": None, "NCENGINE_DATA": str(folder / "data")}
    app = LiveApp(folder / "cache", env=env)
    app.start().wait()
    try:
        yield app
        assert_ends_cleanly(app)
    finally:
        app.end()


def assert_ends_cleanly(app: LiveApp) -> None:
    """Ctrl-C ends server and workers, and nothing is said of an accident."""
    app.interrupt()
    wait_until(lambda: not app.processes(), "some process outlived the server", 20)
    for word in ACCIDENTS:
        assert word not in app.said(), app.said()


@pytest.fixture(autouse=True)
def _nothing_left_to_train(app: LiveApp) -> Iterator[None]:
    """Each test finds an idle worker."""
    yield
    store = Store(app.cache)

    def idle() -> bool:
        runs = [(store.open(identity), journal) for identity, journal in store.journals()]
        busy = [journal for run, journal in runs if run.status.busy]
        for journal in busy:
            journal.request("cancel")
        return not busy

    wait_until(idle, "a run that was asked to stop went on")


BELOW = ("depth", "library", "stories", "compare", "theory", "recorded")


def _is_one(line: ConsoleMessage) -> bool:
    """Whether it is a complaint; that Streamlit does not find its server below a page is none."""
    below = any(f"/{page}/_stcore/" in line.location["url"] for page in BELOW)
    return line.type == "error" and not below


class Eye:
    """Sees what the pages of a context complain of, and whom they ask for anything."""

    def __init__(self, context: BrowserContext):
        self.asked, self.complaints = set(), []
        context.on("request", lambda request: self.asked.add(urlsplit(request.url).hostname))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", self._hear)

    def _hear(self, line: ConsoleMessage) -> None:
        if _is_one(line):
            self.complaints.append(line.text)

    def assert_all_is_well(self) -> None:
        """No page complained or asked for anything beyond this machine, since the last call."""
        asked, complaints = set(self.asked), list(self.complaints)
        self.asked.clear()
        self.complaints.clear()
        assert complaints == []
        # Without a host: data: and blob:, which are no requests to anyone.
        assert asked <= {"127.0.0.1", None}


@pytest.fixture(scope="session")
def reader(browser: Browser, browser_context_args: dict) -> Iterator[tuple[BrowserContext, Eye]]:
    """Whose pages they are: one for all tests, who has fetched the app's scripts before."""
    context = browser.new_context(**browser_context_args)
    yield context, Eye(context)
    context.close()


@pytest.fixture
def page(reader: tuple[BrowserContext, Eye], browser_context_args: dict) -> Iterator[Page]:
    """A page for each test, of a reader who remembers nothing of the last one.

    It is the same tab for all: its process has compiled the app's scripts before.
    """
    context, eye = reader
    page = context.pages[0] if context.pages else context.new_page()
    page.set_viewport_size(browser_context_args["viewport"])
    looks = {name: browser_context_args[name] for name in ("color_scheme", "reduced_motion")}
    page.emulate_media(**looks)
    yield page
    for opened in context.pages[1:]:
        opened.close()
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.goto("about:blank")
    eye.assert_all_is_well()


@pytest.fixture
def new_context(browser: Browser, browser_context_args: dict) -> Iterator[Callable]:
    """Contexts for readers with another screen, and for those who were never here."""
    made = []

    def make(**options) -> BrowserContext:
        context = browser.new_context(**{**browser_context_args, **options})
        made.append((context, Eye(context)))
        return context

    yield make
    for context, _ in made:
        context.close()
    for _, eye in made:
        eye.assert_all_is_well()
