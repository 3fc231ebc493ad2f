"""What comes out as it does by construction, whatever a network learns: it tells nothing."""

from __future__ import annotations


def trivial(classes: int, samples_per_class: int) -> dict[str, str]:
    """Metrics of training samples that tell nothing of a network of this size, and why.

    By the names of `snapshots.names`, "nc2" being that of the layers' class means, and "angle",
    the worst angle between class means. Each reason is a clause, which goes on a sentence.
    """
    reasons: dict[str, str] = {}
    if samples_per_class == 1:
        reasons |= dict.fromkeys(("nc1", "nc1_pinv", "ncc_error"), _ONE_SAMPLE)
    if classes == 2:
        reasons |= dict.fromkeys(("nc2", "effective_rank", "angle"), _TWO_MEANS)
        reasons["nc2a"] = _TWO_ROWS
    return reasons


_ONE_SAMPLE = "with one sample a class, each sample is its class’s mean"
# At any stationary point: the gradients of the fit by the two rows add up to 0, and the decay
# takes what the rows have in common. With an undecayed bias the same holds of squared error.
_TWO_ROWS = "two classes’ rows end opposite each other wherever training rests"
_TWO_MEANS = "two class means lie opposite each other about their centre wherever they are"
