"""What can be learnt from finished runs: projections, statistics over seeds."""
