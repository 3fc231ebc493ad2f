"""What a page asks of a public server before it offers anything; nothing is refused by others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.engine import runs
from app.engine.limits import Deed, limits, refused
from ncengine.config import RunConfig
from ncengine.runs.identity import Identity, identify

if TYPE_CHECKING:
    from app.engine.admission import PublicQueue


def why_not(deed: Deed) -> str:
    """Why nobody may do that here, be it a visitor's or not, in words; "" where one may."""
    return refused(deed, limits())


def why_not_train(configs: Sequence[RunConfig]) -> str:
    """Why this visitor may not have all of them trained now, in words; "" where they may."""
    queue = _queue()
    return "" if queue is None else queue.why_not_train(configs)


def why_not_stop(spec: RunConfig | Identity) -> str:
    """Why this visitor may not have that run stopped, in words; "" where they may."""
    queue = _queue()
    return "" if queue is None else queue.why_not_stop(identify(spec))


def overran(config: RunConfig) -> str:
    """What is said of a run that was stopped since it took too long; "" of others."""
    queue = _queue()
    return "" if queue is None else queue.overran(identify(config).key)


def _queue() -> PublicQueue | None:
    """The queue; None of a server that is not public."""
    if limits() is None:
        return None
    from app.engine.admission import PublicQueue

    queue = runs.jobs()
    return queue if isinstance(queue, PublicQueue) else None
