"""Named ways to train, for whatever network and data are picked."""

from __future__ import annotations

from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.config.defaults import defaults_of


def instant_preset() -> RunConfig:
    """Four classes on an ordinary sphere, few samples: trained in a second or two."""
    return RunConfig(classes=4, samples_per_class=50, width=4, seeds=1)


def paper_preset(config: RunConfig) -> RunConfig:
    """The paper's training (Appendix I) for the network and data of `config`."""
    text = dataset_info(config.dataset).kind == "text"
    norm, norms = "pre" if text else "post", architecture_info(config.architecture).norms
    defaults = defaults_of(config.dataset, config.architecture)
    return config.with_(
        solver="Adam",
        learning_rate=0.001 if text else 0.005,
        norm=norm if norm in norms else norms[0],
        rate_schedule="constant",
        batch_size=0,
        epochs=5000,
        seeds=5,
        width=64,
        loss="CE",
        last_bias=False,
        weight_decay=0.005,
        initial_scale=1.0,
        decay_schedule=defaults.get("decay_schedule", "constant"),
    )
