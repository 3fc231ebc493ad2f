"""The engine beside what anyone would write instead: plain torch.nn and torch.optim.LBFGS.

CPU seconds to the objective at which the peer ends after 1,000 evaluations (history 50, strong
Wolfe, float32, one thread, torch.nn's own initialisation), as a share of its own; and the most
memory that each process took beyond what it took before. Each training is a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC
from ncengine.datasets import is_available, load
from ncengine.training.train import Training

EVALUATIONS = 1000
# Where one has not got there by then, it never does.
MOST_PASSES = 1000
CASES: list[dict[str, Any]] = [
    {"dataset": dataset, "architecture": "RN1", "norm": norm, "depth": depth}
    for dataset in ("mnist", "digits")
    for norm in ("post", "pre")
    for depth in (2, 5, 13, 34)
]
CASES += [
    {"dataset": "mnist", "architecture": "T11", "norm": "post", "depth": 5, "samples_per_class": 20}
]


class PlainResNet(nn.Module):
    """RN1 of Definition 6 or 12."""

    def __init__(self, config: RunConfig, inputs: int):
        super().__init__()
        d, self.pre = config.width, config.norm == "pre"
        self.embedding = nn.Linear(inputs, d)
        self.blocks = nn.ModuleList(nn.Linear(d, d) for _ in range(config.depth - 1))
        self.last = nn.Linear(d, config.classes, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = (self.last.in_features,)
        x = F.layer_norm(self.embedding(x), size)
        for block in self.blocks:
            if self.pre:
                x = x + F.relu(block(F.layer_norm(x, size)))
            else:
                x = F.layer_norm(x + F.relu(block(x)), size)
        return self.last(F.layer_norm(x, size) if self.pre else x)

    def decayed(self) -> Iterator[torch.Tensor]:
        yield from (block.weight for block in self.blocks)
        yield self.last.weight


class PlainTransformer(nn.Module):
    """T11 of Definition 7, on patches."""

    def __init__(self, config: RunConfig, inputs: int):
        super().__init__()
        d = config.width
        self.patch, self.side = config.patch_size, round(inputs**0.5)
        tokens = (self.side // self.patch) ** 2
        self.embedding = nn.Linear(self.patch**2, d, bias=False)
        self.positions = nn.Parameter(torch.rand(tokens, d) * 2 - 1)
        shapes = [(d, d)] * config.depth
        self.qk, self.vo, self.mlp = (
            nn.ModuleList(nn.Linear(*shape, bias=bias) for shape in shapes)
            for bias in (False, False, True)
        )
        self.last = nn.Linear(d, config.classes, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = (self.last.in_features,)
        cells = self.side // self.patch
        x = (
            x.view(-1, cells, self.patch, cells, self.patch)
            .transpose(2, 3)
            .flatten(3)
            .flatten(1, 2)
        )
        x = F.layer_norm(self.embedding(x) + self.positions, size)
        for qk, vo, mlp in zip(self.qk, self.vo, self.mlp, strict=True):
            mixed = F.scaled_dot_product_attention(qk(x), x, x, is_causal=True)
            x = F.layer_norm(x + vo(mixed), size)
            x = F.layer_norm(x + F.relu(mlp(x)), size)
        return self.last(x[:, -1])

    def decayed(self) -> Iterator[torch.Tensor]:
        for layers in (self.qk, self.vo, self.mlp):
            yield from (layer.weight for layer in layers)
        yield self.last.weight


def peer(config: RunConfig) -> dict[str, Any]:
    """Seeds one after another: where each ends, and CPU seconds for all."""
    data = load(config)
    x, y = torch.from_numpy(data.train.inputs), torch.from_numpy(data.train.labels)
    before, start, ends = _most_memory(), time.process_time(), []
    for seed in config.seeds:
        torch.manual_seed(seed)
        make = PlainTransformer if config.architecture == "T11" else PlainResNet
        ends.append(_minimise(make(config, x.shape[1]), config, x, y))
    return {
        "ends": ends,
        "seconds": time.process_time() - start,
        "memory": _most_memory() - before,
    }


def _minimise(net: Any, config: RunConfig, x: torch.Tensor, y: torch.Tensor) -> float:
    optimiser = torch.optim.LBFGS(
        net.parameters(),
        max_iter=EVALUATIONS,
        max_eval=EVALUATIONS,
        history_size=50,
        line_search_fn="strong_wolfe",
        tolerance_grad=0.0,
        tolerance_change=0.0,
    )
    best = np.inf

    def closure() -> torch.Tensor:
        nonlocal best
        optimiser.zero_grad()
        decay = sum(weight.square().sum() for weight in net.decayed())
        loss = F.cross_entropy(net(x), y) + config.weight_decay / 2 * decay
        loss.backward()
        best = min(best, float(loss))
        return loss

    optimiser.step(closure)
    return best


def ours(config: RunConfig, ends: list[float]) -> dict[str, Any]:
    """CPU seconds until the mean over the seeds is where the peer's ended, looks and all."""
    data = load(config)
    before, start = _most_memory(), time.process_time()
    training = Training(config, data, torch.device("cpu"))
    for step in training.steps():
        if training.solver.diverged.any():
            break
        reached = float(training._at_iterates().loss.mean())
        if reached <= np.mean(ends):
            return {
                "seconds": time.process_time() - start,
                "passes": step.passes,
                "memory": _most_memory() - before,
            }
    return {"seconds": np.inf, "passes": np.inf, "memory": _most_memory() - before}


def _most_memory() -> int:
    """MiB that the process took at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _alone(which: str, config: RunConfig, ends: list[float]) -> dict[str, Any]:
    """One training in a process of its own."""
    code = "import benchmarks.peers as peers; peers.one()"
    asked = json.dumps([which, config.query(), ends])
    done = subprocess.run(
        [sys.executable, "-c", code], input=asked, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def one() -> None:
    """What standard input asks for, as JSON."""
    which, query, ends = json.load(sys.stdin)
    torch.set_num_threads(1)
    config = RunConfig(**query)
    print(json.dumps(peer(config) if which == "peer" else ours(config, ends)))


def main(cases: list[dict[str, Any]] | None = None, seeds: tuple[int, ...] = (1, 5)) -> None:
    """Print the table; a case whose data are not here is left out."""
    rows, shares = [], []
    for count in seeds:
        for case in cases or CASES:
            config = RunConfig(**case, solver=KFAC, seeds=count, epochs=MOST_PASSES)
            if not is_available(config.dataset):
                continue
            theirs = _alone("peer", config, [])
            here = _alone("ours", config, theirs["ends"])
            share = here["seconds"] / theirs["seconds"]
            shares.append(share)
            rows.append(
                (config.title(), count, f"{np.mean(theirs['ends']):.5f}",
                 f"{theirs['seconds']:.1f} s", f"{here['seconds']:.1f} s", here["passes"],
                 f"**{share:.2f}**", f"{theirs['memory']} / {here['memory']} MiB")
            )  # fmt: skip
    head = ("network", "seeds", "objective", "torch.optim.LBFGS", KFAC, "passes", "share", "memory")
    show("CPU time to where plain torch.optim.LBFGS ends after 1,000 evaluations", head, rows)
    print(f"Median share {np.median(shares):.2f}, largest {np.max(shares):.2f}.\n")


if __name__ == "__main__":
    main()
