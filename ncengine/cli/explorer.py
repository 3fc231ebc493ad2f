"""Commands that need the app: it lies beside the engine, which knows it by its place alone.

In a checkout it is the folder `app/`; where the wheel was installed it lies in a package of its
own, so that no other package of that name is in its way.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from ncengine.runs.places import home


def command(name: str) -> ModuleType:
    """A module of `app/commands/`.

    Raises:
        ValueError: the app is not here.
    """
    folder = home()
    if folder is None:
        raise ValueError("the app is not beside this engine; the whole package has it")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(f"app.commands.{name}")


def add_commands(commands: Any) -> None:
    """Add the app's commands to argparse's, where there is an app."""
    if home():
        for name in command("names").NAMES:
            command(name).add_command(commands)
