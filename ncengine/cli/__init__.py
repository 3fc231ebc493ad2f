"""The command line: `ncengine …`."""

from ncengine.cli.main import main

__all__ = ["main"]
