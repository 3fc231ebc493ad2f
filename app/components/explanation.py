"""What the page shows, in words that are true for the network and the data picked."""

from __future__ import annotations

import streamlit as st

from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig

TITLE = "What am I looking at?"


def draw(config: RunConfig) -> None:
    """The explanation, open, with the formulas folded beneath it."""
    with st.expander(TITLE, expanded=True, key="explanation"):
        # One element, for the page to send one message and not one a paragraph at each refresh.
        st.markdown(explained(config))
    with st.expander("In formulas", key="formulas"):
        st.markdown(formulas(config))


def draw_button(config: RunConfig) -> None:
    """The same behind a button, for where the page has no room for it."""
    with st.popover(TITLE, key="explanation-button"):
        st.markdown(explained(config))


def explained(config: RunConfig) -> str:
    """The explanation as Markdown."""
    return "\n\n".join(
        [
            _features(config),
            "**NC1: classes become points.** How far the samples of a class spread, against how "
            "far the classes lie apart. At 0 all samples of a class are the same point.",
            _nc2(config),
            "**NC3: samples meet their classifier.** The last layer has a row for each class, and "
            "picks the class whose row a feature points along most. At 0 every feature points "
            "exactly along the row of its class.",
            _floor(config),
        ]
    )


def formulas(config: RunConfig) -> str:
    """The definitions of what the page shows, as Markdown."""
    simplex = config.nc2_name == "nc2a"
    ideal = r"(I-\tfrac1K\mathbf{1}\mathbf{1}^\top)" if simplex else "I"
    hidden = architecture_info(config.architecture).has_network
    floor = r"\mathcal{L}(\theta)=\mathcal{L}_{\mathrm{GUFM}}+\text{hidden decay}"
    bodies = (
        r"\mathrm{NC1}=\frac{\operatorname{tr}\Sigma_W}{\operatorname{tr}\Sigma_B}",
        rf"\mathrm{{{config.nc2_name.upper()}}}=\min_{{c\ge 0}}"
        rf"\frac{{\lVert WW^\top-c\,{ideal}\rVert_F}}{{\lVert WW^\top\rVert_F}}",
        r"\mathrm{NC3}=1-\frac{1}{N}\sum_{k,i}\cos(x_{ki},W_k)",
        (floor if hidden else r"\mathcal{L}(W,X)") + r"\;\ge\;\mathcal{L}^*_{\mathrm{GUFM}}",
    )
    return "\n\n".join(f"$$\n{body}\n$$" for body in bodies)


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
    if dataset_info(config.dataset).kind == "text":
        if config.context == 1:
            return (
                "The transformer reads the last word of a review and nothing else. The "
                "**features** of the review are what the last linear layer sees of it"
            )
        return (
            f"The transformer reads the last {config.context} words of a review, each knowing only "
            "those before it. The **features** of the review are what the last linear layer sees "
            "of the last word, which alone knows them all"
        )
    return (
        f"The transformer reads an image as {_patches(config)}, row by row, each knowing only "
        "those before it. The **features** of the image are what the last linear layer sees of the "
        "last patch, which alone knows them all"
    )


def _patches(config: RunConfig) -> str:
    height, width, _ = dataset_info(config.dataset).pixels
    down, across, p = height // config.patch_size, width // config.patch_size, config.patch_size
    if down == across == 1:
        return "a single patch"
    return f"{down} × {across} patches of {p} × {p} pixel{'s' * (p > 1)}"


def _nc2(config: RunConfig) -> str:
    if config.nc2_name == "nc2a":
        far = "opposite each other" if config.classes == 2 else "all equally far apart"
        return (
            f"**NC2A: classes form a simplex.** At 0 the classifier's rows are {far}, as far as "
            "so many can be."
        )
    return (
        "**NC2B: classes form an orthogonal frame.** At 0 the classifier's rows are at right "
        "angles to each other."
    )


def _floor(config: RunConfig) -> str:
    if not architecture_info(config.architecture).has_network:
        return (
            "**The floor.** The least objective there is, in closed form. Free features have no "
            "hidden layers, so there is no hidden decay to pay for: the gap goes to 0, and what "
            "you see at the end is the optimum itself."
        )
    return (
        "**The floor.** The least objective that any such network can reach, in closed form; "
        "a collapsed one reaches it without hidden decay. No gap means globally optimal."
    )
