"""The engine's version."""

# Raised when the numbers change; part of every run's key.
ENGINE_VERSION = "5"
# Versions whose results can still be looked at, newest first. They lack: layers, 3; a sound
# `nc1_pinv` where class means do not span K - 1 dimensions, 4 and 3 (see `runs.earlier`).
EARLIER_VERSIONS = ("4", "3")
