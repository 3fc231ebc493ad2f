"""The server itself: under which names it answers, whom it reaches, and how Ctrl-C ends it."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit import config, net_util

from app.engine import crossing, files, limits, reruns
from app.engine.channel import OwnMessages
from ncengine.jobs.longest import longest_queue

logger = logging.getLogger(__name__)

# For which Ctrl-C waits for answers that are under way. Who takes none of it, such as a phone that
# fell asleep amid a page, would keep the server for ever.
LAST_ANSWERS_SECONDS = 3
WARNING = (
    "This server can be reached from other machines, and whoever reaches it can train and delete. "
    f"{limits.PUBLIC}=1 limits that."
)


class _OwnNames(TrustedHostMiddleware):
    """For plain requests; a page's channel is guarded by Streamlit, its origin too.

    It is made as the server starts, when all is said of how it is configured.
    """

    def __init__(self, app: Any):
        names = [name.strip() for name in config.get_option("server.allowedHosts")]
        super().__init__(app, allowed_hosts=names or ["*"], www_redirect=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        guarded = scope["type"] == "http"
        await (super().__call__ if guarded else self.app)(scope, receive, send)


def guard() -> list[Middleware]:
    """What answers requests under any other name than those allowed, with an error; and messages
    that no page of this app sends, with nothing.

    Streamlit asks `server.allowedHosts` for a page's channel alone.

    Raises:
        SystemExit: a variable holds no limit, or no number of processes; says which.
    """
    try:
        public = limits.limits() is not None
        longest_queue()
        _look_at_workers()
    except ValueError as error:
        raise SystemExit(f"{error}.") from None
    # To judge a request of a page from elsewhere, Streamlit would ask a machine outside for this
    # one's address. It has none that the app listens on.
    net_util.get_external_ip = lambda: None
    files.hold_what_is_wanted()
    files.hold_answers()
    reruns.draw_all_that_is_asked()
    crossing.hold_what_was_set()
    if public:
        files.hold_few_uploads()
    return [Middleware(_OwnNames), Middleware(OwnMessages)]


def _look_at_workers() -> None:
    """Raises ValueError where the variable that says how many train holds no such number."""
    if "NCENGINE_WORKERS" in os.environ:  # else what it takes to import that would be waited for
        from ncengine.jobs.shards import worker_count

        worker_count()


def reaches_beyond() -> bool:
    """Whether it listens where other machines can reach it."""
    address = config.get_option("server.address")
    if not address:
        return True  # on every interface
    if address == "localhost":
        return False
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True


@asynccontextmanager
async def ended_by_a_key(_: object) -> AsyncIterator[None]:
    """While the server runs, Ctrl-C is the way to end it, and no accident to be told.

    When it starts, its log says if others than this machine reach it and may do everything.
    Uvicorn ends its work, then has the signal strike, which Streamlit's command calls "Aborted!".
    """
    public = limits.limits() is not None
    if public:
        # What is uploaded lies in memory. Only stories are.
        config.set_option("server.maxUploadSize", 1)
    elif reaches_beyond():
        logger.warning(WARNING)
    uvicorn: Any = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    if hasattr(uvicorn, "should_exit"):
        loop = asyncio.get_running_loop()

        def end(*_: object) -> None:
            # Who presses it twice does not want to wait.
            uvicorn.force_exit = uvicorn.should_exit
            uvicorn.should_exit = True
            # This may interrupt the loop itself.
            loop.call_soon_threadsafe(
                lambda: loop.call_later(LAST_ANSWERS_SECONDS, _hang_up, uvicorn)
            )

        signal.signal(signal.SIGINT, end)
    yield


def _hang_up(uvicorn: Any) -> None:
    """Break off every connection. What answers there hears so, and ends as when a reader leaves."""
    for connection in list(uvicorn.server_state.connections):
        connection.transport.abort()
