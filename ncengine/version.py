"""The engine's version."""

# Raised when the numbers change; part of every run's key.
ENGINE_VERSION = "4"
# Versions whose results can still be looked at, newest first. They lack: layers, 3.
EARLIER_VERSIONS = ("3",)
