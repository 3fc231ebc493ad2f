"""The optimum of the generalised unconstrained features model (GUFM, Definition 3) in closed form.

It bounds the objective of every network from below: a run's gap to it is its certificate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ncengine.arguments import positive, whole


@dataclass(frozen=True)
class GufmOptimum:
    """The collapsed optimum, for balanced classes and features on the zero-sum sphere.

    Attributes:
        loss: L*_GUFM, the least value of fit plus decay.
        row_norm: norm of each row of the last layer's W.
        fit: the loss function's share of `loss`.
        decay: the share of lambda/2 ||W||_F^2.
        logit_gap: the true class's logit minus any other's.
        probability: softmax probability of the true class; None with MSE.
        figure: "simplex" (rows of W form a simplex ETF) or "orthogonal" (an orthogonal frame).
    """

    loss: float
    row_norm: float
    fit: float
    decay: float
    logit_gap: float
    probability: float | None
    figure: str


def gufm_optimum(
    classes: int, width: int, weight_decay: float, loss: str = "ce", bias: bool = False
) -> GufmOptimum:
    """The optimum of the GUFM (Definition 3; Lemma 9 with its row norm corrected).

    Minimises L(W X + b) + weight_decay/2 ||W||_F^2 over W (K, d), an undecayed bias b where there
    is one, and features X whose columns have mean 0 and norm sqrt(d). With CE a bias changes
    nothing: by symmetry the best one is the same for all classes, and softmax does not see it.

    Args:
        classes: K, at least 2.
        width: d.
        weight_decay: lambda of the last layer, positive.
        loss: "ce" (mean cross entropy) or "mse" (1/(2N) ||W X - Y||_F^2), in any case.
        bias: whether the last layer has a bias.

    Raises:
        ValueError: a value out of range; or d < K (CE, and MSE with bias) or d < K + 1 (MSE
            without bias), where the figure does not fit and the optimum is not collapsed.
    """
    kind = loss.casefold() if isinstance(loss, str) else loss
    if kind not in ("ce", "mse"):
        raise ValueError(f"loss = {loss!r}: must be one of ce, mse")
    classes, weight_decay = whole("classes", classes, 2), positive("weight_decay", weight_decay)
    figure = ideal_figure(kind, bias)
    least = least_width(classes, figure)
    try:
        width = whole("width", width, least)
    except ValueError as error:
        what = f"{classes} classes can collapse to {_FIGURE_TITLES[figure]}"
        raise ValueError(f"{error}, so that {what}") from None
    if kind == "ce":
        return _cross_entropy(classes, width, weight_decay)
    return _squared_error(classes, width, weight_decay, bias)


_FIGURE_TITLES = {"simplex": "a simplex ETF", "orthogonal": "an orthogonal frame"}


def ideal_figure(loss: str, bias: bool) -> str:
    """What W's rows form at the optimum: "orthogonal" for MSE without a bias, else "simplex"."""
    return "orthogonal" if loss.casefold() == "mse" and not bias else "simplex"


def least_width(classes: int, figure: str) -> int:
    """The least width d whose (d - 1)-dimensional zero-sum hyperplane holds the figure."""
    return classes + 1 if figure == "orthogonal" else classes


def simplex_etf(classes: int) -> np.ndarray:
    """(K, K - 1): K unit rows with mean 0 and all cosines -1/(K - 1), in float64."""
    # Helmert's orthonormal basis of the vectors of sum 0; in it, the unit vectors of R^K have
    # the coordinates of a simplex around 0.
    basis = np.zeros((classes - 1, classes))
    for k in range(1, classes):
        basis[k - 1, :k] = 1 / math.sqrt(k * (k + 1))
        basis[k - 1, k] = -k / math.sqrt(k * (k + 1))
    return basis.T * math.sqrt(classes / (classes - 1))


def _cross_entropy(K: int, d: int, weight_decay: float) -> GufmOptimum:
    """Minimises log(1 + (K - 1) exp(-z)) + lambda K a^2 / 2, z = a s the logit gap.

    Stationarity is (K - 1) / (K - 1 + e^z) = c z with c = lambda K / s^2. In t = log z, after a
    logarithm, both sides stay within floating-point range for every lambda, and the difference
    is convex and rises, so that Newton's method comes down to its zero from above.
    """
    s = math.sqrt(d) * K / (K - 1)
    others = math.log(K - 1)
    log_c = math.log(weight_decay) + math.log(K) - 2 * math.log(s)

    t = math.log(max(1.0, others - log_c)) + 1.0
    before = math.inf
    while t < before:
        margin = math.exp(t) - others
        slope = 1 + math.exp(t) / (1 + math.exp(-margin)) if margin > -700 else 1.0
        before, t = t, t - (t + log_c + _softplus(margin)) / slope
    z = math.exp(t)
    row_norm = z / s
    fit = math.log1p(math.exp(others - z))
    decay = K * _decay_of(row_norm, weight_decay)
    probability = 1 / (1 + math.exp(others - z))
    return GufmOptimum(fit + decay, row_norm, fit, decay, z, probability, "simplex")


def _decay_of(row_norm: float, weight_decay: float) -> float:
    """Of one row; nothing is formed on the way that is out of floating-point range."""
    return row_norm * weight_decay * row_norm / 2


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _squared_error(K: int, d: int, weight_decay: float, bias: bool) -> GufmOptimum:
    """With an undecayed bias the mean of Y is fitted for nothing, and E_K stands for I_K."""
    rank = K - 1 if bias else K
    whole = d + weight_decay * rank
    # Also where that is more than a floating-point number holds.
    missing = weight_decay * rank / whole if whole < math.inf else 1.0
    row_norm = math.sqrt(d) * rank / K / whole
    fit = missing**2 * rank / (2 * K)
    decay = K * _decay_of(row_norm, weight_decay)
    loss = missing * rank / (2 * K)
    figure = "simplex" if bias else "orthogonal"
    return GufmOptimum(loss, row_norm, fit, decay, d / whole, None, figure)
