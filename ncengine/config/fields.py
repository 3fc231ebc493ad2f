"""The fields of `RunConfig`: how each is named, explained, checked and offered.

Widgets, the page's address, command-line options and messages all derive from these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ncengine.catalogue.architectures import (
    ARCHITECTURES,
    architecture_info,
    families,
    of_family,
)
from ncengine.catalogue.datasets import DATASETS, dataset_info
from ncengine.config.param import Param
from ncengine.config.sizes import image_sides, patch_sizes

# As what so many blocks of torch.nn.Linear's weights add, all blocks together begin.
INITIAL_BLOCKS = 3
PAPER_DEPTHS = (2, 3, 5, 8, 13, 21, 34)
# Passes at each depth, and how many times as many at the smallest.
DEEPENING_EPOCHS = 200
AT_THE_BOTTOM = 3


# L-BFGS that knows of curvature what a Kronecker-factored Gauss-Newton matrix tells.
KFAC = "K-FAC L-BFGS"
# The start from a trained network of another depth or λ.
NEIGHBOUR = "neighbour"


def is_lbfgs(solver: str) -> bool:
    """Whether the solver finds its own steps: L-BFGS, with K-FAC or without."""
    return solver in ("L-BFGS", KFAC)


def _first_order(values: Mapping[str, Any]) -> bool:
    return not is_lbfgs(values["solver"])


def _has_rate(values: Mapping[str, Any]) -> bool:
    """Whether any step is of a given size: L-BFGS finds its own, but for those Adam takes first."""
    return _first_order(values) or (values["solver"] == "L-BFGS" and values["warmup"] > 0)


def _has_layers(values: Mapping[str, Any]) -> bool:
    return architecture_info(values["architecture"]).has_network


def _never_rises(values: Mapping[str, Any]) -> bool:
    """Whether the objective of a network ends no higher than it begins."""
    return _has_layers(values) and is_lbfgs(values["solver"])


def _made_with(field: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether the data set names the field among those that set how its samples are made."""
    return lambda values: field in dataset_info(values["dataset"]).fields


def _has_patches(values: Mapping[str, Any]) -> bool:
    images = dataset_info(values["dataset"]).kind == "images"
    return images and architecture_info(values["architecture"]).has_tokens


DATASET = Param(
    "Data set",
    "What the network learns to tell apart. Digits and Gaussian clusters need no download.",
    "Data",
    "choice",
    choices={name: info.title for name, info in DATASETS.items()},
)

CLASSES = Param(
    "Classes",
    "How many classes are used: the first K of the data set. With K = 4 and width d = 4 "
    "the features live on an ordinary sphere, and the player shows them exactly.",
    "Data",
    "int",
    letter="K",
    low=2,
    high=10,
    applies=lambda values: dataset_info(values["dataset"]).classes > 2,
)

SAMPLES_PER_CLASS = Param(
    "Samples per class",
    "Training samples drawn from each class; the data are balanced, N = K n.",
    "Data",
    "int",
    letter="n",
    low=1,
    high=5000,
    suggested=(10, 20, 50, 100, 150, 250),
)

INPUT_DIM = Param(
    "Input dimension",
    "Dimension of the space in which the points lie.",
    "Data",
    "int",
    letter="d₀",
    low=2,
    high=1024,
    applies=_made_with("input_dim"),
)

SPREAD = Param(
    "Spread",
    "Standard deviation of a cluster in each direction, when the clusters' centres have "
    "standard deviation 1. From about 0.5 on, clusters overlap.",
    "Data",
    "float",
    low=0.0,
    high=5.0,
    suggested=(0.1, 0.2, 0.3, 0.5, 1.0),
    applies=_made_with("spread"),
)

DATA_SEED = Param(
    "Data seed",
    "Which samples are drawn from the data set. The same for every seed of the network.",
    "Data",
    "int",
    low=0,
    high=2**31 - 1,
    advanced=True,
)

IMAGE_SIDE = Param(
    "Image side",
    "Pixels a side of what the network sees of an image: less than published are means over "
    "squares of pixels. With fewer numbers than samples a linear map of the image no longer tells "
    "all of them apart, and depth has something to do.",
    "Data",
    "choice",
    choices={s: str(s) for s in sorted({s for i in DATASETS.values() for s in image_sides(i)})},
    applies=lambda values: len(image_sides(dataset_info(values["dataset"]))) > 1,
)

VOCABULARY = Param(
    "Vocabulary",
    "How many words the network can tell apart: the V − 1 most frequent ones of the training "
    "reviews, and one that stands for all others.",
    "Data",
    "int",
    letter="V",
    low=2,
    high=20_000,
    suggested=(500, 1000, 2000, 5000, 10_000),
    applies=_made_with("vocabulary"),
)

CONTEXT = Param(
    "Context",
    "Words that the network sees of a review: the last C. Shorter reviews are left out.",
    "Data",
    "int",
    letter="C",
    low=1,
    high=512,
    suggested=(16, 32, 64, 128),
    applies=_made_with("context"),
)

ARCHITECTURE = Param(
    "Architecture",
    " ".join(f"{', '.join(of_family(family))}: {family.help}" for family in families()),
    "Network",
    "choice",
    choices={name: name for name in ARCHITECTURES},
)

PATCH_SIZE = Param(
    "Patch size",
    "Side in pixels of the square patches into which a transformer cuts an image; the last one "
    "predicts (Appendix G.1).",
    "Network",
    "choice",
    choices={p: str(p) for p in sorted({p for i in DATASETS.values() for p in patch_sizes(i)})},
    applies=_has_patches,
)

NORM = Param(
    "LayerNorm",
    "Keeps features at one length. post: after each block has added to the stream "
    "(Definitions 6 and 7). pre: only on what a block reads, so that the stream itself goes "
    "through unchanged (Definitions 12 and 13).",
    "Network",
    "choice",
    choices={"post": "post-LN", "pre": "pre-LN"},
    applies=lambda values: (
        _has_layers(values) and len(architecture_info(values["architecture"]).norms) > 1
    ),
)

DEPTH = Param(
    "Depth",
    "As the paper counts: an L-RN has L − 1 residual blocks and a last linear layer, an L-T has "
    "L blocks of attention and MLP and a last linear layer.",
    "Network",
    "int",
    letter="L",
    low=2,
    high=200,
    suggested=PAPER_DEPTHS,
    # A talk steps through depths: each of these is one click away.
    widget="pills",
    applies=_has_layers,
)

WIDTH = Param(
    "Width",
    "Dimension of every hidden layer. Features have norm √d and mean 0.",
    "Network",
    "int",
    letter="d",
    low=2,
    high=1024,
    suggested=(4, 8, 16, 32, 64, 128),
)

LOSS = Param(
    "Loss",
    "What is made small on the training samples, on average. CE, cross entropy: how surprised "
    "the network is by the right class. MSE, mean squared error: how far its answer is from 1 "
    "for the right class and 0 for the others.",
    "Objective",
    "choice",
    choices={"CE": "CE", "MSE": "MSE"},
)

LAST_BIAS = Param(
    "Last-layer bias",
    "Gives the last layer a bias, which is not decayed. With MSE it decides which figure "
    "is optimal, and which NC2 compares with: with it a simplex ETF, without it an orthogonal "
    "frame.",
    "Objective",
    "bool",
)

WEIGHT_DECAY = Param(
    "Weight decay",
    "The pull of weights towards 0, without which nothing collapses: the objective adds "
    "λ/2 times the squared norm of the weights of hidden and last layer; biases and the "
    "embedding are never decayed (eq. 3).",
    "Objective",
    "float",
    letter="λ",
    low=1e-6,
    high=1.0,
    suggested=tuple(float(f"{m}e{e}") for e in range(-5, 0) for m in (1, 2, 2.5, 5)),
    widget="slider",
)

DECAY_SCHEDULE = Param(
    "Decay schedule",
    "constant: λ everywhere (Theorem 4). 1/L: λ/L on hidden layers, λ on the last "
    "(Theorem 10). uniform 1/L: λ/L everywhere (Appendix H).",
    "Objective",
    "choice",
    choices={"constant": "constant", "1/L": "1/L", "uniform 1/L": "uniform 1/L"},
    applies=_has_layers,
)

SOLVER = Param(
    "Solver",
    "K-FAC L-BFGS goes on to (nearly) an optimum, which is what the theorems speak of, and looks "
    "a few times at the curvature on its way. L-BFGS alone takes two to five times as long. Adam "
    "at the paper's rate for 5000 epochs is the preset “Paper”. AdamW decays weights beside its "
    "steps, and so minimises something else: a contrast.",
    "Optimiser",
    "choice",
    choices={KFAC: KFAC, "L-BFGS": "L-BFGS", "Adam": "Adam", "SGD": "SGD", "AdamW": "AdamW"},
)

START = Param(
    "Start",
    "random: each network from random weights. deepening: from the trained network of the next "
    "smaller depth of 2, 3, 5, 8, 13, 21, 34, each of its blocks split over several, or followed "
    "by blocks that add nothing; those are trained first, up from the smallest. It pays with one "
    "linear layer a block: of two, both small, the decay keeps them at nothing. neighbour: from "
    "one of another depth or λ that is named.",
    "Optimiser",
    "choice",
    choices={"random": "random", "deepening": "deepening", NEIGHBOUR: NEIGHBOUR},
    advanced=True,
    applies=_never_rises,
)

VIA = Param(
    "By way of",
    "The networks that are trained first, each from the one before, the first from random weights: "
    "by depth, such as 2, 3, and where their λ is larger than this one's, by that too: 3@0.02. "
    "Each does what the one before did, at no more decay, before it is trained further.",
    "Optimiser",
    "steps",
    advanced=True,
    applies=lambda values: values["start"] == NEIGHBOUR,
)

EPOCHS = Param(
    "Budget",
    "Passes over the training data. One evaluation of the full objective and its gradient "
    "is one pass, so solvers compare fairly. With deepening: passes at each depth, three times as "
    "many at the smallest.",
    "Optimiser",
    "int",
    low=1,
    high=100_000,
    suggested=(200, 500, 1000, 2000, 5000),
)

SEEDS = Param(
    "Seeds",
    "Independent initialisations, trained side by side; what is shown are means over them.",
    "Optimiser",
    "seeds",
    low=0,
    high=2**31 - 1,
    suggested=(1, 2, 3, 5, 10),
)

LEARNING_RATE = Param(
    "Learning rate",
    "Step size of Adam, AdamW and SGD. The Adam steps with which L-BFGS starts take twice "
    "this; less where a post-LN network is deeper than 10, or an input has more than 784 numbers.",
    "Optimiser",
    "float",
    low=1e-6,
    high=10.0,
    suggested=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
    widget="slider",
    advanced=True,
    applies=_has_rate,
)

RATE_SCHEDULE = Param(
    "Rate schedule",
    "constant, or falling to 0 over the budget along half a cosine.",
    "Optimiser",
    "choice",
    choices={"constant": "constant", "cosine": "cosine"},
    advanced=True,
    applies=_first_order,
)

MOMENTUM = Param(
    "Momentum",
    "Momentum of SGD.",
    "Optimiser",
    "float",
    low=0.0,
    high=0.999,
    suggested=(0.0, 0.5, 0.9, 0.95, 0.99),
    advanced=True,
    applies=lambda values: values["solver"] == "SGD",
)

BATCH_SIZE = Param(
    "Batch size",
    "Samples a step; 0 is the full batch.",
    "Optimiser",
    "int",
    low=0,
    high=60_000,
    suggested=(0, 32, 64, 128, 256, 512),
    advanced=True,
    applies=lambda values: _first_order(values) and _has_layers(values),
)

INITIAL_SCALE = Param(
    "Initial scale",
    "What each block adds begins s times as large as with torch.nn.Linear's weights: uniform in "
    "±s/√d, or ±√(s/d) where two layers follow each other. 0 stands for s = min(1, 3/L): the "
    "deeper a network, the less each block is to do, and from s = 1 a deep one hardly leaves its "
    "start.",
    "Optimiser",
    "float",
    letter="s",
    low=0.0,
    high=10.0,
    choices={0.0: "min(1, 3/L)"},
    suggested=(0.0, 0.03, 0.1, 0.3, 1.0),
    advanced=True,
    applies=_has_layers,
)

WARMUP = Param(
    "Adam steps first",
    "Passes that Adam takes before L-BFGS begins.",
    "Optimiser",
    "int",
    low=0,
    high=10_000,
    suggested=(0, 20, 50, 100, 200, 300),
    advanced=True,
    applies=lambda values: values["solver"] == "L-BFGS",
)

PRECISION = Param(
    "Precision",
    "Floating-point format of the training. float64 is about half as fast.",
    "Optimiser",
    "choice",
    choices={"float32": "float32", "float64": "float64"},
    advanced=True,
)


def depth_below(depth: int) -> int | None:
    """The largest of the paper's depths below this one; None at the smallest."""
    return max((paper_depth for paper_depth in PAPER_DEPTHS if paper_depth < depth), default=None)
