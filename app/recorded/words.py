"""What is said of a recording in a few words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.components import clock, text
from app.player.wire import MAX_CLASSES
from app.recorded.seen import too_many
from ncengine.runs.recorded import About, Recording

if TYPE_CHECKING:
    from ncengine.analysis.projection import Projection

LONGEST_TITLE = 120  # characters
# Beside the figures, where a training leads to no simplex.
_IDEAL = {
    "code": "**More classes than fit a simplex** (K > d + 1). What the literature measures there "
    "is how far each class is from the others, by the one-vs-rest margin, and how alike two can "
    "be, by the coherence. NC2 to a simplex would mislead, and is not shown.",
    "seli": "**Classes of unequal size** lead to the SELI figure, and not to a simplex. NC2 to a "
    "simplex would mislead: in its place is how far the classifier’s rows are from SELI.",
}


def title(about: About) -> str:
    """What it is called, on one line that is not too long, as Markdown."""
    name = " ".join(about.name.split())
    short = name if len(name) <= LONGEST_TITLE else f"{name[: LONGEST_TITLE - 1]}…"
    return text.plain(short)


def facts(recording: Recording) -> list[str]:
    """What it is of, as Markdown, in parts."""
    about = recording.about
    parts = [f"**{state(recording.live, recording.ended, about)}**", *size(about)]
    if about.head:
        parts.append(f"head {text.plain(about.head)}")
    count = len(recording.steps)
    if count:
        last = text.place(float(recording.steps[-1]))
        parts.append(f"{count:,} snapshot{'s' * (count > 1)}, the last at step {last}")
    if recording.replaced:
        parts.append(f"{recording.replaced:,} more of steps that were recorded again")
    parts.append(day(about))
    return parts


def size(about: About) -> list[str]:
    """Its numbers of classes and of features."""
    return [f"{about.classes} classes", f"d = {about.width:,}"] if about.classes else []


def state(live: bool, ended: bool, about: About) -> str:
    """Whether more is to come."""
    if about.origin == "files":
        return "From files"
    if live:
        return "Being recorded"
    return "Recorded" if ended else "Ended without a word"


def day(about: About) -> str:
    """The viewer's day on which it began."""
    return clock.day(datetime.fromtimestamp(about.begun, UTC).isoformat())


def ideal(about: About) -> str:
    """Why it has another NC2 than others, as Markdown; "" where it has the same."""
    return _IDEAL.get(about.ideal, "")


def floor(about: About) -> str:
    """What there is to say of a floor, as Markdown; "" where nobody asked for one."""
    if about.floor is not None:
        return (
            f"**Floor {text.number(about.floor)}**: features lie on LayerNorm’s sphere and classes "
            "are of one size, so no network of whatever depth comes below it with its fit and its "
            "last layer’s decay."
        )
    if about.without_floor and about.weight_decay is not None:
        return f"**No floor**: {text.plain(about.without_floor)}"
    return ""


ONE_SNAPSHOT = "It has one snapshot: curves begin with the second."
_NO_FEATURES = "No features were kept of it, so there are no points to show."
_NOTHING_SEEN = "Its features are all at one place, or no numbers: there is nothing to draw."
_TOO_MANY = (
    f"The player shows up to {MAX_CLASSES} classes, and this has more. Its figures are of all of "
    "them."
)


def no_points(recording: Recording) -> str:
    """Why the player has nothing to show of it."""
    if recording.geometry is None:
        return _NO_FEATURES
    return _TOO_MANY if too_many(recording) else _NOTHING_SEEN


def of_film(recording: Recording, film: Projection) -> str:
    """What there is to know of the player's frames."""
    first, last = float(film.epoch[0]), float(film.epoch[-1])
    geometry, said = recording.geometry, [DRAWN_ALIKE]
    if (recording.steps < first).any():
        said.append(f"Before step {text.place(first)} {_OTHERS}")
    if geometry is not None and (geometry.epoch > last).any():
        said.append(f"After step {text.place(last)} {_NOT_DRAWN}")
    return " ".join(said)


_OTHERS = "nothing is drawn: no features like the last ones were kept there."
_NOT_DRAWN = "nothing is drawn: features are all at one place there, or no numbers."
DRAWN_ALIKE = (
    "Each snapshot is drawn about the centre of its class means and at one size: where features "
    "lie, and how large they are, changes in training, and collapse does not depend on it."
)
