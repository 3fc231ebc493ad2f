"""What can be learnt from runs: what came of them, statistics over seeds, projections."""

from ncengine.analysis import fits, outcome

__all__ = ["fits", "outcome"]
