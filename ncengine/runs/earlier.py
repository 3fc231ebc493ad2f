"""What results of earlier engines hold that is not to be shown."""

from __future__ import annotations

import numpy as np

from ncengine.catalogue.metrics import metric_of
from ncengine.runs.run import Layers, Run
from ncengine.snapshots.names import OF_LAYERS

# The first version whose `nc1_pinv` has meaning where class means do not span K - 1 dimensions.
SOUND_INVERSE = 5
# Of the largest singular value of class means, which are kept in half precision: what is below
# may be nothing but their rounding.
ROUNDING = 4e-3


def without_noise(layers: Layers, version: str) -> Layers:
    """The layers of a result of that version; NaN where what it recorded is noise.

    Before version 5 `nc1_pinv` divided by what rounding had left where the class means span less
    than K - 1 dimensions: where K > d always, elsewhere as the means that were kept next to a
    snapshot tell, of the seeds of which they were.
    """
    if version.isdecimal() and int(version) >= SOUND_INVERSE:
        return layers
    nearest = np.abs(layers.epoch[:, None] - layers.means_epoch).argmin(1)
    return layers.with_(nc1_pinv=np.where(_lack_rank(layers)[nearest], np.nan, layers.nc1_pinv))


def why_not_recorded(run: Run, name: str) -> str:
    """Why a run has no values of a metric: "not recorded by version 4"; "" where it was recorded.

    Args:
        name: as in `Run.not_recorded`.
    """
    if name not in run.not_recorded:
        return ""
    version, since = str(run.machine.get("version")), metric_of(name.removeprefix(OF_LAYERS)).since
    if version.isdecimal() and int(version) < since:
        return f"not recorded by version {version}"
    return "not recorded when it was trained"


def _lack_rank(layers: Layers) -> np.ndarray:
    """(G', R, L) whether the class means that were kept span less than K - 1 dimensions."""
    means = layers.class_means.astype(np.float64)
    classes, width = means.shape[-2:]
    if classes > width:
        return np.ones(means.shape[:-2], bool)
    known = np.isfinite(means.sum((-2, -1)))
    centred = np.where(known[..., None, None], means - means.mean(-2, keepdims=True), 0.0)
    singular = np.linalg.svd(centred, compute_uv=False)
    return known & (singular[..., classes - 2] < ROUNDING * singular[..., 0])
