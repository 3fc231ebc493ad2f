"""Free features that go down to the floor: the GUFM (Definition 3) minimised, and the way there.

There is no network: each sample's feature is an unknown of its own, on the sphere where LayerNorm
puts features. In float64, by SciPy's L-BFGS, which is quick enough to follow a slider. With squared
error the rows that are best for given features are known in closed form, and after the first step
they are these: with a small weight decay, features and rows that are sought together end far above
the floor, by up to three quarters of it after a thousand steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ncengine.arguments import positive, whole
from ncengine.metrics.collapse import neural_collapse
from ncengine.metrics.rank import contrasts

MOST_STEPS = 1000
# Length of the unknowns of a feature at first, by loss: only their direction counts, and short ones
# turn by more at a step, as far as the rows' steps go.
SHORT = {"ce": 0.03, "mse": 0.3}
# Pictures of the way: the first steps each, then ever fewer.
FRAMES = 60


@dataclass(frozen=True)
class Descent:
    """F of its iterates, the first and the last among them; K classes of n samples, N in all.

    Attributes:
        step: (F,) which.
        features: (F, N, d) of mean 0 and norm √d.
        labels: (N,) classes.
        rows: (F, K, d) of W.
        loss: (F,) the objective.
        nc1, nc2, nc3: (F,) of the features and rows: Definition 2, NC2 of the figure that belongs
            to loss and bias.
        arrived: whether it came to rest within `MOST_STEPS`.
    """

    step: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    loss: np.ndarray
    nc1: np.ndarray
    nc2: np.ndarray
    nc3: np.ndarray
    arrived: bool


def descent(
    classes: int,
    width: int,
    weight_decay: float,
    loss: str = "ce",
    bias: bool = False,
    *,
    per_class: int = 10,
    seed: int = 0,
) -> Descent:
    """Go down from features at random and small rows.

    Args:
        classes, width, weight_decay, loss, bias: as of `best_figure`.
        per_class: n.
        seed: of the start.

    Raises:
        ValueError: a value is out of range.
    """
    classes, width = whole("classes", classes, 2), whole("width", width, 2)
    per_class, seed = whole("per_class", per_class, 1), whole("seed", seed, 0)
    positive("weight_decay", weight_decay)
    if loss.casefold() not in ("ce", "mse"):
        raise ValueError(f"loss = {loss!r}: must be one of ce, mse")
    free = _Free(classes, width, weight_decay, loss.casefold(), bias, per_class)
    random = np.random.default_rng([classes, width, seed])
    directions = random.standard_normal((classes * per_class, width - 1))
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    rows = 0.1 * random.standard_normal((classes, width - 1))
    start = free.joined(SHORT[free.kind] * directions / length, rows)
    way = [start]
    # The last steps change figures that nothing on the page shows.
    options = {"maxiter": MOST_STEPS, "maxcor": 10, "ftol": 1e-16, "gtol": 1e-9}
    alone = free.kind == "mse"
    found = minimize(
        free.of_features if alone else free,
        start[: directions.size] if alone else start,
        jac=True, method="L-BFGS-B", options=options,
        callback=lambda x: way.append(free.completed(x) if alone else x.copy()),
    )  # fmt: skip
    step = np.unique(np.geomspace(1, len(way), FRAMES).round().astype(int)) - 1
    return free.shown(step, [way[n] for n in step], found.nit < MOST_STEPS)


class _Free:
    """The objective of N features, of any length, and K rows, with its gradient."""

    def __init__(
        self, classes: int, width: int, weight_decay: float, kind: str, bias: bool, per_class: int
    ):
        self.labels = np.repeat(np.arange(classes), per_class)
        self.wanted = np.eye(classes)[self.labels]
        self.classes, self.width, self.decay = classes, width, weight_decay
        self.kind, self.bias = kind, bias

    def joined(self, features: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.concatenate([features.ravel(), rows.ravel(), np.zeros(self.classes * self.bias)])

    def parts(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        samples, dimensions = len(self.labels), self.width - 1
        first, second = samples * dimensions, (samples + self.classes) * dimensions
        shift = x[second:] if self.bias else np.zeros(self.classes)
        features = x[:first].reshape(samples, dimensions)
        return features, x[first:second].reshape(self.classes, dimensions), shift

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        features, rows, shift = self.parts(x)
        length = np.linalg.norm(features, axis=1, keepdims=True)
        units, scale = features / length, self.width**0.5
        logits = scale * units @ rows.T + shift
        if self.kind == "ce":
            top = logits.max(1, keepdims=True)
            powers = np.exp(logits - top)
            total = powers.sum(1, keepdims=True)
            own = (logits * self.wanted).sum(1, keepdims=True)
            fit = float((np.log(total) + top - own).mean())
            slope = (powers / total - self.wanted) / len(features)
        else:
            missing = logits - self.wanted
            fit = float((missing**2).sum() / 2 / len(features))
            slope = missing / len(features)
        of_rows = scale * slope.T @ units + self.decay * rows
        of_units = scale * slope @ rows
        of_features = (of_units - (of_units * units).sum(1, keepdims=True) * units) / length
        parts = [of_features.ravel(), of_rows.ravel(), *([slope.sum(0)] * self.bias)]
        return fit + self.decay / 2 * float((rows**2).sum()), np.concatenate(parts)

    def completed(self, x: np.ndarray) -> np.ndarray:
        """All unknowns, of features those that are given, of rows and bias the best with them."""
        features = x.reshape(len(self.labels), self.width - 1)
        units = self.width**0.5 * features / np.linalg.norm(features, axis=1, keepdims=True)
        # A bias that nothing decays takes the means away.
        means = units.mean(0) * self.bias, self.wanted.mean(0) * self.bias
        apart = units - means[0]
        square = apart.T @ apart / len(units) + self.decay * np.eye(units.shape[1])
        rows = np.linalg.solve(square, apart.T @ (self.wanted - means[1]) / len(units)).T
        shift = [means[1] - rows @ means[0]] * self.bias
        return np.concatenate([x, rows.ravel(), *shift])

    def of_features(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective of squared error with the best rows, in shares of the weight decay."""
        # At the best rows the objective does not change with them.
        value, gradient = self(self.completed(x))
        return value / self.decay, gradient[: len(x)] / self.decay

    def shown(self, step: np.ndarray, iterates: list[np.ndarray], arrived: bool) -> Descent:
        basis, scale = contrasts(self.width), self.width**0.5
        loss, features, rows = [], [], []
        for x in iterates:
            free, own, _ = self.parts(x)
            loss.append(self(x)[0])
            features.append(scale * free / np.linalg.norm(free, axis=1, keepdims=True) @ basis)
            rows.append(own @ basis)
        collapse = [neural_collapse(h, self.labels, w) for h, w in zip(features, rows, strict=True)]
        orthogonal = self.kind == "mse" and not self.bias
        nc2 = [one.nc2b if orthogonal else one.nc2a for one in collapse]
        return Descent(
            step=step,
            features=np.stack(features),
            labels=self.labels,
            rows=np.stack(rows),
            loss=np.array(loss),
            nc1=np.array([float(one.nc1) for one in collapse]),
            nc2=np.array(nc2, float),
            nc3=np.array([float(one.nc3) for one in collapse]),
            arrived=arrived,
        )
