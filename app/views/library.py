"""Library: all runs at hand in one table, to find, open, compare and delete."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import streamlit as st

from app.charts import compare, pictures
from app.components import (
    address,
    clock,
    notices,
    paper,
    pulse,
    requests,
    series,
    taken_in,
    text,
)
from app.engine import library, pace, public, runs
from app.engine.limits import Deed
from app.picker import other, picker
from app.views import overlaid
from ncengine.catalogue.metrics import Scale, metric_of, of_test
from ncengine.config import PARAMS, PARAMS_DEFAULTS
from ncengine.jobs.stop import Going
from ncengine.runs.identity import Identity
from ncengine.runs.run import Status

logger = logging.getLogger(__name__)

# What a row shows at first; the table's own menu shows the rest.
SHOWN = (
    "picture", "from", "dataset", "architecture", "norm", "depth", "outcome",
    *(name for name in library.TRAINED if of_test(name) not in library.TESTED), *library.TESTED,
    "classes", "samples_per_class", "width", "weight_decay", "decay_schedule", "seconds", "date",
)  # fmt: skip
HELP = {
    "outcome": "How far it collapsed, by NC1; or what else came of it.",
    "nc2": "How far the classifier’s rows are from the ideal figure: a simplex, or with MSE an "
    "orthogonal frame. 0: perfect.",
    "gap": "Of the objective over the floor, as a share of the floor.",
}
FORMATS = {
    "weight_decay": "%g", "seconds": "%.0f s", "gap": "percent", "learning_rate": "%g"
}  # fmt: skip
OF_SCALE = {Scale.LOG: "%.3g", Scale.LINEAR: "%.3g", Scale.SHARE: "percent"}
ROW_HEIGHT, TABLE_HEIGHT = 52, 560
# So many runs are named before they are deleted, and as they train.
NAMED = 8
TRAINING, WATCH = "library:training", "library:watch"
# Seconds between looks at what trains, and at whether anything does.
LIVE, IDLE = 1.0, 5.0
_NOT_STOPPED = "library:not stopped"
_FIELDS, _WORDS, _TABLE, _TOLD = "library:fields", "library:words", "library:table", "library:told"

Open = Callable[[Identity], None]
OpenPair = Callable[[Identity, Identity], None]


def draw(open_run: Open, compare_runs: OpenPair) -> None:
    """The page; `open_run` shows a run on its own page, `compare_runs` two on theirs."""
    # To which Back returns from a page that was opened here.
    notices.unknown_names(address.unknown((*picker.NAMES, *other.NAMES, *series.NAMES)))
    notices.draw()
    st.header("All runs at hand", anchor=False)
    st.markdown("Each row is a trained network: what it was trained on, and how far it collapsed.")
    with pace.measured(), _told():
        rows = library.rows()
        kept = _filtered(rows)
        _count(rows, kept)
        if damaged := runs.store().gallery.damaged():
            files = ", ".join(map(text.plain, damaged))
            st.warning(f"Damaged files of the gallery were left out: {files}.")
        if damaged := runs.store().imported.damaged():
            files = ", ".join(map(text.plain, damaged))
            st.warning(f"Imported files that cannot be read were left out: {files}.")
        taken_in.tell()
        if newer := runs.store().newer():
            st.info(f"{newer}.")
        st.fragment(_in_training, key=TRAINING)()
        chosen = _table(kept)
        _actions(chosen, {row["key"]: row["from"] for row in kept}, open_run, compare_runs)
    paper.draw()
    pace.forget()
    st.fragment(_watch, key=WATCH)()


def _told() -> AbstractContextManager[None]:
    return notices.told("The table", "The library")


def _filtered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the visitor wants to see."""
    fields = [name for name in library.COLUMNS if name not in ("key", "picture", *library.MEASURED)]
    with st.container(horizontal=True, vertical_alignment="bottom", key="library_filters"):
        words = st.text_input(
            "Find",
            key=_WORDS,
            placeholder="mnist 34 post",
            help="Words and numbers that a row has, all of them. A number is found as it is: 0.005 "
            "is not 0.05. λ=0.005 or depth=34 asks one column.",
        )
        picked = st.multiselect(
            "Filter by",
            fields,
            format_func=library.label,
            key=_FIELDS,
            placeholder="any field",
        )
        for name in picked:
            values = sorted({row[name] for row in rows if row[name] is not None}, key=_order)
            wanted = st.multiselect(
                library.label(name),
                values,
                format_func=partial(library.text_of, name),
                key=f"library:value:{name}",
                placeholder="any",
            )
            rows = [row for row in rows if not wanted or row[name] in wanted]
    asked = words.casefold().split()
    return [row for row in rows if all(_has(row, word) for word in asked)] if asked else rows


def _order(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value


def _has(row: dict[str, Any], word: str) -> bool:
    """Whether a row has a word, or the very number, in one of its columns or in the one named."""
    columns = [name for name in library.COLUMNS if name not in ("key", "picture", "date")]
    column, named, value = word.rpartition("=")
    if named:
        called = {name: _names(name) for name in columns}
        return any(_is(row, name, value) for name in columns if column in called[name])
    return any(_is(row, name, word) for name in columns if _counts(row, name))


def _names(column: str) -> set[str]:
    names = column, library.label(column), library.heading(column)
    return {word.casefold() for word in names}


def _counts(row: dict[str, Any], column: str) -> bool:
    """Not the number of a field that is not shown and is as ever: a decay of 0.005 is asked for,
    and not the rate of 0.005 that nearly all have.
    """
    usual = PARAMS_DEFAULTS.get(column)
    if column == "seeds":  # a row tells how many there are
        usual = len(PARAMS_DEFAULTS["seeds"])
    number = isinstance(row[column], (int, float))
    return column in SHOWN or not number or row[column] != usual


def _is(row: dict[str, Any], column: str, word: str) -> bool:
    value = row[column]
    if value is None or isinstance(value, bool):
        return word == str(value).casefold()
    string = value.casefold() if isinstance(value, str) else ""
    shown = library.text_of(column, value).casefold() if string else ""
    try:
        number = float(word)
    except ValueError:
        return word in string or word in shown
    # A number is meant as it is, not as a part of another one.
    words = re.split(r"[\s,·×]+", f"{string} {shown}")
    return word in words if string else number == value


def _count(rows: Sequence[Any], kept: Sequence[Any]) -> None:
    taken, shipped = library.disk()
    of = "" if len(kept) == len(rows) else f" of {len(rows):,}"
    todo = "open or compare" if public.why_not(Deed.DELETE) else "open, compare or delete"
    runs_word = "run" if len(rows) == 1 else "runs"
    st.caption(
        f"**{len(kept):,}{of} {runs_word}** · the cache takes {taken / 1e6:,.0f} MB, the gallery "
        f"{shipped / 1e6:,.0f} MB · pick rows at their left to {todo} them"
    )


def _in_training() -> None:
    """What trains or waits now, whoever began it, and how to stop it."""
    with pace.measured(), _told():
        trainings = library.in_training()
        st.session_state[TRAINING] = _moment(trainings)
        _trainings(trainings)


def _trainings(trainings: Sequence[Going]) -> None:
    for training in trainings[:NAMED]:
        word = "waits" if training.status is Status.QUEUED else "in training"
        title, budget = (
            text.plain(training.identity.config.full_title()),
            training.identity.config.budget,
        )
        key = training.identity.key
        with st.container(
            horizontal=True, wrap=False, vertical_alignment="center", key=f"going_{key}"
        ):
            so_far = f"{training.passes:,} of {text.passes(budget)}"
            st.markdown(f"**{title}** {word}: {so_far}", width="stretch")
            refused = text.plain(public.why_not_stop(training.identity))
            st.button(
                "Stop",
                key=f"library:stop:{key}",
                on_click=_stop,
                args=(training.identity,),
                disabled=bool(refused),
                help=refused or None,
            )
    if len(trainings) > NAMED:
        st.caption(f"and {len(trainings) - NAMED} more that train or wait")
    requests.draw_trouble(st.session_state.pop(_NOT_STOPPED, ""))


def _moment(trainings: Sequence[Going]) -> dict[str, Any]:
    """How far they are, to tell whether any has moved."""
    return {training.identity.key: (training.status, training.passes) for training in trainings}


def _watch() -> None:
    """What looks whether anything trains or has ended, and draws nothing itself."""
    pulse.draw(pace.next_look(LIVE if st.session_state.get(TRAINING) else IDLE), _poll)


def _poll() -> None:
    """Has the list of trainings drawn again where one moved, and the page where one ended."""
    drawn = st.session_state.get(TRAINING, {})
    with pace.measured():
        try:
            now = _moment(library.in_training())
        except Exception:
            logger.exception("What is in training could not be looked at")
            return
    if drawn.keys() - now.keys():
        st.rerun()
    if now != drawn:
        pulse.refresh([TRAINING, WATCH])


def _stop(identity: Identity) -> None:
    try:
        library.stop(identity)
    except (OSError, RuntimeError) as error:
        st.session_state[_NOT_STOPPED] = runs.why_not_done(error)


def _table(kept: list[dict[str, Any]]) -> list[str]:
    """Draws the rows; gives the keys of those that are picked."""
    import pandas as pd

    if not kept:
        st.info("No run is like that." if st.session_state.get(_WORDS) else "There is none yet.")
        return []
    columns = [name for name in library.COLUMNS if name != "key"]
    frame = pd.DataFrame(kept, columns=columns)
    frame["picture"] = [pictures.address(picture) for picture in frame["picture"]]
    frame["dataset"] = [library.text_of("dataset", name) for name in frame["dataset"]]
    dates = pd.to_datetime(frame["date"], errors="coerce", utc=True)
    frame["date"] = dates.dt.tz_convert(clock.zone())
    event = st.dataframe(
        frame,
        key=_key_of_table([row["key"] for row in kept]),
        hide_index=True,
        height=min(TABLE_HEIGHT, 40 + ROW_HEIGHT * len(frame)),
        row_height=ROW_HEIGHT,
        column_order=SHOWN,
        column_config={name: _column(name) for name in columns},
        on_select="rerun",
        selection_mode="multi-row",
        placeholder=text.MISSING,
    )
    picked = event["selection"]["rows"]
    return [kept[n]["key"] for n in picked if n < len(kept)]


def _key_of_table(keys: list[str]) -> str:
    """Picks are places in the table: of other rows it is another table, where none is picked."""
    shown, number = st.session_state.get(_TABLE, ([], 0))
    if shown != keys:
        number += 1
        st.session_state[_TABLE] = keys, number
    return f"{_TABLE}:{number}"


def _column(name: str) -> Any:
    label, help, config = library.heading(name), HELP.get(name), st.column_config
    format = FORMATS.get(name)
    if name in (*library.TRAINED, *library.TESTED):
        metric = metric_of(name)
        help, format = help or metric.help, format or OF_SCALE[metric.scale]
    if help is None and name in PARAMS:
        help = f"{PARAMS[name].label}. {PARAMS[name].help}"
    if name == "picture":
        return config.ImageColumn("", width=60, help="Its last snapshot, in two dimensions.")
    if name == "date":
        here = f"When it ended, by your clock ({clock.zone()})."
        return config.DatetimeColumn(label, format="D MMM YYYY, HH:mm", help=here)
    if format:
        return config.NumberColumn(label, format=format, help=help)
    return config.Column(label, help=help)


def _actions(
    chosen: list[str], where: dict[str, str], open_run: Open, compare_runs: OpenPair
) -> None:
    """What can be done with the rows that are picked, and where these come from."""
    identities = {
        key: identity for key in chosen if (identity := library.identity(key)) is not None
    }
    deletable = [key for key in identities if library.is_deletable(key)]
    with st.container(horizontal=True, vertical_alignment="center", key="library_actions"):
        if st.button("Open", type="primary", disabled=len(identities) != 1, key="library:open"):
            open_run(next(iter(identities.values())))
        why = "Two runs beside each other, whose players move as one. Pick two rows."
        two = len(identities) == 2
        if st.button("Compare", disabled=not two, key="library:compare", help=why):
            compare_runs(*identities.values())
        _offer_to_delete({key: identities[key] for key in deletable})
        taken_in.draw()
        if not identities:
            st.caption("No row is picked: click on its box, or press Shift and Space on it.")
    left = st.session_state.pop(_TOLD, None)
    if left:
        named = ", ".join(map(text.plain, left))
        st.warning(
            "Not deleted, since it is in training, on other data than now, or cannot be written "
            f"to: {named}."
        )
    if len(identities) > 1:
        picked = [(identity, where[key]) for key, identity in identities.items()]
        overlaid.draw(picked[: compare.MOST])


def _offer_to_delete(deletable: dict[str, Identity]) -> None:
    if refused := public.why_not(Deed.DELETE):
        st.button("Delete", key="library:none", disabled=True, help=text.plain(refused))
        return
    with st.popover(f"Delete {len(deletable) or ''}".strip(), disabled=not deletable):
        st.markdown(f"**Delete {_runs(len(deletable))} for good?** Runs of the gallery stay.")
        titles = [identity.config.title() for identity in deletable.values()]
        more = [f"and {len(titles) - NAMED} more"] if len(titles) > NAMED else []
        st.markdown("\n".join(f"- {text.plain(title)}" for title in titles[:NAMED] + more))
        st.button("Delete", key="library:delete", on_click=_delete, args=([*deletable],))


def _runs(count: int) -> str:
    return "one run" if count == 1 else f"{count} runs"


def _delete(keys: list[str]) -> None:
    try:
        st.session_state[_TOLD] = library.delete(keys)
    except RuntimeError as error:
        st.session_state[_NOT_STOPPED] = str(error)
    library.disk.clear()
