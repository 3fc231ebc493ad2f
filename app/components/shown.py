"""A run as a page shows it, with all that is said of it: one look, one value."""

from __future__ import annotations

from dataclasses import dataclass

from app.components import automatic, requests
from app.engine import data, runs
from ncengine.analysis.bounds import Bound
from ncengine.config import RunConfig
from ncengine.runs.glance import Glance
from ncengine.runs.identity import Identity, identify
from ncengine.runs.run import Run, Status

# For so many seconds after a click on Train the player has the browser to itself.
HEAD_START = 0.7


@dataclass(frozen=True)
class Shown:
    """What is drawn of a run needs this, and nothing else of the store or the session.

    Attributes:
        run: what there is to be seen; where the run meant rests, perhaps another in its place.
        asked: what was asked for: of another configuration where what is shown took its place in
            the gallery, since it started from a neighbour's network and came lower.
        today: how the run of `asked` stands that is trained here and now.
        version: of an earlier engine, which computed it; None of the engine as it is.
        on_other_data: whether its data were other files than those meant here and now.
        passes_before: where nobody has trained it, how many passes of its training are done.
        waits_for_room: whether it goes on by itself once something can be written again.
        waits_for: what is missing for training to go on, in words; "" where nothing is.
        lacks_data: whether its data set has to be fetched first, and nothing can be shown.
        trouble: why what was asked for last could not be done; "" where it could.
        stopping: whether it was asked to stop a moment ago.
        begins: whether it was picked, and begins by itself, now or in a moment.
        held_back: a sentence, with a space after it, where it was picked and does not; else "".
        has_just_begun: whether its first points are to move before all else is drawn.
        convicted_by: what proves it to be at no optimum, see `analysis.bounds`; None: nothing.
        welcomes: whether its picture stands above all else, for who came without a link.
    """

    run: Run
    asked: RunConfig
    today: Glance
    version: str | None = None
    on_other_data: bool = False
    passes_before: int = 0
    waits_for_room: bool = False
    waits_for: str = ""
    lacks_data: bool = False
    trouble: str = ""
    stopping: bool = False
    begins: bool = False
    held_back: str = ""
    has_just_begun: bool = False
    convicted_by: Bound | None = None
    welcomes: bool = False

    @property
    def stands_in(self) -> bool:
        """Whether it is shown for want of one that was trained here with the engine as it is."""
        return self.run.from_elsewhere or self.version is not None

    @property
    def started_elsewhere(self) -> bool:
        """Whether it started from another network than what was asked for."""
        return self.asked != self.run.config


def look(spec: RunConfig | Identity, *, welcomes: bool = False) -> Shown:
    """What a page shows of a run now.

    Args:
        spec: which run; of an identity that very one, for as long as there is one.
        welcomes: whether, once it is done, its picture is to stand above all else.
    """
    run = runs.look(spec)
    config, status = run.config, run.status
    if not status.busy:
        requests.has_stopped(config)
    version = runs.of_earlier_engine(run)
    stands_in = run.from_elsewhere or version is not None
    asked = spec if isinstance(spec, RunConfig) else config
    today = runs.of_today(asked) if stands_in else Glance(status, run.passes, run.error)
    begins = automatic.waits(run)
    return Shown(
        run,
        asked,
        today,
        version=version,
        on_other_data=runs.on_other_data(run),
        passes_before=0 if run.points or status.busy else runs.passes_before(config),
        waits_for_room=bool(runs.waits_for_room(identify(config).key)),
        waits_for=runs.jobs().waits_for,
        lacks_data=not run.points and not status.busy and data.needs_download(config),
        trouble=requests.trouble(config),
        stopping=requests.is_stopping(config),
        begins=begins,
        held_back="" if begins else automatic.why_it_waits(run),
        has_just_begun=status.busy and requests.seconds_since_the_last() < HEAD_START,
        convicted_by=runs.convicted_by(run) if status is Status.DONE else None,
        welcomes=welcomes and status is Status.DONE,
    )
