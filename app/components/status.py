"""What a run's status means to a reader, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.components import download, facts, outcome, requests, text
from app.components.shown import Shown
from app.engine import data, derived, library, public, runs
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import Problem, RunConfig
from ncengine.runs.run import Status
from ncengine.theory.optimum import why_no_figure

# Every state takes the same height, so that nothing below jumps when one becomes another.
BAR_HEIGHT = 46
BUTTON_WIDTH = 150


def draw(shown: Shown, pick: Callable[[RunConfig], None]) -> None:
    """Status, progress and buttons, or what came of it; tells of diverged seeds.

    `pick` has the page show another configuration.
    """
    run = shown.run
    requests.draw_trouble(shown.trouble)
    if run.status is Status.ABSENT:
        _invite(shown, pick)
        return
    _of_earlier_engine(shown, pick)
    _what_failed_here(shown)
    if run.status is Status.DONE:
        outcome.draw(shown, pick)
    else:
        _BARS[run.status](shown)
    for trouble in outcome.troubles(run):
        st.warning(trouble)


def draw_brief(shown: Shown, side: str, pick: Callable[[RunConfig], None]) -> None:
    """How a run stands, in a line or two, where there is another beside it.

    `side` tells its buttons apart from the other's; `pick` has this side show another run.
    """
    run = shown.run
    requests.draw_trouble(shown.trouble)
    if shown.lacks_data:
        download.draw(run.config, f"download{side}")
    elif run.status is Status.ABSENT:
        _invite_briefly(shown, side, pick)
    elif run.status is Status.DONE:
        told = facts.where_from(run) + facts.what_it_took(run) + facts.what_is_odd(shown)
        st.caption(" · ".join(told))
    else:
        _BARS[run.status](shown, side)


def _invite_briefly(shown: Shown, side: str, pick: Callable[[RunConfig], None]) -> None:
    config, done = shown.run.config, shown.passes_before
    with bar(side):
        _train_button(config, "Continue" if done else "Train", side)
        _offer_more_seeds(config, pick, side)
    if problem := _problem(config):
        st.error(problem)
        return
    if refused := _refused(config):
        st.caption(refused)
        return
    so_far = f"Trained for {text.passes(done)} so far. " if done else "Not trained yet. "
    (words,) = time_estimate(config, or_why_not=True)
    st.caption(f"{so_far}{words[0].upper()}{words[1:]}.")


def _of_earlier_engine(shown: Shown, pick: Callable[[RunConfig], None]) -> None:
    if shown.version is None or shown.run.from_elsewhere:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="earlier"):
        st.markdown(
            f":gray-badge[:material/history: Version {text.plain(shown.version)}] An earlier "
            "version of the engine computed this, and did not record all that is recorded now.",
            width="stretch",
        )
        why = "With the engine as it is now. The old result stays."
        _train_again(shown, "Train anew", why, pick)


def _what_failed_here(shown: Shown) -> None:
    """What went wrong with a training in whose place another run is shown."""
    if not shown.stands_in:
        return
    now = shown.today
    if now.status is Status.FAILED:
        st.error(f"**Training it here failed.** {text.plain(now.error or 'The log has more.')}")
    if now.status is Status.INTERRUPTED:
        _what_is_in_the_way(shown)


def draw_train_here(shown: Shown, pick: Callable[[RunConfig], None]) -> None:
    """Of a run of the gallery, or an imported one, the button that trains it on this machine.

    Where it has been, and the other was asked for by name, `pick` shows it.
    """
    if shown.run.from_elsewhere:
        label, why = "Train it here", "On this machine; keeps every seed’s geometry."
        if shown.started_elsewhere:
            label = "Train it from random weights"
            why = "On this machine; it ends where a neighbour’s network proves that it is too high."
        _train_again(shown, label, why, pick)


def _train_again(shown: Shown, label: str, why: str, pick: Callable[[RunConfig], None]) -> None:
    now, config = shown.today, shown.asked
    if now.status.finished or now.status.busy:
        word = "trained" if now.status.finished else "in training"
        help = f"The run of the same configuration that is {word} on this machine."
        st.button(f"Show the one {word} here", key="own", on_click=pick, args=(config,), help=help)
        return
    if data.needs_download(config):
        with st.popover(label):
            download.draw(config)
        return
    if now.status in (Status.CANCELLED, Status.INTERRUPTED) and now.passes:
        label = "Go on here"
        why = f"It has come to pass {now.passes:,} of {config.budget:,} on this machine."
    too_large = derived.too_large(config)
    problem = _too_large(too_large) if too_large else _refused(config)

    def train() -> None:
        pick(config)  # one that was asked for by name is looked at no longer
        requests.submit(config)

    st.button(
        label,
        key="anew",
        on_click=train,
        disabled=bool(problem),
        help=problem or why,
    )


def _too_large(why: str) -> str:
    return f"**This is too large for this machine.** {text.plain(why)}"


def _refused(config: RunConfig) -> str:
    """Why a public server does not train it for this visitor, as Markdown; "" where it does."""
    return text.plain(public.why_not_train([config]))


def time_estimate(config: RunConfig, *, or_why_not: bool) -> list[str]:
    """How long training takes, judged by earlier runs; else why that cannot be told, or nothing."""
    seconds = runs.jobs().estimate(config)
    if seconds is not None:
        about = "" if seconds < 1 else "about "
        busy = " on this machine, which is busy" if runs.jobs().busy else ""
        return [f"{about}{text.duration(seconds)}{busy}, from earlier runs"]
    if not or_why_not:
        return []
    return ["the first run of its kind will tell how long it takes"]


def _invite(shown: Shown, pick: Callable[[RunConfig], None]) -> None:
    config, done = shown.run.config, shown.passes_before
    with st.container(border=True, key="invitation", gap="medium"):
        if done:
            _invite_to_go_on(config, done)
        else:
            _invite_to_begin(config)
        problem = _problem(config)
        if problem:
            st.error(problem)
        with st.container(horizontal=True, vertical_alignment="center"):
            _train_button(config, "Continue" if done else "Train")
            if data.is_being_read(config):
                st.caption(f"{dataset_info(config.dataset).title} is being read …")
            elif not problem:
                _offer_more_seeds(config, pick)
                if refused := _refused(config):
                    st.caption(refused)
                    return
                (words,) = time_estimate(config, or_why_not=True)
                words = words[0].upper() + words[1:]
                st.caption(f"{words}. {shown.held_back}Press T to start.")


def _offer_more_seeds(config: RunConfig, pick: Callable[[RunConfig], None], side: str = "") -> None:
    """Where the same with more seeds is at hand, a button that shows it."""
    more = library.with_more_seeds(config)
    if more is not None:
        st.button(
            f"Show it with {len(more.seeds)} seeds",
            key=f"more-seeds{side}",
            on_click=pick,
            args=(more,),
            help="The same network on the same data, trained with these seeds and others, is at "
            "hand.",
        )


def _invite_to_begin(config: RunConfig) -> None:
    st.subheader(f"Nobody has trained {_what(config)} yet", anchor=False)
    st.markdown(
        f"Train {_them(config)}: the samples of each class draw together "
        "into one point, and the classes move as far apart as they can. The curves below "
        "will show how far that has come, and the player shows it happening in space."
    )


def _invite_to_go_on(config: RunConfig, done: int) -> None:
    st.subheader(f"Trained for {text.passes(done)} so far", anchor=False)
    st.markdown(
        f"A training of a smaller budget has come to pass {done:,} of {config.budget:,}. This one "
        "goes on from there, and gives what it would give from the start."
    )


def _what(config: RunConfig) -> str:
    return "this network" if _has_network(config) else "these free features"


def _has_network(config: RunConfig) -> bool:
    return architecture_info(config.architecture).has_network


def _problem(config: RunConfig) -> str:
    """Why this cannot be trained here, as Markdown; "" where it can."""
    too_large = derived.too_large(config)
    if too_large:
        return _too_large(too_large)
    examination = data.examine(config)
    if examination is None or not examination.problem:
        return ""
    words = _as_in_picker(examination.wrong, config) if examination.wrong else examination.problem
    return f"**There are no such data.** {text.plain(words)}."


def _as_in_picker(wrong: Problem, config: RunConfig) -> str:
    """What is wrong with a field, which is named as in the picker."""
    label = config.params[wrong.field].label
    return f"{label} = {wrong.shown}: {wrong.allowed.rstrip('.')}"


def _them(config: RunConfig) -> str:
    if not _has_network(config):
        least = "the best known" if why_no_figure(config) else "the floor that bounds every network"
        return f"them, and watch them go all the way down to {least}"
    return "it, and watch its last layer tidy up"


def _train_button(config: RunConfig, label: str, side: str = "") -> None:
    problem = _problem(config) or _refused(config)
    st.button(
        label,
        type="primary",
        disabled=bool(problem) or data.is_being_read(config),
        help=problem or None,
        key=f"train{side}",
        shortcut=None if side else "T",
        width=BUTTON_WIDTH,
        on_click=requests.submit,
        args=(config,),
    )


def _stop_button(shown: Shown, side: str) -> None:
    stop, of = requests.cancel, (shown.run.config,)
    refused = text.plain(public.why_not_stop(shown.run.config))
    st.button(
        "Stop",
        key=f"stop{side}",
        on_click=stop,
        args=of,
        disabled=shown.stopping or bool(refused),
        help=refused or None,
    )


def bar(side: str = "") -> st.delta_generator.DeltaGenerator:
    """What holds progress and a button, as high in every state."""
    return st.container(
        horizontal=True,
        vertical_alignment="center",
        height=BAR_HEIGHT,
        border=False,
        key=f"status{side}",
    )


def _queued(shown: Shown, side: str = "") -> None:
    run, lacking = shown.run, shown.waits_for
    _what_is_in_the_way(shown)
    place = "" if run.place is None else f": number {run.place} in the queue"
    why = f": {text.plain(lacking)}" if lacking else f"{place}{_behind()}. It starts by itself"
    with bar(side):
        st.progress(0.0, f"**Waiting**{why}.")
        _stop_button(shown, side)


def _behind() -> str:
    """What is trained now."""
    titles = runs.titles_of_running()
    if not titles:
        return ""
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    return f", while {text.plain(titles[0])}{more} is trained"


def _running(shown: Shown, side: str = "") -> None:
    run = shown.run
    share = min(run.passes / run.config.budget, 1.0)
    word = "Stopping …" if shown.stopping else "Training"
    parts = [f"**{word}**: {run.passes:,} of {text.passes(run.config.budget)}", f"{share:.0%}"]
    if run.seconds_left is not None:
        parts.append(f"{text.duration(run.seconds_left)} left")
    with bar(side):
        st.progress(share, " · ".join(parts))
        _stop_button(shown, side)


def _stopped(shown: Shown, side: str = "") -> None:
    run = shown.run
    happened = "Stopped" if run.status is Status.CANCELLED else "Interrupted"
    share = min(run.passes / run.config.budget, 1.0)
    so_far = f"after {run.passes:,} of {text.passes(run.config.budget)}. It can go on from there."
    _what_is_in_the_way(shown)
    with bar(side):
        so_far = so_far if run.passes else "before its first pass."
        st.progress(share, f"**{happened}** {so_far} {shown.held_back}".strip())
        _train_button(run.config, "Continue" if run.passes else "Train", side)
    if refused := _refused(run.config):
        st.caption(refused)


def _what_is_in_the_way(shown: Shown) -> None:
    """Why a training ended before its end or does not begin, where that is known."""
    now = shown.today
    if not now.error or now.status is Status.CANCELLED:
        return
    if shown.waits_for_room:
        heading, after = "Nothing can be written", " It goes on by itself once there is room."
    else:
        heading, after = "Nothing could be written", ""
    st.error(f"**{heading}**: {text.plain(now.error)}.{after}")


def _failed(shown: Shown, side: str = "") -> None:
    st.error(f"**Training failed:** {text.plain(shown.run.error or 'The log has more.')}")
    _train_button(shown.run.config, "Try again", side)


def _all_diverged(shown: Shown, side: str = "") -> None:
    solver = next(iter(shown.run.config.params["solver"].choices))
    st.error(
        "**Every seed diverged**: its numbers grew beyond all bounds. The curves show how far each "
        "came, as means over those still at it. Try a lower learning rate (under Advanced), or "
        f"the solver {text.unbroken(solver)}, which never takes a step that makes the objective "
        "larger."
    )


_BARS: dict[Status, Callable[..., None]] = {
    Status.QUEUED: _queued,
    Status.RUNNING: _running,
    Status.INTERRUPTED: _stopped,
    Status.CANCELLED: _stopped,
    Status.FAILED: _failed,
    Status.DIVERGED: _all_diverged,
}
