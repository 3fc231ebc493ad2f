"""The engine's version."""

# Raised when the numbers change; part of every run's key.
ENGINE_VERSION = "3"
