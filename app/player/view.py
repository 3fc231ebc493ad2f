"""What of a run is looked at: seed, basis, focus classes, test data, layers, the player's moment.

The view comes from the controls beside the player and from the page's address; the moment comes
from the player itself, in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from app.components import address, notices, samples
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.numbers import real, whole
from ncengine.runs.run import Geometry, Run
from ncengine.snapshots.names import LAYERS

OWNER = "view"
NAMES = ("seed", "basis", "focus", "test", "beside", "of", "form")
_WIDGETS = tuple(f"view:{name}" for name in NAMES)
# Kept in the address by the player itself, in the browser.
PLAYER_NAMES = ("epoch", "layer", "view", "camera", "drawn", "hidden")
# What the player can show, and the numbers of a pose: a rotation, a zoom and a place.
DRAWN = ("samples", "tests", "means", "rows", "ideal", "spokes")
POSE_NUMBERS = 7
BASES = {"last": "last", "each": "each"}
FOCUS_SIZES = (3, 4)
# What stands beside the player, and how what is measured of layers is drawn.
BESIDE = ("training", "layers")
FORMS = ("lines", "map")
_OF_LAYERS = ("beside", "of", "form")
# The classes of the focus in the order in which they were picked.
_PICKS = "view:picks"


@dataclass(frozen=True)
class Subject:
    """What can be looked at of a run, or of a recording.

    Attributes:
        classes: K.
        seeds: of all its networks.
        shown: those of which there are points.
        layers: whether there are layers beside the last one.
        no_test_data: why there are no test data; "" where there are.
        unit: what its moments are counted by, "pass" or "step".
    """

    classes: int
    seeds: tuple[int, ...]
    shown: tuple[int, ...]
    layers: bool
    no_test_data: str = ""
    unit: str = "pass"


def of_run(run: Run) -> Subject:
    """What can be looked at of a run."""
    return of_config(run.config, run.seeds_shown)


def of_config(config: RunConfig, shown: Sequence[int] | None = None) -> Subject:
    """The same of a run of this configuration, by default of one that was trained here."""
    network = architecture_info(config.architecture).has_network
    why_not = (
        ""
        if network
        else "Free features belong to the training samples alone: without a network there is "
        "nothing that could give a test sample a feature."
    )
    seeds = config.seeds
    return Subject(config.classes, seeds, tuple(shown or seeds), network, why_not)


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes:
        seed, basis: which network, and the basis projected on.
        picked: the classes to focus on.
        test: whether test data are shown too.
        beside, of, form: what stands beside the player: curves of training, or a metric of every
            layer, as lines or as a map.
        moment: the pass at which the player rests, as text; "" of the last snapshot. No part of
            what is picked, nor is what follows.
        start: the player's own parameters in the address, by name.
        texts: whether who looks has asked to see what people wrote.
    """

    seed: int
    basis: str = "last"
    picked: tuple[int, ...] = ()
    test: bool = False
    beside: str = "training"
    of: str = "nc1"
    form: str = "lines"
    moment: str = field(default="", compare=False)
    start: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    texts: bool = field(default=False, compare=False)

    def focus(self, classes: int) -> tuple[int, ...]:
        """The focus classes; () while too few are picked. Of 3 or 4 classes it is all."""
        if classes in FOCUS_SIZES:
            return tuple(range(classes))
        return self.picked if len(self.picked) in FOCUS_SIZES else ()

    def query(self, subject: Subject) -> dict[str, str]:
        """What the address says of it: only what differs from the default."""
        values = {}
        if self.seed != subject.seeds[0]:
            values["seed"] = str(self.seed)
        if self.basis != "last":
            values["basis"] = self.basis
        if self.picked:
            values["focus"] = ",".join(map(str, self.picked))
        if self.test:
            values["test"] = "1"
        for name in _OF_LAYERS:
            if getattr(self, name) != getattr(View, name):
                values[name] = getattr(self, name)
        return values


def current(subject: Subject) -> View:
    """The view of it after all that happened: clicks first, else a changed address."""
    before: View | None = st.session_state.get(OWNER)
    if before is not None and address.went_through_history(OWNER):
        # What the widgets showed before Back or Forward may come once more, together with it.
        for name in _WIDGETS:
            st.session_state.pop(name, None)
    view = _from_widgets(before or View(subject.shown[0]))
    if before is None or view == before:
        query = address.arrival(OWNER, NAMES)
        if query is not None:
            view, wrong = parse(query, subject)
            started = address.read(PLAYER_NAMES)
            notices.post(OWNER, wrong + wrong_start(started, subject.classes, subject.unit))
    view = fit(view, subject)
    st.session_state[OWNER] = view
    address.write(OWNER, NAMES, view.query(subject))
    return replace(
        view,
        moment=_moment(),
        start=tuple(sorted(address.read(PLAYER_NAMES).items())),
        texts=samples.texts_are_shown(),
    )


def forget() -> None:
    """Look at nothing as at what was shown before: what comes is another thing altogether."""
    for name in (OWNER, _PICKS, *_WIDGETS):
        st.session_state.pop(name, None)
    address.write(OWNER, (*NAMES, *PLAYER_NAMES), {})


def parse(query: Mapping[str, str], subject: Subject) -> tuple[View, list[str]]:
    """The view that an address asks for, and what was wrong with it, in words."""
    first = subject.seeds[0]
    values: dict[str, Any] = {"seed": first, "basis": "last", "picked": (), "test": False}
    wrong: list[str] = []
    for name, text in query.items():
        try:
            values["picked" if name == "focus" else name] = _READERS[name](text, subject)
            if values["seed"] not in subject.shown and name == "seed":
                wrong.append(_not_kept(values["seed"], subject.shown))
        except (ValueError, OverflowError):
            shown: dict[str, Any] = {
                "seed": first,
                "basis": "last",
                "focus": "all classes",
                "test": "0",
                **{name: getattr(View, name) for name in _OF_LAYERS},
            }
            allowed = _allowed(name, subject)
            wrong.append(notices.wrong_value(name.capitalize(), text, allowed, shown[name]))
    return View(**values), wrong


def _not_kept(seed: int, seeds: Sequence[int]) -> str:
    kept = " or ".join(map(str, seeds))
    allowed = f"must be {kept}: of this run's other seeds the gallery has curves and no points"
    return notices.wrong_value("Seed", seed, allowed, seeds[0])


def wrong_start(query: Mapping[str, str], classes: int, unit: str = "pass") -> list[str]:
    """What is wrong with the player's own parameters, which it takes out by itself.

    `unit` is what moments are counted by: steps may be below 0, passes may not.
    """
    checks: dict[str, tuple[Callable[[str], bool], str, str]] = {
        "epoch": (
            partial(_is_moment, unit=unit),
            "must be a number of passes, from 0" if unit == "pass" else "must be a number",
            "the last snapshot",
        ),
        "layer": (
            _is_layer,
            "must be the number of a layer, from 1",
            "the last layer",
        ),
        "view": (("2d", "3d").__contains__, "must be 2d or 3d", "3d"),
        "camera": (_is_pose, "must be 7 numbers with _ between, of which 4 turn", "the clear view"),
        "drawn": (_are_layers, f"must be none, or some of {', '.join(DRAWN)}", "the usual ones"),
        "hidden": (
            lambda value: _are_classes(value, classes),
            f"must be class numbers from 0 to {classes - 1}, with commas between",
            "all classes",
        ),
    }
    return [
        notices.wrong_value((unit if name == "epoch" else name).capitalize(), value, allowed, used)
        for name, value in query.items()
        for fits, allowed, used in [checks[name]]
        if not fits(value)
    ]


def _is_moment(value: str, unit: str) -> bool:
    moment = _moment_of(value)
    return moment is not None and (unit != "pass" or moment >= 0)


def _is_layer(value: str) -> bool:
    layer = _whole(value)
    return layer is not None and layer >= 1


def _is_pose(value: str) -> bool:
    try:
        numbers = [real(part) for part in value.split("_")]
    except ValueError:
        return False
    whole = len(numbers) == POSE_NUMBERS and all(map(math.isfinite, numbers))
    return whole and math.hypot(*numbers[:4]) >= 0.5


def _are_layers(value: str) -> bool:
    return value == "none" or set(value.split(",")) <= set(DRAWN)


def _are_classes(value: str, classes: int) -> bool:
    numbers = [_whole(part) for part in value.split(",")]
    return all(k is not None and 0 <= k < classes for k in numbers)


def _whole(text: str) -> int | None:
    try:
        return whole(text)
    except ValueError:
        return None


def _moment_of(text: str) -> float | None:
    try:
        moment = real(text)
    except ValueError:
        return None
    return moment if math.isfinite(moment) else None


def shown_snapshot(geometry: Geometry, r: int, moment: str) -> int | None:
    """Index of the snapshot at that pass, or nearest to it; the last where none is named.

    Snapshots in which seed number `r` had diverged do not count; None where no other is left.
    """
    frames = np.flatnonzero(np.isfinite(geometry.class_means[:, r]).all(axis=(1, 2)))
    if not len(frames):
        return None
    return int(frames[nearest(geometry.epoch[frames], moment)])


def nearest(moments: np.ndarray, moment: str) -> int:
    """Which of these (G,) is that moment, or nearest to it; the last where none is named."""
    wanted = _moment_of(moment)
    return len(moments) - 1 if wanted is None else int(abs(moments - wanted).argmin())


def shown_layers(run: Run, view: View) -> int | None:
    """The snapshot of layers at the player's moment: there is one wherever there is geometry.

    A file may have come with none.
    """
    if run.geometry is None or run.layers is None or not len(run.layers.epoch):
        return None
    shown = shown_snapshot(run.geometry, run.config.seeds.index(view.seed), view.moment)
    if shown is None:
        return None
    return int(abs(run.layers.epoch - run.geometry.epoch[shown]).argmin())


def _moment() -> str:
    """The pass that the player told, as text; before it told any, the one in the address."""
    told = getattr(st.session_state.get("player"), "epoch", None)
    return address.read(["epoch"]).get("epoch", "") if told is None else told


def _from_widgets(before: View) -> View:
    values = st.session_state
    return View(
        values.get("view:seed", before.seed),
        values.get("view:basis", before.basis),
        _latest(values.get("view:focus", before.picked)),
        values.get("view:test", before.test),
        values.get("view:beside", before.beside),
        values.get("view:of", before.of),
        values.get("view:form", before.form),
    )


def _latest(picked: Sequence[int]) -> tuple[int, ...]:
    """The classes that were picked last, as many as there may be, in their own order."""
    earlier = st.session_state.get(_PICKS, [])
    picks = [k for k in earlier if k in picked] + [k for k in picked if k not in earlier]
    st.session_state[_PICKS] = kept = picks[-max(FOCUS_SIZES) :]
    if len(kept) < len(picked):
        # Whoever looks again before the widget is drawn must not take the one left out for new.
        st.session_state["view:focus"] = sorted(kept)
    return tuple(sorted(kept))


def fit(view: View, subject: Subject) -> View:
    """The nearest view that there is of it."""
    seed = view.seed if view.seed in subject.shown else subject.shown[0]
    picked = tuple(k for k in view.picked if k < subject.classes)[: max(FOCUS_SIZES)]
    return replace(
        view,
        beside=view.beside if subject.layers else "training",
        seed=seed,
        picked=picked if subject.classes > max(FOCUS_SIZES) else (),
        test=view.test and not subject.no_test_data,
    )


def at(view: View, start: Mapping[str, str]) -> View:
    """The view as the player's own parameters say, see `PLAYER_NAMES`: its moment and its side."""
    return replace(view, moment=start.get("epoch", ""), start=tuple(sorted(start.items())))


def _read_seed(text: str, subject: Subject) -> int:
    seed = whole(text)
    if seed not in subject.seeds:
        raise ValueError
    return seed


def _read_focus(text: str, subject: Subject) -> tuple[int, ...]:
    picked = tuple(sorted(whole(part) for part in text.split(",")))
    distinct = len(set(picked)) == len(picked)
    if len(picked) > max(FOCUS_SIZES) or not distinct or not 0 <= picked[0] <= picked[-1]:
        raise ValueError
    if picked[-1] >= subject.classes:
        raise ValueError
    return picked


def _read_test(text: str, _: Subject) -> bool:
    if text not in ("0", "1"):
        raise ValueError
    return text == "1"


def _one_of(allowed: Sequence[str]) -> Callable[[str, Subject], str]:
    def read(text: str, _: Subject) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return read


_READERS: dict[str, Callable[[str, Subject], Any]] = {
    "seed": _read_seed,
    "basis": _one_of(tuple(BASES)),
    "focus": _read_focus,
    "test": _read_test,
    "beside": _one_of(BESIDE),
    "of": _one_of(LAYERS),
    "form": _one_of(FORMS),
}


def _allowed(name: str, subject: Subject) -> str:
    return {
        "seed": "must be one of this run's seeds, " + ", ".join(map(str, subject.seeds)),
        "basis": "must be last or each",
        "focus": "must be 3 or 4 different class numbers from 0 to "
        f"{subject.classes - 1}, with commas between",
        "test": "must be 1 (test data are shown) or 0",
        "beside": f"must be {' or '.join(BESIDE)}",
        "of": f"must be one of {', '.join(LAYERS)}",
        "form": f"must be {' or '.join(FORMS)}",
    }[name]
