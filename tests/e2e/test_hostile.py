"""A public server, and visitors who send it what no page sends."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

import ncengine
from ncengine.config import RunConfig
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import ENDLESS, FINISHED, SMALL
from tests.e2e.visitor import Visitor

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    # Whatever is estimated, it is more than nothing, and less than for ever.
    limits = {"NCENGINE_PUBLIC": "1", "NCENGINE_PUBLIC_SECONDS": "1e15"}
    cache = tmp_path_factory.mktemp("hostile") / "cache"
    app = LiveApp(cache, env={"NCENGINE_WORKERS": "1", **limits})
    ncengine.run(RunConfig(**FINISHED), store=Store(cache))
    try:
        yield app.start().wait()
    finally:
        app.end()


def test_nobody_ends_what_others_train_by_emptying_the_caches(public):
    trained, store = RunConfig(**ENDLESS), Store(public.cache)
    empty, ask = BackMsg(clear_cache=True), BackMsg()
    ask.backend_operation_request.install_skills.SetInParent()
    with Visitor(public, **ENDLESS) as one, Visitor(public, "library") as other:
        one.look([one.button("Train").id])
        wait_until(lambda: store.open(trained).status is Status.RUNNING, "it does not train")
        said = public.said().count("no page sends")
        for message in (empty, ask):
            other.send(message)
        wait_until(lambda: public.said().count("no page sends") == said + 2, "it was not refused")
        before = store.open(trained).passes
        wait_until(lambda: store.open(trained).passes > before, "it trains no more")
        # Nobody has forgotten whose it is.
        assert not one.look().button("Stop").disabled
        with Visitor(public, **ENDLESS) as third:
            assert third.button("Stop").disabled
        one.look([one.button("Stop").id])
        wait_until(lambda: store.open(trained).status is Status.CANCELLED, "it does not stop")


def test_a_file_that_was_made_waits_for_who_asked_however_busy_others_are(public):
    with Visitor(public, **FINISHED) as one, Visitor(public, "theory") as other:
        address = one.made("Whole run")
        for _ in range(5):
            other.look()
        status, content = one.fetch(address)
        assert status == 200 and content.startswith(b"PK")


def test_who_brings_any_number_of_files_fills_no_memory(public):
    with Visitor(public, "stories") as one:
        before = memory(public)
        assert {one.upload(str(n), b"x" * (MEGABYTE - 1000)) for n in range(150)} == {204}
        assert one.upload("large", b"x" * 2 * MEGABYTE) == 413
        assert memory(public) - before < 50 * MEGABYTE


def test_who_looks_at_what_nobody_has_trained_leaves_no_trace(public):
    shown, kept = [{**SMALL, "width": 10 + n} for n in range(3)], identify(RunConfig(**FINISHED))
    for query in shown:
        with Visitor(public, **query):
            pass
    seen = public.cache / "seen"
    (seen / kept.key).unlink(missing_ok=True)
    with Visitor(public, **FINISHED):
        # Once in some seconds it is written what was looked at by then.
        wait_until(lambda: (seen / kept.key).exists(), "it is not written what was seen")
    left = {path.name for path in seen.iterdir()}
    assert not left & {identify(RunConfig(**query)).key for query in shown}


def memory(app: LiveApp) -> int:
    """Bytes that the server's process takes."""
    status = Path(f"/proc/{app.process.pid}/status")
    if not status.exists():
        pytest.skip("where there is no /proc")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return 1024 * int(line.split()[1])
