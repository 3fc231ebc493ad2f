"""Under which names the server answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit import config, net_util

if TYPE_CHECKING:
    from starlette.middleware import Middleware


def guard() -> list[Middleware]:
    """What answers requests under any other name than those allowed, with an error.

    Streamlit asks `server.allowedHosts` for a page's channel alone; this asks it for everything.
    """
    # To judge a request of a page from elsewhere, Streamlit would ask a machine outside for this
    # one's address. It has none that the app listens on.
    net_util.get_external_ip = lambda: None
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    names = [name.strip() for name in config.get_option("server.allowedHosts")]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=names or ["*"], www_redirect=False)]
