"""What can be asked for: the one schema of an experiment."""

from ncengine.config.grid import Grid, combine, grid
from ncengine.config.param import ConfigError, Param, Problem, as_text
from ncengine.config.run_config import PARAMS, PARAMS_DEFAULTS, RunConfig

__all__ = [
    "PARAMS",
    "PARAMS_DEFAULTS",
    "ConfigError",
    "Grid",
    "Param",
    "Problem",
    "RunConfig",
    "as_text",
    "combine",
    "grid",
]
