"""Layer by layer: the charts of every layer beside the player, and what they say in words."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.charts import layers as charts
from app.components import text
from app.engine import shared
from app.player.view import FORMS, View, shown_layers
from ncengine.analysis.layer_by_layer import LayerByLayer, layer_by_layer
from ncengine.analysis.over_seeds import log_moments
from ncengine.metrics.layers import AS_COLLAPSED
from ncengine.runs.earlier import why_not_recorded
from ncengine.runs.run import Layers, Run
from ncengine.snapshots.names import OF_LAYERS
from ncengine.theory.optimum import FLOOR, least_name
from ncengine.theory.trivial import trivial

FORM_LABELS = {"lines": "over layers", "map": "over layers and passes"}


def draw(run: Run, looked_at: View) -> None:
    """A metric over the layers at the player's moment, and what it says."""
    g = shown_layers(run, looked_at)
    if run.layers is None or g is None:
        _nothing(run)
        return
    layers, name = run.layers, _controls(looked_at)
    nothing = trivial(run.config.classes, run.config.samples_per_class).get(name)
    absent = why_not_recorded(run, f"{OF_LAYERS}{name}")
    if nothing or absent:
        st.caption(f"Tells nothing here: {nothing}." if nothing else f"{absent.capitalize()}.")
    if looked_at.form == "map":
        table = shared.once(run, ("map", name), lambda: charts.map_table(layers, name))
        charts.draw_map(table, name, layers.nc1.shape[-1])
    else:
        _lines(run, layers, name, g, "chart_layers")
    findings = shared.once(run, ("layer by layer", g), lambda: layer_by_layer(layers, g))
    if findings is not None:
        st.markdown(sentence(findings, int(layers.epoch[g])))


def draw_lines(run: Run, looked_at: View) -> None:
    """The picked metric over the layers at the player's moment, as large as there is room."""
    g = shown_layers(run, looked_at)
    if run.layers is None or g is None:
        _nothing(run)
        return
    layers, name = run.layers, looked_at.of
    table = shared.once(run, ("layers", name, g), lambda: charts.lines_table(layers, name, g))
    charts.draw_lines(table, name, "presented_layers", fills=True)


def draw_blocks(run: Run, looked_at: View) -> None:
    """What each block pays and how far it moves a sample; of a pre-LN network, its shortcut."""
    g = shown_layers(run, looked_at)
    if run.layers is None or g is None:
        return
    layers = run.layers
    table = shared.once(run, ("blocks", g), lambda: charts.blocks_table(layers, g))
    left, right = st.columns(2)
    with left:
        charts.draw_blocks(table, "decay")
    with right:
        charts.draw_blocks(table, "movement")
    if run.config.norm == "pre":
        st.markdown(shortcut(layers, g, least_name(run.config)))
        _lines(run, layers, "stream_norm", g, "chart_stream")


def _nothing(run: Run) -> None:
    if run.layers is not None:
        st.info("No network of this run has numbers to show: all of them diverged.")
    elif run.points:
        st.info("This result holds the last layer alone. Train it anew to see every layer.")
    else:
        st.skeleton(height=charts.HEIGHT)


def _controls(looked_at: View) -> str:
    st.session_state["view:of"] = looked_at.of
    st.session_state["view:form"] = looked_at.form
    with st.container(horizontal=True, vertical_alignment="bottom", key="layer_controls"):
        st.selectbox(
            "Of each layer",
            tuple(charts.METRICS),
            format_func=lambda name: charts.METRICS[name].title,
            key="view:of",
            help=charts.METRICS[looked_at.of].help,
        )
        st.segmented_control(
            "Drawn",
            FORMS,
            format_func=FORM_LABELS.__getitem__,
            key="view:form",
            required=True,
        )
    return looked_at.of


def _lines(run: Run, layers: Layers, name: str, g: int, key: str) -> None:
    table = shared.once(run, ("layers", name, g), lambda: charts.lines_table(layers, name, g))
    charts.draw_lines(table, name, key)


def sentence(findings: LayerByLayer, passes: int) -> str:
    """What is to be seen over the layers, as Markdown."""
    return " ".join(
        [f"**At pass {passes:,}**", _begins(findings), _collapsed(findings), _law(findings)]
    ).strip()


def _begins(findings: LayerByLayer) -> str:
    ends = (
        f"{text.number(findings.first)} in the first layer, "
        f"{text.number(findings.last)} in the last"
    )
    if findings.begins is None:
        return f"no layer halves NC1: it is {ends}."
    where = "the last" if findings.begins == findings.layers else f"layer {findings.begins}"
    return f"collapse begins at **{where}**, the first to halve NC1. It is {ends}."


def _collapsed(findings: LayerByLayer) -> str:
    within = f"within {text.unbroken(f'{100 * AS_COLLAPSED:.0f} %')} of the last"
    if findings.collapsed == findings.layers:
        return f"All {findings.layers} layers are {within}."
    if findings.collapsed > 1:
        return f"The final {findings.collapsed} of {findings.layers} layers are {within}."
    return f"No other layer is {within}."


def _law(findings: LayerByLayer) -> str:
    if findings.factor is None or findings.explained is None:
        return _not_judged(findings)
    fit = (
        f"by {text.number(findings.factor)} a layer, which explains "
        f"{text.unbroken(text.percent(max(0.0, findings.explained)))} of it"
    )
    if findings.law_holds:
        verdict = f"The *law of data separation* holds: NC1 by pseudo-inverse is multiplied {fit}."
    else:
        verdict = (
            "The *law of data separation*, the same factor at each layer, does not hold: NC1 by "
            f"pseudo-inverse is multiplied {fit}."
        )
    if not findings.lacking:
        return verdict
    whose = "its class means" if len(findings.lacking) == 1 else "their class means"
    left_out = _layers(list(findings.lacking))
    verb = "is" if len(findings.lacking) == 1 else "are"
    return (
        f"{verdict} {left_out[:1].upper()}{left_out[1:]} {verb} left out: {whose} "
        f"{_spread(findings)}, {_takes(findings)}."
    )


def _not_judged(findings: LayerByLayer) -> str:
    """Why the law is not judged, where it is the class means that stand against it."""
    if not findings.lacking:
        return ""
    whose = "the class means"
    if len(findings.lacking) < findings.layers:
        whose += f" of {_layers(list(findings.lacking))}"
    return (
        f"The *law of data separation* is not judged: {whose} {_spread(findings)}, "
        f"{_takes(findings)}."
    )


def _layers(numbers: list[int]) -> str:
    """Layers in words, such as "layer 1", "layers 1 and 2", "layers 2 to 7", "6 of the layers"."""
    if len(numbers) == 1:
        return f"layer {numbers[0]}"
    if len(numbers) == 2:
        return f"layers {numbers[0]} and {numbers[1]}"
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"layers {numbers[0]} to {numbers[-1]}"
    return f"{len(numbers)} of the layers"


def _takes(findings: LayerByLayer) -> str:
    directions = "direction" if findings.needed == 1 else "directions"
    return (
        f"where comparing {findings.needed + 1} classes takes K − 1 = {findings.needed} "
        f"{directions}"
    )


def _spread(findings: LayerByLayer) -> str:
    """In how many directions class means spread that spread in too few."""
    most = max(findings.lacking.values())
    if most == 0:
        return "coincide"
    same = min(findings.lacking.values()) == most
    return f"spread in {'' if same else 'at most '}{most} direction{'s' if most > 1 else ''}"


def shortcut(layers: Layers, g: int, optimum: str = FLOOR) -> str:
    """Why a pre-LN network of few layers can be nearly at the floor, or best known, as Markdown."""
    norms = 10 ** log_moments(layers.stream_norm[g].T)[0]
    least = int(np.nanargmin(norms))
    here = (
        f"here from {text.number(norms[0])} to {text.number(norms[least])} in layer {least + 1}"
        if norms[least] < 0.5 * norms[0]
        else "which it does not do here yet"
    )
    return (
        "**The shortcut of pre-LN**, found in this project and not in the paper. Each block reads "
        "its input on the sphere, and adds to a stream of any size. Training lets the stream "
        f"shrink, {here}: an early block takes away what all samples share, and the next LayerNorm "
        "blows up the little that is left. In a small stream small weights do the rest, and pay "
        f"hardly any decay. So few layers come as near to the {optimum} as one likes, and it is "
        "not depth that brings them there. A post-LN network has no such way: each of its blocks "
        "puts the stream back on the sphere."
    )
