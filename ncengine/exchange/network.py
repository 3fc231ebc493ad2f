"""A trained network as a torch.nn.Module, written from the paper's definitions.

Its `forward` uses torch alone, and reads samples as `datasets.load` gives them: numbers, images
row by row, or words by rank.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ncengine.architectures.shapes import context_length, input_dim
from ncengine.catalogue.architectures import Part, architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.exchange.parameters import parameters
from ncengine.runs.run import Run

# The paper's LayerNorm has none; this keeps a constant vector from dividing by zero.
EPS = 1e-12
# Free features may be as small as they like.
EPS_OF_FREE = 1e-30
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


Named = dict[str, Tensor | list[Tensor]]


class _Classifier(nn.Module):
    """Features, and a linear layer that tells classes apart by them.

    Attributes:
        last: the last layer, d to K.
    """

    def __init__(self, config: RunConfig):
        super().__init__()
        self.last = nn.Linear(config.width, config.classes, bias=config.last_bias)

    def features(self, samples: Tensor) -> Tensor:
        """(N, d) what the last layer reads of samples."""
        raise NotImplementedError

    def forward(self, samples: Tensor) -> Tensor:
        """(N, K) logits of samples."""
        return self.last(self.features(samples))

    def by_name(self, config: RunConfig) -> Named:
        """Parameters by their names in the engine; of those that all blocks have, lists."""
        bias = {"last_bias": self.last.bias} if config.last_bias else {}
        return {"last_weight": self.last.weight, **bias}


class ResNet(_Classifier):
    """An L-RN1 or L-RN2 (Definition 6), or one with LayerNorm inside its blocks (Definition 12)."""

    def __init__(self, config: RunConfig):
        super().__init__(config)
        info = architecture_info(config.architecture)
        (part,), d = info.parts, config.width
        self.pre = config.norm == "pre"
        self.embedding = nn.Linear(input_dim(config), d)
        self.blocks = nn.ModuleList(_branch(d, part) for _ in range(info.blocks(config.depth)))

    def features(self, samples: Tensor) -> Tensor:
        """(N, d) of samples (N, d_0)."""
        x = _norm(self.embedding(samples))
        for block in self.blocks:
            x = x + block(_norm(x)) if self.pre else _norm(x + block(x))
        return _norm(x) if self.pre else x

    def by_name(self, config: RunConfig) -> Named:
        """See `_Classifier.by_name`."""
        embedding = {
            "embedding_weight": self.embedding.weight,
            "embedding_bias": self.embedding.bias,
        }
        return {**super().by_name(config), **embedding, **_of_branches(config, self.blocks)}


class Attention(nn.Module):
    """What a single head adds to each token: W_VO Z A(Z), under the causal mask (eq. 11 and 22).

    Args:
        width: d.
        matrices: names of its matrices: "qk", "vo", or "q", "k", "v", "o".
    """

    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    qk: Tensor
    vo: Tensor

    def __init__(self, width: int, matrices: tuple[str, ...]):
        super().__init__()
        self.two = len(matrices) == 4
        for name in matrices:
            self.register_parameter(name, nn.Parameter(torch.empty(width, width)))

    def forward(self, z: Tensor) -> Tensor:
        """(N, C, d) of tokens (N, C, d), which are rows here and columns in the paper."""
        query = z @ self.q.mT @ self.k if self.two else z @ self.qk.mT
        scores = query @ z.mT * z.shape[-1] ** -0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=z.device).triu(1)
        mixed = scores.masked_fill(later, -torch.inf).softmax(-1) @ z
        return mixed @ self.v.mT @ self.o.mT if self.two else mixed @ self.vo.mT


class Transformer(_Classifier):
    """An L-T11, L-T12, L-T21 or L-T22 (Definition 7), or a pre-LN one (Definition 13).

    Attributes:
        patches: how images are cut: height, width, colours, side of a patch; None of words.
    """

    def __init__(self, config: RunConfig):
        super().__init__(config)
        info = architecture_info(config.architecture)
        (attention, mlp), blocks = info.parts, range(info.blocks(config.depth))
        text = dataset_info(config.dataset).kind == "text"
        m, d = input_dim(config), config.width
        self.pre = config.norm == "pre"
        self.patches = None if text else (*config.pixels, config.patch_size)
        embedding = nn.Embedding(m, d) if text else nn.Linear(m, d, bias=False)
        self.embedding: nn.Embedding | nn.Linear = embedding
        self.position = nn.Parameter(torch.empty(context_length(config), d))
        self.attention = nn.ModuleList(Attention(d, attention.matrices) for _ in blocks)
        self.mlp = nn.ModuleList(_branch(d, mlp) for _ in blocks)

    def features(self, samples: Tensor) -> Tensor:
        """(N, d), of the last token, of images (N, h w c) row by row, or words (N, C)."""
        x = _norm(self.embedding(self._tokens(samples)) + self.position)
        for attention, mlp in zip(self.attention, self.mlp, strict=True):
            for branch in (attention, mlp):
                x = x + branch(_norm(x)) if self.pre else _norm(x + branch(x))
        x = x[:, -1]
        return _norm(x) if self.pre else x

    def by_name(self, config: RunConfig) -> Named:
        """See `_Classifier.by_name`."""
        attention = architecture_info(config.architecture).parts[0]
        mixing = {
            f"{attention.name}_{name}": [getattr(head, name) for head in self.attention]
            for name in attention.matrices
        }
        embedding = {"token_embedding": self.embedding.weight, "position_embedding": self.position}
        return {**super().by_name(config), **embedding, **mixing, **_of_branches(config, self.mlp)}

    def _tokens(self, samples: Tensor) -> Tensor:
        """(N, C, p² c) patches, row by row (Appendix G.1); words as they are."""
        if self.patches is None:
            return samples
        height, width, colours, side = self.patches
        grid = samples.reshape(-1, height // side, side, width // side, side, colours)
        return grid.transpose(2, 3).reshape(len(samples), -1, side * side * colours)


class FreeFeatures(_Classifier):
    """Features that are parameters themselves (Definition 3), one a training sample."""

    def __init__(self, config: RunConfig):
        super().__init__(config)
        samples = config.classes * config.samples_per_class
        self.free = nn.Parameter(torch.empty(samples, config.width))

    def features(self, samples: Tensor) -> Tensor:
        """(N', d) of the training samples of these numbers (N',); of equal ones the first's."""
        return F.layer_norm(self.free, self.free.shape[-1:], eps=EPS_OF_FREE)[samples]

    def by_name(self, config: RunConfig) -> Named:
        """See `_Classifier.by_name`."""
        return {**super().by_name(config), "free_features": self.free}


# By the file of `ncengine.architectures` that has the same network of many seeds.
_NETWORKS: dict[str, type[_Classifier]] = {
    "resnet": ResNet,
    "transformer": Transformer,
    "ufm": FreeFeatures,
}


def network(run: Run, seed: int) -> nn.Module:
    """The trained network of a seed, on the processor, in the precision that it was trained in.

    It takes samples as `datasets.load` gives them, as tensors of that precision, or of words, to
    logits (N, K); its method `features` gives what its last layer reads. Of free features a sample
    is its number among the training samples, of identical ones that of the first.

    Raises:
        ValueError: no such seed was trained, its parameters were not kept, or the architecture is
            not one of the paper's.
    """
    config = run.config
    if seed not in config.seeds:
        raise ValueError(f"seed = {seed!r}: must be one of {', '.join(map(str, config.seeds))}")
    kind = architecture_info(config.architecture).family.network
    if kind not in _NETWORKS:
        known = ", ".join(_NETWORKS)
        raise ValueError(f"architecture = {config.architecture!r}: must be of the kinds {known}")
    r, values = config.seeds.index(seed), parameters(run)
    found = _NETWORKS[kind](config).to(getattr(torch, config.precision))
    with torch.no_grad():
        for name, targets in found.by_name(config).items():
            value = torch.from_numpy(np.array(values[name][r]))
            if isinstance(targets, Tensor):
                targets.copy_(value)
                continue
            # What all blocks have is one array, with an axis of blocks.
            for target, of_block in zip(targets, value, strict=True):
                target.copy_(of_block)
    return found.eval()


def _norm(x: Tensor) -> Tensor:
    """LayerNorm without parameters: mean 0 and norm √d."""
    return F.layer_norm(x, x.shape[-1:], eps=EPS)


def _branch(width: int, part: Part) -> nn.Sequential:
    """σ(W x + b), or W_2 σ(W_1 x + b_1) + b_2."""
    layers: list[nn.Module] = [nn.Linear(width, width), ACTIVATIONS[part.activation]()]
    return nn.Sequential(*layers, *(nn.Linear(width, width) for _ in part.matrices[1:]))


def _of_branches(config: RunConfig, blocks: nn.ModuleList) -> Named:
    """The parameters of what `_branch` made, by their names in the engine."""
    part = architecture_info(config.architecture).parts[-1]
    named: Named = {}
    for place, (weight, bias) in enumerate(zip(part.matrices, part.biases, strict=True)):
        # Between two linear layers stands σ.
        layers = [block.get_submodule(str(2 * place)) for block in blocks]
        named[f"{part.name}_{weight}"] = [layer.get_parameter("weight") for layer in layers]
        named[f"{part.name}_{bias}"] = [layer.get_parameter("bias") for layer in layers]
    return named
