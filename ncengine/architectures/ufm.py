"""The generalised unconstrained features model (Definition 3) as an architecture."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ncengine.architectures.layers import Layer, Parameters, layer_norm
from ncengine.config import RunConfig

# Free features start small (see `shapes.FREE_SCALE`), so what keeps LayerNorm from dividing by
# zero must be smaller still.
EPS = 1e-30


def network(config: RunConfig) -> FreeFeatures:
    """Free features, whatever else `config` asks for."""
    return FreeFeatures()


class FreeFeatures:
    """Features that are parameters themselves, on the sphere of mean 0 and norm √d, for R seeds."""

    def layers(self, parameters: Parameters, inputs: Tensor) -> Iterator[Layer]:
        """Each sample's feature, the only layer; samples that are related share one (eq. 4).

        Args:
            parameters: "free_features" (R, N, d), normalised here, so that any values will do.
            inputs: (R, N) int64, for each sample the one whose feature it has.
        """
        free = layer_norm(parameters["free_features"], eps=EPS)
        features = free.gather(1, inputs.unsqueeze(-1).expand(*inputs.shape, free.shape[-1]))
        yield Layer(features, features)
