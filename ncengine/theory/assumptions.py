"""What the paper's theorems assume, checked against one experiment. Needs no torch.

An assumption that does not hold is no error: the paper's own experiments go beyond some of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from ncengine.architectures.shapes import input_dim
from ncengine.catalogue.architectures import ArchitectureInfo, architecture_info
from ncengine.config import RunConfig
from ncengine.datasets import DatasetError, Split, dataset_info, is_available, load
from ncengine.datasets.files.sources import checksum, source
from ncengine.theory.gufm import ideal_figure, least_width
from ncengine.theory.optimum import floor_of, why_no_figure

LEAST_INNER_DIMENSION = 4


@dataclass(frozen=True)
class Assumption:
    """One thing that the theorems ask for.

    Attributes:
        name: the same for every configuration, to tell assumptions apart by.
        title: the assumption, as a short statement.
        holds: None where it cannot be told, since the data are not on this machine.
        reason: why, with the number it is judged by and its place in the paper.
    """

    name: str
    title: str
    holds: bool | None
    reason: str


def assumptions(config: RunConfig) -> tuple[Assumption, ...]:
    """What the theorems behind `config` assume, and whether it does hold.

    Reads the data where they are on this machine; never downloads, never trains, never raises for
    data that are missing or damaged. For the UFM, a line that speaks of layers is left out.
    """
    census = _look(config)
    return (
        _balanced(config, census),
        _distinct(config, census),
        _determined(config, census),
        _floor(config),
        *_on_layers(config, _inner_dimension),
        _width(config),
        *_on_layers(config, _schedule),
        *_uncovered(config),
    )


def remark(config: RunConfig) -> str:
    """What no theorem asks for, and yet decides what depth can add, in words; "" elsewhere.

    The embedding is not decayed. Where the inputs have more numbers than there are samples, it
    separates the classes by itself, at no cost.
    """
    census = _look(config)
    embeds_vectors = _network(config).family.embedding == "vector"
    if isinstance(census, str) or not embeds_vectors or not census.separable:
        return ""
    smaller = " Averaged down to fewer pixels, they leave it more to do."
    return (
        f"Inputs have more numbers than there are samples: {census.samples:,} of "
        f"d₀ = {input_dim(config):,} span N − 1 = {census.samples - 1:,} dimensions. A linear map "
        "of the input separates the classes by itself, at no decay; depth has little to add."
        + smaller
        * ("image_side" in config.params)
    )


def _on_layers(
    config: RunConfig, line: Callable[[RunConfig], Assumption]
) -> tuple[Assumption, ...]:
    """What a theorem on the layers of residual networks or transformers asks for, where one is."""
    return (line(config),) if _network(config).theorem else ()


def _uncovered(config: RunConfig) -> tuple[Assumption, ...]:
    """For an architecture of which the paper does not speak."""
    if _network(config).theorem or not _network(config).has_network:
        return ()
    reason = (
        "The theorems speak of residual networks and transformers with ReLU; none covers "
        f"{config.architecture}."
    )
    return (Assumption("covered", "A theorem covers the architecture", False, reason),)


def _network(config: RunConfig) -> ArchitectureInfo:
    return architecture_info(config.architecture)


def _is_covered_resnet(config: RunConfig) -> bool:
    return bool(_network(config).theorem) and not _network(config).has_tokens


def _is_covered_transformer(config: RunConfig) -> bool:
    return bool(_network(config).theorem) and _network(config).has_tokens


@dataclass(frozen=True)
class _Census:
    """What counting the training samples gave.

    Attributes:
        of_class: samples of each class.
        copies: samples that have an identical twin.
        contradictory: samples that have an identical twin with another label.
        left_out: samples that the data set does not give for contradicting others.
        separable: whether a linear map of the inputs can give every sample any label.
    """

    of_class: tuple[int, ...]
    copies: int
    contradictory: int
    left_out: int
    separable: bool

    @property
    def samples(self) -> int:
        return sum(self.of_class)


def _look(config: RunConfig) -> _Census | str:
    """The census of the training samples, or why there is none."""
    info = dataset_info(config.dataset)
    data = {n: getattr(config, n) for n, param in config.params.items() if param.group == "Data"}
    try:
        if not is_available(config.dataset):
            source(config.dataset)  # raises, where that is why
            return f"Cannot be told yet: {info.title} is not on this machine."
        return _census(RunConfig(**data), checksum(config.dataset))
    except (DatasetError, ValueError) as error:
        return f"Cannot be told: {error}"


@lru_cache(maxsize=64)
def _census(config: RunConfig, content: str) -> _Census:
    """Of the samples that `config` draws from the data of that content (see `checksum`)."""
    data = load(config)
    groups: dict[bytes, Counter[int]] = {}
    for sample, label in zip(data.train.inputs, data.train.labels.tolist(), strict=True):
        groups.setdefault(_digest(sample), Counter())[label] += 1
    sizes = [(group.total(), len(group)) for group in groups.values()]
    return _Census(
        of_class=_of_class(data.train, config.classes),
        copies=sum(size for size, _ in sizes if size > 1),
        contradictory=sum(size for size, labels in sizes if labels > 1),
        left_out=data.facts.get("contradictory", 0),
        separable=_is_separable(data.train.inputs),
    )


def _is_separable(inputs: np.ndarray) -> bool:
    """Whether N inputs (N, d_0) span N - 1 dimensions, as only d_0 >= N - 1 numbers can."""
    if not np.issubdtype(inputs.dtype, np.floating) or inputs.shape[1] < len(inputs) - 1:
        return False
    centred = inputs - inputs.mean(0, dtype=np.float64)
    return bool(np.linalg.matrix_rank(centred) == len(inputs) - 1)


def _digest(sample: np.ndarray) -> bytes:
    # Adding 0 makes -0.0 the 0.0 that it equals.
    return blake2b((sample + 0).tobytes(), digest_size=16).digest()


def _of_class(split: Split, classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(split.labels, minlength=classes).tolist())


def _balanced(config: RunConfig, census: _Census | str) -> Assumption:
    title = "Classes are balanced"
    drawn = [config.samples_per_class] * config.classes
    of_class = drawn if isinstance(census, str) else census.of_class
    least, most = min(of_class), max(of_class)
    if least == most:
        reason = f"Each of the {config.classes} classes has n = {most:,} training samples"
    else:
        reason = f"Classes have from {least:,} to {most:,} training samples"
    return Assumption("balanced", title, least == most, f"{reason} (section 3).")


def _distinct(config: RunConfig, census: _Census | str) -> Assumption:
    title = f"Training {_what(config)} are distinct"
    if isinstance(census, str):
        return Assumption("distinct", title, None, census)
    asked = _is_covered_resnet(config)
    if not census.copies:
        reason = f"All {census.samples:,} differ{_why_distinct(config)}."
        return Assumption("distinct", title, True, reason)
    reason = f"{census.copies:,} of {census.samples:,} have an identical twin; "
    if asked:
        reason += "Corollary 5 asks for none."
    else:
        reason += "twins share a feature (Definition 3), which does no harm if their labels agree."
    return Assumption("distinct", title, not asked, reason)


def _why_distinct(config: RunConfig) -> str:
    if _is_covered_resnet(config):
        return ", as Corollary 5 asks"
    if not _network(config).has_network:
        return ", so that each has a feature of its own (Definition 3)"
    if not _is_covered_transformer(config):
        return ""
    if _is_text(config):
        return ", which Corollary 5 does not ask of transformers"
    return ", as images of a continuous distribution do (Appendix G.1)"


def _determined(config: RunConfig, census: _Census | str) -> Assumption:
    noun = "context" if _is_text(config) else _what(config)[:-1]
    title = f"The {noun} determines the label"
    if isinstance(census, str):
        return Assumption("determined", title, None, census)
    if census.contradictory:
        reason = (
            f"{census.contradictory:,} of {census.samples:,} have an identical twin with another "
            "label, so that no network can fit both and the optimum is not collapsed "
            "(Corollary 5, Lemma 9)."
        )
    else:
        reason = f"0 of {census.samples:,} have an identical twin with another label (Corollary 5)"
        left_out = f"; {census.left_out:,} were left out since they had one"
        reason += (left_out if census.left_out else "") + "."
    return Assumption("determined", title, not census.contradictory, reason)


def _what(config: RunConfig) -> str:
    return {"text": "contexts", "images": "images", "points": "points"}[
        dataset_info(config.dataset).kind
    ]


def _is_text(config: RunConfig) -> bool:
    return dataset_info(config.dataset).kind == "text"


def _floor(config: RunConfig) -> Assumption:
    title = "The floor L*_GUFM is positive"
    floor = floor_of(config)
    # W = 0 leaves the fit positive and any other W costs decay, whatever the width.
    if floor is None:
        reason = (
            f"It is, since λ = {config.decay_last:g} > 0, but at width d = {config.width} no "
            "closed form of it exists (Lemma 9)."
        )
    else:
        reason = f"L*_GUFM = {floor:.6g}, since λ = {config.decay_last:g} > 0 (Lemma 9)."
    return Assumption("floor", title, True, reason)


def _width(config: RunConfig) -> Assumption:
    figure = ideal_figure(config.loss, config.last_bias)
    least = least_width(config.classes, figure)
    letter = "K + 1" if figure == "orthogonal" else "K"
    name = {"orthogonal": "an orthogonal frame", "simplex": "a simplex ETF"}[figure]
    holds = config.width >= least
    reason = (
        f"d = {config.width} is at least {letter} = {least}: LayerNorm leaves d − 1 dimensions "
        f"to {name} of K classes (Definition 2, Lemma 9)."
    )
    if not holds:
        without = why_no_figure(config)
        reason = f"{without[0].upper()}{without[1:]} (Definition 2, Lemma 9)."
    return Assumption("width", f"Width d is at least {letter}", holds, reason)


def _inner_dimension(config: RunConfig) -> Assumption:
    d = config.width
    if _is_covered_transformer(config) and _is_text(config):
        least = 2 * config.vocabulary + 2
        holds = d >= least
        reason = f"d = {d} is {'at least' if holds else 'less than'} 2V + 2 = {least:,}"
        reason += f" for V = {config.vocabulary:,} words ({_network(config).theorem})"
        reason += "." if holds else "; the paper's own experiments ignore it too."
        return Assumption("inner_dimension", "Inner dimension is at least 2V + 2", holds, reason)
    holds = d >= LEAST_INNER_DIMENSION
    reason = f"d = {d} is {'at least' if holds else 'less than'} 4 ({_network(config).theorem})."
    if _is_covered_transformer(config):
        reason += (
            " Images have no vocabulary V for the 2V + 2 of words; Appendix G.1 names no number, "
            "but its proof ends as that of ResNets, which needs 4."
        )
    return Assumption("inner_dimension", "Inner dimension is at least 4", holds, reason)


def _schedule(config: RunConfig) -> Assumption:
    judge = {"Theorem 4": _one_layer, "Theorem 10": _two_layers}[_network(config).theorem]
    holds, reason = judge(config)
    return Assumption("schedule", "Decay schedule suits the architecture", holds, reason)


def _one_layer(config: RunConfig) -> tuple[bool, str]:
    rates = _rates(config)
    if config.decay_schedule == "uniform 1/L":
        return False, (
            f"{rates}: no theorem covers a last layer's λ that falls with depth; "
            "Theorem 4 keeps λ independent of L."
        )
    if config.decay_schedule == "1/L":
        return True, (
            f"{rates}: Theorem 4 has λ on hidden layers too, and less decay there only makes "
            "its construction cheaper."
        )
    reason = f"{rates}, independent of L: Theorem 4 holds for {config.architecture}"
    attention = _network(config).attention
    if attention is not None and attention.linear_layers == 2:
        reason += (
            " as for T11, since the number of matrices in attention does not matter (Appendix E)"
        )
    return True, reason + "."


def _two_layers(config: RunConfig) -> tuple[bool, str]:
    rates = _rates(config)
    if config.decay_schedule == "1/L":
        return True, f"{rates}: falls faster than 1/log L, as Theorem 10 asks."
    why = {
        "constant": "with two linear layers a block, hidden decay that does not fall with depth",
        "uniform 1/L": "with two linear layers a block, decay that falls alike in all layers",
    }[config.decay_schedule]
    return False, f"{rates}: {why} lets no collapse be expected (Appendix H)."


def _rates(config: RunConfig) -> str:
    if config.decay_hidden == config.decay_last:
        return f"λ = {config.decay_last:g} on all layers"
    return f"λ = {config.decay_hidden:g} on hidden layers, {config.decay_last:g} on the last"
