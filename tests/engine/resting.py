"""A training that comes to rest long before its budget is spent."""

from ncengine.config import RunConfig

# Weights decay to 0, where nothing moves any more.
RESTING = RunConfig(
    dataset="gaussian",
    input_dim=2,
    classes=2,
    samples_per_class=2,
    width=2,
    depth=2,
    spread=0.0,
    weight_decay=0.5,
    epochs=600,
    warmup=0,
    seeds=1,
)
