"""What can be learnt from finished runs: projections, statistics over seeds."""

from ncengine.analysis import fits

__all__ = ["fits"]
