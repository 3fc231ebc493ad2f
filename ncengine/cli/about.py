"""`ncengine --version`: which release this is, and which engine."""

from __future__ import annotations

import argparse
import tomllib
from importlib import metadata
from typing import Any, NoReturn

from ncengine.runs.places import checkout
from ncengine.version import ENGINE_VERSION

DISTRIBUTION = "neural-collapse-explorer"


def release() -> str:
    """The release's number, such as "0.1.0"."""
    if here := checkout():
        # What is installed of a checkout may remember an earlier one.
        about = tomllib.loads((here / "pyproject.toml").read_text(encoding="utf-8"))
        return about["project"]["version"]
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:  # files that were only copied
        return "of no release"


class Version(argparse.Action):
    """Prints both numbers and ends; asks for neither unless the option is given."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{**options, "nargs": 0, "default": argparse.SUPPRESS})

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        print(f"ncengine {release()}, engine {ENGINE_VERSION}")
        parser.exit()
