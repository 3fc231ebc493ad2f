"""The command line: `ncengine …`."""

import sys
from typing import NoReturn

from ncengine.cli.interrupts import wait_for_imports
from ncengine.cli.leave import leave

__all__ = ["app", "program"]


def program() -> NoReturn:
    """`ncengine …`, as a process of its own."""
    leave(_main(sys.argv[1:]))


def app() -> NoReturn:
    """`neural-collapse-explorer …` is `ncengine app …`, but for its version."""
    words = sys.argv[1:]
    leave(_main(words if words == ["--version"] else ["app", *words]))


def _main(words: list[str]) -> int:
    wait_for_imports()
    try:
        from ncengine.cli.main import main
    except KeyboardInterrupt:  # at the first second, before there is anything to keep
        return 130
    return main(words)
