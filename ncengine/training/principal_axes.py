"""Inputs along their principal axes, where what the embedding reads is not correlated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncengine.architectures.shapes import parameter_shapes
from ncengine.config import RunConfig

# Of the largest variance: axes with less are those along which no training sample differs.
LEAST_VARIANCE = 1e-12
BLOCK = 1000


@dataclass(frozen=True)
class PrincipalAxes:
    """An orthogonal change of coordinates of the inputs, and of the embedding that reads them.

    The embedding W_0 x + b_0 of an input is W_0 V (V^T (x - m)) + (b_0 + W_0 m). It is not decayed,
    so that neither the objective nor its optimum change; only in these coordinates the
    Gauss-Newton matrix of W_0 is diagonal on the side of its inputs.

    Attributes:
        mean: (d_0,) float64, m.
        axes: (d_0, r) float64, V: those along which the training samples differ.
    """

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, inputs: np.ndarray) -> PrincipalAxes:
        """Those of training inputs (N, d_0)."""
        mean = inputs.mean(0, dtype=np.float64)
        if len(inputs) < inputs.shape[1]:
            centred = inputs - mean
            variance, of_samples = np.linalg.eigh(centred @ centred.T)
            keep = variance > LEAST_VARIANCE * variance[-1]
            return cls(mean, centred.T @ of_samples[:, keep] / np.sqrt(variance[keep]))
        covariance = np.zeros((inputs.shape[1],) * 2)
        for some in _blocks(inputs):
            centred = some - mean
            covariance += centred.T @ centred
        variance, axes = np.linalg.eigh(covariance)
        return cls(mean, axes[:, variance > LEAST_VARIANCE * variance[-1]])

    def inputs(self, inputs: np.ndarray, dtype: Any) -> np.ndarray:
        """(N, d_0) inputs in these coordinates, 0 where there are less than d_0 of them."""
        along, start = np.zeros(inputs.shape, dtype), 0
        for some in _blocks(inputs):
            along[start : start + len(some), : self.axes.shape[1]] = (some - self.mean) @ self.axes
            start += len(some)
        return along

    def turned(self, config: RunConfig, parameters: np.ndarray) -> np.ndarray:
        """(R, P) parameters of a network that reads inputs as they are, for one that reads these.

        What the embedding makes of directions in which no training sample lies is let go.
        """
        weight, bias, rest = _parts(config, parameters)
        along = weight @ self.axes
        along = np.pad(along, ((0, 0), (0, 0), (0, weight.shape[2] - along.shape[2])))
        return _joined(along, bias + weight @ self.mean, rest)

    def turned_back(self, config: RunConfig, parameters: np.ndarray) -> np.ndarray:
        """The other way round."""
        along, bias, rest = _parts(config, parameters)
        weight = along[..., : self.axes.shape[1]] @ self.axes.T
        return _joined(weight, bias - weight @ self.mean, rest)


def _blocks(inputs: np.ndarray) -> Iterator[np.ndarray]:
    """Some rows after the others, so that copies in double precision stay small."""
    return (inputs[start : start + BLOCK] for start in range(0, len(inputs), BLOCK))


def _parts(config: RunConfig, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W_0 (R, d, d_0), b_0 (R, d), in float64, and the rest."""
    weight, bias = parameter_shapes(config)[:2]
    ends = [weight.size, weight.size + bias.size]
    first, second, rest = np.split(parameters, ends, axis=1)
    return first.reshape(-1, *weight.shape).astype(float), second.astype(float), rest


def _joined(weight: np.ndarray, bias: np.ndarray, rest: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [weight.reshape(len(rest), -1).astype(rest.dtype), bias.astype(rest.dtype), rest], axis=1
    )
