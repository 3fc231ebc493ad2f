"""Training: the objective, and solvers that make it small."""
