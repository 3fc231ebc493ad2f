"""How many parameters a network has, as a formula in the paper's letters. Needs no torch."""

from __future__ import annotations

from ncengine.architectures.shapes import context_length, input_dim
from ncengine.catalogue.architectures import Part, architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig


def parameter_formula(config: RunConfig) -> str:
    """The parameters of one seed's network, as a sum: embedding, L blocks or L − 1, last layer.

    "·" multiplies, "²" squares; `parameter_legend` gives the letters' values. Definitions 6, 7,
    12 and 13 (normalisation has no parameters, so that post-LN and pre-LN count alike),
    Appendix G.1 for patches, Definition 3 for the UFM.
    """
    info = architecture_info(config.architecture)
    terms = [_embedding(config)]
    if info.parts:
        less = info.family.blocks_less
        blocks = f"(L − {less})" if less else "L"
        terms.append(f"{blocks}·({' + '.join(map(_part, info.parts))})")
    terms.append("K·d")
    if config.last_bias:
        terms.append("K")
    return " + ".join(terms)


def _embedding(config: RunConfig) -> str:
    tokens = "d·V + d·C" if dataset_info(config.dataset).kind == "text" else "d·p²·c + d·C"
    terms = {"identity": "N·d", "vector": "d·d₀ + d", "tokens": tokens}
    return terms[architecture_info(config.architecture).family.embedding]


def _part(part: Part) -> str:
    matrices = len(part.matrices)
    if not part.biases:
        return f"{matrices}·d²"
    return "d² + d" if matrices == 1 else f"{matrices}·(d² + d)"


def parameter_legend(config: RunConfig) -> dict[str, int]:
    """The value of each letter of `parameter_formula`, in the order of first use.

    d: width; d₀: numbers in an input; p: side of a patch in pixels; c: colours of a pixel;
    V: words of the vocabulary; C: context, in words or patches; L: depth; K: classes;
    N: training samples.
    """
    if not architecture_info(config.architecture).has_network:
        return {
            "N": config.classes * config.samples_per_class,
            "d": config.width,
            "K": config.classes,
        }
    return {"d": config.width, **_inputs(config), "L": config.depth, "K": config.classes}


def _inputs(config: RunConfig) -> dict[str, int]:
    """The letters of the embedding."""
    if not architecture_info(config.architecture).has_tokens:
        return {"d₀": input_dim(config)}
    info = dataset_info(config.dataset)
    if info.kind == "text":
        return {"V": config.vocabulary, "C": context_length(config)}
    colours = info.pixels[2]
    return {"p": config.patch_size, "c": colours, "C": context_length(config)}
