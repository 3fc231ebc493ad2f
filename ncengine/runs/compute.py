"""The one function whose results joblib keeps. An edit to its body drops them all."""

import numpy as np


def compute(
    config_json: str, data_checksum: str, engine_version: str, root: str
) -> dict[str, np.ndarray]:
    """The finished run of a configuration, as arrays; see `training.job.train_to_end`."""
    from ncengine.jobs.job import train_to_end

    return train_to_end(config_json, root)
