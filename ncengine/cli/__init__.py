"""The command line: `ncengine …`."""

import sys
from typing import NoReturn

try:
    from ncengine.cli.leave import leave
    from ncengine.cli.main import main
except KeyboardInterrupt:  # at the first second, before there is anything to keep
    sys.exit(130)

__all__ = ["app", "main", "program"]


def program() -> NoReturn:
    """`ncengine …`, as a process of its own."""
    leave(main())


def app() -> NoReturn:
    """`neural-collapse-explorer …` is `ncengine app …`, but for its version."""
    words = sys.argv[1:]
    leave(main(words if words == ["--version"] else ["app", *words]))
