"""A public server, its visitors in browsers of their own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import ncengine
from ncengine.config import RunConfig
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.e2e.live_app import LiveApp
from tests.e2e.pages import ENDLESS, FINISHED, expect_progress, open_page, train


def test_one_visitor_does_not_stop_what_another_trains(tmp_path, browser, browser_context_args):
    # Whatever is estimated, it is more than nothing, and less than for ever.
    env = {"NCENGINE_WORKERS": "1", "NCENGINE_PUBLIC": "1", "NCENGINE_PUBLIC_SECONDS": "1e15"}
    app = LiveApp(tmp_path / "cache", env=env)
    ncengine.run(RunConfig(**FINISHED), store=Store(app.cache))  # by which others are judged
    app.start().wait()
    one, other = (browser.new_context(**browser_context_args).new_page() for _ in range(2))
    try:
        open_page(one, app, **ENDLESS)
        expect(one.get_by_text("This is a public server")).to_be_visible()
        train(one)
        expect_progress(one)
        open_page(other, app, **ENDLESS)
        stop = other.get_by_role("button", name="Stop")
        expect(stop).to_be_disabled()
        stop.hover(force=True)
        expect(other.get_by_role("tooltip")).to_contain_text("can be stopped by the visitor who")
        assert Store(app.cache).open(RunConfig(**ENDLESS)).status is Status.RUNNING
        one.get_by_role("button", name="Stop").click()
        expect(one.get_by_role("button", name="Continue")).to_be_enabled()
    finally:
        for page in (one, other):
            page.context.close()
        app.end()


@pytest.mark.parametrize("name", ["NCENGINE_PUBLIC", "NCENGINE_PUBLIC_SECONDS"])
def test_a_server_does_not_start_with_limits_that_are_none(tmp_path, name):
    app = LiveApp(tmp_path / "cache", env={name: "some"})
    try:
        with pytest.raises(RuntimeError, match="the server ended"):
            app.start().wait()
        assert f"{name} = 'some': must be " in app.said()
        assert "Traceback" not in app.said()
    finally:
        app.end()


def test_a_server_that_others_reach_says_so_in_its_log_and_on_the_page(
    tmp_path, browser, browser_context_args
):
    app = LiveApp(tmp_path / "cache", env={"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"})
    page = browser.new_context(**browser_context_args).new_page()
    said = "This server can be reached from other machines"
    try:
        app.start().wait()
        assert said in app.said()
        open_page(page, app)
        expect(page.get_by_text(said)).to_be_visible()
    finally:
        page.context.close()
        app.end()
