"""An evaluation of T11 beside that of a plain torch.nn network, one seed, in turns."""

from __future__ import annotations

import time
from statistics import median

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.table import show
from ncengine.architectures.build import initial_parameters
from ncengine.architectures.inputs import network_inputs
from ncengine.config import RunConfig
from ncengine.datasets import load
from ncengine.training.objective import Objective

SETTINGS = {
    "MNIST, 4 × 4 patches": RunConfig(dataset="mnist", architecture="T11", seeds=1),
    "digits, 4 × 4 patches": RunConfig(architecture="T11", seeds=1),
    "MNIST, 14 × 14 patches": RunConfig(
        dataset="mnist", architecture="T11", patch_size=2, samples_per_class=10, seeds=1
    ),
}
ROUNDS = 15


class PlainT11(nn.Module):
    """A post-LN T11 as one would write it, all tokens of all blocks computed."""

    def __init__(self, config: RunConfig, context: int, patch: int):
        super().__init__()
        d = config.width
        self.config = config
        self.tokens = nn.Linear(patch, d, bias=False)
        self.positions = nn.Parameter(torch.rand(context, d))
        self.qk = nn.ModuleList(nn.Linear(d, d, bias=False) for _ in range(config.depth))
        self.vo = nn.ModuleList(nn.Linear(d, d, bias=False) for _ in range(config.depth))
        self.mlp = nn.ModuleList(nn.Linear(d, d) for _ in range(config.depth))
        self.norm = nn.LayerNorm(d, elementwise_affine=False)
        self.last = nn.Linear(d, config.classes, bias=False)

    def forward(self, x):
        x = self.tokens(x) + self.positions
        for qk, vo, mlp in zip(self.qk, self.vo, self.mlp, strict=True):
            z = self.norm(x)
            mixed = F.scaled_dot_product_attention(qk(z), z, z, is_causal=True)
            z = self.norm(z + vo(mixed))
            x = z + torch.relu(mlp(z))
        return self.last(self.norm(x)[:, -1])

    def evaluate(self, x, y):
        """The objective and its gradient."""
        self.zero_grad()
        hidden = [layer.weight for layer in (*self.qk, *self.vo, *self.mlp)]
        decay = sum(weight.square().sum() for weight in (*hidden, self.last.weight))
        loss = F.cross_entropy(self(x), y) + self.config.weight_decay / 2 * decay
        loss.backward()
        return loss.item()


def ratio(config: RunConfig) -> tuple[float, float]:
    """Median seconds of an evaluation, the engine's and the plain network's, taken in turns."""
    split = load(config).train
    x = torch.tensor(network_inputs(config, split.inputs))
    y = torch.tensor(split.labels)
    plain = PlainT11(config, *x.shape[1:])
    ours, theta = Objective(config, x, y), initial_parameters(config, torch.float32)
    seconds = ([], [])
    for _ in range(ROUNDS):
        for times, evaluate, arguments in (
            (seconds[0], ours.evaluate, (theta,)),
            (seconds[1], plain.evaluate, (x, y)),
        ):
            start = time.perf_counter()
            evaluate(*arguments)
            times.append(time.perf_counter() - start)
    return median(seconds[0]), median(seconds[1])


def main() -> None:
    """Print the time of an evaluation of each, and their ratio."""
    rows = []
    for title, config in SETTINGS.items():
        engine, plain = ratio(config)
        times = (f"{1e3 * engine:.0f} ms", f"{1e3 * plain:.0f} ms")
        rows.append((title, *times, f"{engine / plain:.2f}"))
    show("T11, L = 5, one seed: an evaluation", ("data", "engine", "plain torch.nn", "ratio"), rows)


if __name__ == "__main__":
    main()
