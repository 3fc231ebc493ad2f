"""The server itself: under which names it answers, and how Ctrl-C ends it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit import config, net_util


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
    """What answers requests under any other name than those allowed, with an error.

    Streamlit asks `server.allowedHosts` for a page's channel alone.
    """
    # To judge a request of a page from elsewhere, Streamlit would ask a machine outside for this
    # one's address. It has none that the app listens on.
    net_util.get_external_ip = lambda: None
    return [Middleware(_OwnNames)]


@asynccontextmanager
async def ended_by_a_key(_: object) -> AsyncIterator[None]:
    """While the server runs, Ctrl-C is the way to end it, and no accident to be told.

    Uvicorn ends its work, then has the signal strike, which Streamlit's command calls "Aborted!".
    """
    uvicorn: Any = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    if hasattr(uvicorn, "should_exit"):

        def end(*_: object) -> None:
            # Who presses it twice does not want to wait.
            uvicorn.force_exit = uvicorn.should_exit
            uvicorn.should_exit = True

        signal.signal(signal.SIGINT, end)
    yield
