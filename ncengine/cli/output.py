"""How the command line writes numbers and JSON, and shows how far it has come."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncengine.jobs.sweep import Progress

# So many steps has the bar, whose length is the work to be done.
STEPS = 1000


def number(value: float) -> str:
    """Four digits; an infinite one as ∞."""
    return "∞" if value == math.inf else f"{value:.4g}"


def plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null and "Infinity", which float() reads."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value).replace("inf", "Infinity")
    return value


def counted(runs: int) -> str:
    """ "1 run", "2 runs"."""
    return "1 run" if runs == 1 else f"{runs} runs"


@contextmanager
def bar(runs: int, show: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A bar over the work of the whole sweep; gives what takes its progress."""
    from tqdm import tqdm

    form = "{l_bar}{bar}| {postfix}"
    with tqdm(total=STEPS, disable=not show, file=sys.stderr, bar_format=form) as shown:
        shown.set_description(counted(runs))

        def progress(now: Progress) -> None:
            left = "" if now.seconds_left is None else f", {_duration(now.seconds_left)} left"
            shown.set_postfix_str(f"{now.ended} of {counted(now.runs)}{left}", refresh=False)
            shown.update(round(STEPS * now.share) - shown.n)
            shown.refresh()

        yield progress if show else None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes}:{rest:02d}"


def write_line(line: str, file: Any = None) -> None:
    """Print a line above the bar, if there is one."""
    from tqdm import tqdm

    tqdm.write(line, file=file or sys.stdout)
