"""The paper's architectures, batched over seeds."""
