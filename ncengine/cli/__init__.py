"""The command line: `ncengine …`."""

import sys

try:
    from ncengine.cli.main import main
except KeyboardInterrupt:  # at the first second, before there is anything to keep
    sys.exit(130)

__all__ = ["main"]
