"""What the page shows, in words that are true for the network and the data picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.components.readouts import NOTHING
from ncengine.analysis.words import number
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.theory.optimum import UNPROVED, why_no_figure
from ncengine.theory.trivial import trivial

if TYPE_CHECKING:
    from ncengine.theory.figures import BestFigure

TITLE = "What am I looking at?"


def draw(config: RunConfig, known: BestFigure | None = None) -> None:
    """The explanation, open, with the formulas folded beneath it; `known` as of `explained`."""
    with st.expander(TITLE, expanded=True, key="explanation"):
        # One element, for the page to send one message and not one a paragraph at each refresh.
        st.markdown(explained(config, known))
    with st.expander("In formulas", key="formulas"):
        st.markdown(formulas(config))
        st.caption(letters(config))


def draw_button(config: RunConfig, known: BestFigure | None = None) -> None:
    """The same behind a button, for where the page has no room for it."""
    with st.popover(TITLE, key="explanation-button"):
        st.markdown(explained(config, known))


def in_short(config: RunConfig) -> str:
    """What is trained on what, in one plain sentence."""
    info = dataset_info(config.dataset)
    if not architecture_info(config.architecture).has_network:
        return (
            f"No network: the features of each sample of {info.title} are free to go anywhere, "
            "which is the best that any network could do."
        )
    samples = info.noun + "s" * (config.samples_per_class > 1)
    learns = (
        f"learns to tell {config.classes} classes of {info.title} apart, from "
        f"{config.samples_per_class:,} {samples} of each"
    )
    if not architecture_info(config.architecture).has_tokens:
        return f"A residual network of depth {config.depth} {learns}."
    transformer = f"A transformer of depth {config.depth} reads"
    if info.kind == "text":
        words = "word" if config.context == 1 else f"{config.context} words"
        return f"{transformer} the last {words} of each {info.noun}, and {learns}."
    return f"{transformer} each picture as {_patches(config)}, and {learns}."


def explained(config: RunConfig, known: BestFigure | None = None) -> str:
    """The explanation as Markdown; `known` is the best figure where no ideal one fits, if found."""
    return "\n\n".join(
        [
            _features(config),
            "**NC1: classes become points.** How far the samples of a class spread, against how "
            "far the classes lie apart. At 0 all samples of a class are the same point."
            + _nothing(config, "nc1"),
            _nc2(config) + _nothing(config, "nc2a"),
            "**NC3: samples meet their classifier.** The last layer has a row for each class, and "
            "picks the class whose row a feature points along most. At 0 every feature points "
            "exactly along the row of its class." + _nc3_at_best(config, known),
            _objective(config),
            _floor(config),
            "**A pass** is one look at all training samples.",
        ]
    )


def _nc3_at_best(config: RunConfig, known: BestFigure | None) -> str:
    """What NC3 is at the best figure that is known; "" where a figure fits, with which it is 0."""
    if not why_no_figure(config):
        return ""
    if known is None:
        return " With more classes than fit, it need not be 0 even at the best."
    if not known.unique:
        return " At the best that is known, which many figures share, it need not be 0."
    if known.nc3 <= NOTHING:
        return " At the best figure that is known it is 0 here, too."
    return (
        f" Here it is **{number(known.nc3)}** at the best figure that is known, and not 0: its "
        "rows are not parallel to the class means, and no more training brings them together."
    )


def _nothing(config: RunConfig, name: str) -> str:
    """Where a metric tells nothing by construction, why."""
    if name == "nc2a" and config.nc2_name != name:
        return ""
    why = trivial(config.classes, config.samples_per_class).get(name)
    return f" Here it tells nothing: {why}." if why else ""


def formulas(config: RunConfig) -> str:
    """The definitions of what the page shows, as Markdown."""
    simplex = config.nc2_name == "nc2a"
    ideal = r"(I-\tfrac1K\mathbf{1}\mathbf{1}^\top)" if simplex else "I"
    hidden = architecture_info(config.architecture).has_network
    floor = r"\mathcal{L}(\theta)=\mathcal{L}_{\mathrm{GUFM}}+\text{hidden decay}"
    floor = (floor if hidden else r"\mathcal{L}(W,X)") + r"\;\ge\;\mathcal{L}^*_{\mathrm{GUFM}}"
    bodies = (
        r"\mathrm{NC1}=\frac{\operatorname{tr}\Sigma_W}{\operatorname{tr}\Sigma_B}",
        r"\mathrm{NC2}=\min_{c\ge 0}"
        rf"\frac{{\lVert WW^\top-c\,{ideal}\rVert_F}}{{\lVert WW^\top\rVert_F}}",
        *[_OF_BEST_KNOWN] * bool(why_no_figure(config)),
        r"\mathrm{NC3}=1-\frac{1}{N}\sum_{k,i}\cos(x_{ki},W_k)",
        floor,
    )
    return "\n\n".join(f"$$\n{body}\n$$" for body in bodies)


_OF_BEST_KNOWN = (
    r"\mathrm{NC2}_{\text{to best known}}=\min_{c\ge 0}"
    r"\frac{\lVert MM^\top-c\,G\rVert_F}{\lVert MM^\top\rVert_F}"
)


def letters(config: RunConfig) -> str:
    """What the letters of the formulas stand for, as Markdown."""
    floor = r"$\mathcal{L}^*_{\mathrm{GUFM}}$ is the floor: the least value of fit and last "
    floor += "layer’s decay alone"
    if why_no_figure(config):
        floor += (
            ", here without a closed form: the gap is to the best value that is known. $M$ has the "
            "class means as its rows, and $G$ the cosines of the best known figure"
        )
    return (
        r"$x_{ki}$ are the features of sample $i$ of class $k$, $W_k$ is the last layer’s row for "
        r"that class, $K$ and $N$ are the numbers of classes and samples. $\Sigma_W$ is the "
        r"covariance of samples about their class’s mean, $\Sigma_B$ that of the class means about "
        r"their centre, and tr, the trace, adds up variances. "
        f"NC2 is the paper’s {config.nc2_name.upper()} (Definition 2). {floor}."
    )


def _features(config: RunConfig) -> str:
    space = f"a point in a space of {config.width} dimensions"
    if not architecture_info(config.architecture).has_network:
        return (
            "Here is **no network**: the **feature** of each sample is free to go wherever it "
            f"likes on a sphere, as {space} whose coordinates add up to 0. Only identical samples "
            "share one. Trained together with the last layer, features form a strikingly simple "
            "figure: **neural collapse**. It is where the theorems say that deep networks go."
        )
    return (
        f"{_whose(config)}: {space}. Trained long enough, a deep network moves these points into "
        "a strikingly simple figure: **neural collapse**."
    )


def _whose(config: RunConfig) -> str:
    if not architecture_info(config.architecture).has_tokens:
        return "The **features** of a sample are what the last linear layer sees of it"
    info = dataset_info(config.dataset)
    if info.kind == "text":
        if config.context == 1:
            return (
                f"The transformer reads the last word of a {info.noun} and nothing else. The "
                f"**features** of the {info.noun} are what the last linear layer sees of it"
            )
        return (
            f"The transformer reads the last {config.context} words of a {info.noun}, each knowing "
            f"only those before it. The **features** of the {info.noun} are what the last linear "
            "layer sees of the last word, which alone knows them all"
        )
    return (
        f"The transformer reads an image as {_patches(config)}, row by row, each knowing only "
        "those before it. The **features** of the image are what the last linear layer sees of the "
        "last patch, which alone knows them all"
    )


def _patches(config: RunConfig) -> str:
    height, width, _ = config.pixels
    down, across, p = height // config.patch_size, width // config.patch_size, config.patch_size
    if down == across == 1:
        return "a single patch"
    return f"{down} × {across} patches of {p} × {p} pixel{'s' * (p > 1)}"


def _nc2(config: RunConfig) -> str:
    if config.nc2_name == "nc2a":
        far = "opposite each other" if config.classes == 2 else "all equally far apart"
        paragraph = (
            "**NC2: classes form a simplex**, the figure whose corners all lie equally far from "
            f"each other. At 0 the classifier’s rows are {far}, as far as so many can be."
        )
    else:
        paragraph = (
            "**NC2: classes form an orthogonal frame.** At 0 the classifier’s rows are at right "
            "angles to each other."
        )
    without = why_no_figure(config)
    if not without:
        return paragraph
    return (
        f"{paragraph} Here they cannot: {without}. Beside it, NC2 to best known is of the class "
        "means, and of the best figure that is known instead."
    )


def _objective(config: RunConfig) -> str:
    hidden = (
        ", and **hidden decay**, that of all layers before it"
        if architecture_info(config.architecture).has_network
        else ""
    )
    return (
        "**The objective** is what training makes small: the **fit**, how badly training samples "
        "are told apart, plus weight decay: that of the last layer, λ/2 times the sum of its "
        f"squared weights{hidden}."
    )


def _floor(config: RunConfig) -> str:
    if why_no_figure(config):
        return (
            "**No floor, but a best known.** With more classes than fit, the least objective that "
            "any network can reach is not known in closed form. In its place stands "
            f"{UNPROVED}. The gap is to that."
        )
    if not architecture_info(config.architecture).has_network:
        return (
            "**The floor** is the least objective there is, in closed form. Free features have no "
            "hidden layers to pay decay for: the gap goes to 0, and what you see at the end is the "
            "optimum itself."
        )
    return (
        "**The floor** is the least objective that any such network can reach, in closed form; "
        "a collapsed one reaches it without hidden decay. No gap means globally optimal."
    )
