"""What the theory says of depth, for exactly what is picked."""

from __future__ import annotations

from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.theory.optimum import why_no_figure


def prediction(config: RunConfig) -> str:
    """One or two sentences: which theorem speaks of this network, and what it says of depth."""
    info = architecture_info(config.architecture)
    if not info.has_network:
        they_are = "the least there is" if why_no_figure(config) else "the floor itself"
        return f"Free features have no layers: they are {they_are}, whatever the depth."
    if not info.theorem:
        return f"No theorem covers {config.architecture}: the paper does not speak of it."
    if config.solver == "AdamW":
        return (
            "AdamW’s decoupled decay minimises another objective than the paper’s (3), of which "
            "its theorems say nothing."
        )
    without = why_no_figure(config)
    if without:
        return (
            f"No theorem speaks of this width: {without}. There is no floor in closed form, and "
            "what depth does here is open."
        )
    sentence = _of_two_layers(config) if info.theorem == "Theorem 10" else _of_one_layer(config)
    return f"{sentence} {_SHORTCUT}" if config.norm == "pre" else sentence


_SHORTCUT = (
    "Not in the paper, but found in this project: with pre-LN depth is not what drives it. The "
    "network can shrink its stream, whose decay costs nothing, and so come as near to the floor as "
    "it likes at a fixed depth."
)
_RATE = (
    "at a global optimum the gap to the floor falls at least as fast as about 1/L, the distance "
    "from a collapsed optimum as 1/√L, and so NC1, a square of distances, as 1/L"
)


def _of_one_layer(config: RunConfig) -> str:
    if config.decay_schedule == "constant":
        return f"Theorem 4 and its remark on rates: {_RATE}."
    if config.decay_schedule == "1/L":
        return (
            "Theorem 4 asks for a constant λ. With λ/L on hidden layers they cost even less, so "
            "that its construction holds the more: expect the gap to fall faster than 1/L."
        )
    return (
        "Theorem 4 asks for a constant λ. With λ/L everywhere the floor itself falls with depth, "
        "and no theorem covers one linear layer a block."
    )


def _of_two_layers(config: RunConfig) -> str:
    if config.decay_schedule == "1/L":
        return f"Theorem 10: {_RATE}."
    which = "does not vanish" if config.decay_schedule == "constant" else "vanishes everywhere"
    return (
        f"Appendix H: where the decay {which}, two linear layers a block pay for a change in "
        "proportion to it. The hidden layers do nothing from some depth on, and collapse does not "
        "grow with depth."
    )
