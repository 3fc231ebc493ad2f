"""Whether a classifier decides as the nearest class centre would (NC4)."""

from __future__ import annotations

from typing import Any

from array_api_compat import to_device

from ncengine.metrics.arrays import AT_ONCE, Array, as_float, double, namespace
from ncengine.metrics.groups import half_squares
from ncengine.metrics.rank import ROUNDING, told_apart


def nc4(features: Array, means: Array, weight: Array, bias: Array | None = None) -> Array:
    """Share (...) of samples to which a class mean is nearer than that of the class which the
    classifier picks (Papyan, Han and Donoho, 2020).

    Class means that differ by no more than rounding count as one. NaN where anything is not finite.

    Args:
        features: (N, d) or (R, N, d), of training or of test.
        means: (K, d) or (R, K, d) class means of the training samples, not centred.
        weight: (K, d) or (R, K, d), the last layer.
        bias: (K,) or (R, K), its bias; none where it has none.

    Raises:
        ValueError: shapes that do not fit, no sample.
    """
    return decided(features, means, weight, bias)[1]


def decided(
    features: Array, means: Array, weight: Array, bias: Array | None = None
) -> tuple[Array, Array]:
    """The classes that the classifier picks (..., N), and `nc4` (...), whose arguments it takes."""
    xp, given, features, means, weight = _checked(features, means, weight)
    rounding = ROUNDING * float(xp.finfo(given).eps)
    if bias is None:
        bias = xp.zeros_like(weight[..., 0])
    elif namespace(weight=weight, bias=bias):
        bias = double(xp, as_float(xp, bias))
    if bias.shape != weight.shape[:-1]:
        raise ValueError(f"bias: shape {tuple(bias.shape)}, must be {tuple(weight.shape[:-1])}")
    if features.ndim == 2:
        return _share(xp, features, means, weight, bias, rounding)
    each = [
        _share(xp, features[r, ...], means[r, ...], weight[r, ...], bias[r, ...], rounding)
        for r in range(features.shape[0])
    ]
    return xp.stack([own for own, _ in each]), xp.stack([share for _, share in each])


def picked(features: Array, weight: Array, bias: Array | None = None) -> Array:
    """The class (..., N) of the largest logit of each sample, by arguments as of `nc4`."""
    xp = namespace(features=features, weight=weight)
    features, weight = (double(xp, as_float(xp, values)) for values in (features, weight))
    logits = features @ xp.matrix_transpose(weight)
    return xp.argmax(logits if bias is None else logits + bias[..., None, :], axis=-1)


def _checked(features: Array, means: Array, weight: Array) -> tuple[Any, Any, Array, Array, Array]:
    xp = namespace(features=features, means=means, weight=weight)
    if features.ndim not in (2, 3) or not all(features.shape[-2:]):
        raise ValueError(
            f"features: shape {tuple(features.shape)}, must be (N, d) or (R, N, d), N and d at "
            "least 1"
        )
    wanted = (*features.shape[:-2], "K", features.shape[-1])
    for name, values in (("means", means), ("weight", weight)):
        fits = values.ndim == features.ndim and values.shape == weight.shape
        if not fits or (*values.shape[:-2], "K", values.shape[-1]) != wanted:
            text = ", ".join(map(str, wanted))
            raise ValueError(f"{name}: shape {tuple(values.shape)}, must be ({text})")
    given = as_float(xp, features).dtype
    return xp, given, *(double(xp, as_float(xp, values)) for values in (features, means, weight))


def _share(
    xp: Any, features: Array, means: Array, weight: Array, bias: Array, rounding: float
) -> tuple[Array, Array]:
    """Of one network: a sample that lies e from the mean m of the class picked is nearer to another
    mean m' where e · (m' - m) > |m' - m|²/2.
    """
    given = (features, means, weight, bias)
    if not all(bool(xp.all(xp.isfinite(values))) for values in given):
        # The largest of NaN would be the first class.
        return picked(features, weight, bias), xp.asarray(xp.nan, dtype=xp.float64)
    within = xp.mean(features * features) * features.shape[-1]
    centre = xp.mean(means, axis=-2, keepdims=True)
    centred = means - centre
    halves = half_squares(xp, centred, told_apart(xp, means, within, rounding))
    samples, step = features.shape[0], max(1, AT_ONCE // max(means.shape))
    nearer, owns = 0.0, []
    for start in range(0, samples, step):
        some = features[start : start + step, :]
        own = picked(some, weight, bias)
        owns.append(own)
        apart = some - xp.take(means, own, axis=0)
        along = apart @ xp.matrix_transpose(centred)
        mine = xp.take_along_axis(along, own[:, None], axis=-1)
        beyond = along - mine - xp.take(halves, own, axis=0)
        nearer += float(to_device(xp.sum(xp.max(beyond, axis=-1) > 0), "cpu"))
    return xp.concat(owns), xp.asarray(nearer / samples, dtype=xp.float64)
