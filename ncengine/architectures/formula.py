"""How many parameters a network has, as a formula in the paper's letters. Needs no torch."""

from __future__ import annotations

from ncengine.architectures.shapes import context_length, input_dim
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.config.fields import TRANSFORMERS

_ATTENTION = {"1": "2·d²", "2": "4·d²"}  # W_QK and W_VO, or W_Q, W_K, W_V and W_O
_LAYERS = {"1": "d² + d", "2": "2·(d² + d)"}


def parameter_formula(config: RunConfig) -> str:
    """The parameters of one seed's network, as a sum: embedding, L blocks or L − 1, last layer.

    "·" multiplies, "²" squares; `parameter_legend` gives the letters' values. Definitions 6, 7,
    12 and 13 (normalisation has no parameters, so that post-LN and pre-LN count alike),
    Appendix G.1 for patches, Definition 3 for the UFM.
    """
    body = _body(config.architecture, dataset_info(config.dataset).kind)
    return body + " + K·d" + (" + K" if config.last_bias else "")


def _body(architecture: str, kind: str) -> str:
    if architecture == "UFM":
        return "N·d"
    if architecture not in TRANSFORMERS:
        return f"d·d₀ + d + (L − 1)·({_LAYERS[architecture[-1]]})"
    token = "d·V" if kind == "text" else "d·p²·c"
    block = f"{_ATTENTION[architecture[1]]} + {_LAYERS[architecture[2]]}"
    return f"{token} + d·C + L·({block})"


def parameter_legend(config: RunConfig) -> dict[str, int]:
    """The value of each letter of `parameter_formula`, in the order of first use.

    d: width; d₀: numbers in an input; p: side of a patch in pixels; c: colours of a pixel;
    V: words of the vocabulary; C: context, in words or patches; L: depth; K: classes;
    N: training samples.
    """
    if config.architecture == "UFM":
        return {
            "N": config.classes * config.samples_per_class,
            "d": config.width,
            "K": config.classes,
        }
    return {"d": config.width, **_inputs(config), "L": config.depth, "K": config.classes}


def _inputs(config: RunConfig) -> dict[str, int]:
    """The letters of the embedding."""
    if config.architecture not in TRANSFORMERS:
        return {"d₀": input_dim(config)}
    info = dataset_info(config.dataset)
    if info.kind == "text":
        return {"V": config.vocabulary, "C": context_length(config)}
    colours = info.image_shape[2] if len(info.image_shape) == 3 else 1
    return {"p": config.patch_size, "c": colours, "C": context_length(config)}
