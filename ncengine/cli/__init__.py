"""The command line: `ncengine …`."""

import sys

try:
    from ncengine.cli.main import main
except KeyboardInterrupt:  # at the first second, before there is anything to keep
    sys.exit(130)

__all__ = ["app", "main"]


def app() -> int:
    """`neural-collapse-explorer …` is `ncengine app …`; gives the exit status."""
    return main(["app", *sys.argv[1:]])
