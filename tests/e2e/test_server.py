"""What becomes of a run when its server ends, by force or by Ctrl-C."""

from __future__ import annotations

import sys

import pytest

from tests.e2e.conftest import ACCIDENTS, assert_ends_cleanly
from tests.e2e.live_app import LiveApp
from tests.e2e.pages import ENDLESS, SMALL, expect_progress, expect_status, open_page, train

QUERY = {**SMALL, "solver": "Adam", "epochs": 3000, "seeds": 1, "data_seed": 9}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_runs_outlive_a_killed_server_and_end_with_an_interrupted_one(tmp_path, new_context):
    app = LiveApp(tmp_path / "cache").start().wait()
    try:
        page = open_page(new_context().new_page(), app, **QUERY)
        train(page)
        expect_status(page, "Training")
        expect_progress(page)
        page.close()
        app.kill()

        app.start().wait()
        page = open_page(new_context().new_page(), app, **QUERY)
        expect_status(page, "Done")
        expect_status(page, "3,000 passes")
        open_page(page, app, **ENDLESS)
        train(page)
        expect_progress(page)
        page.close()
        # A killed server cannot hand its semaphores back; joblib does, and says so.
        assert_ends_cleanly(app, tuple(word for word in ACCIDENTS if word != "leaked"))

        # The next server takes up what the last one left.
        app.start().wait()
        page = open_page(new_context().new_page(), app, **ENDLESS)
        expect_progress(page)
        page.close()
    finally:
        app.end()
