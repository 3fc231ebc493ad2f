"""What is required is what was tested: older versions have faults that were mended since."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def named(lines: list[str]) -> dict[str, Requirement]:
    found = map(Requirement, lines)
    return {canonicalize_name(one.name): one for one in found if one.name != PROJECT["name"]}


REQUIRED = named(
    [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), start=[])]
)
TESTED = named((ROOT / "constraints.txt").read_text(encoding="utf-8").split())


def what_is_installed_for_it() -> set[str]:
    """All that the requirements bring with them here; of PyTorch's, its build decides."""
    # Of the extras, what is installed: `make test` does without the linter.
    here = {canonicalize_name(one.name) for one in metadata.distributions()}
    found, left = set(), set(REQUIRED) & here
    while left:
        name = left.pop()
        found.add(name)
        lines = [] if name == "torch" else metadata.requires(name) or []
        brought = [
            one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate()
        ]
        left |= {canonicalize_name(one.name) for one in brought} - found
    return found


def test_all_that_is_installed_was_tested_together():
    assert what_is_installed_for_it() <= set(TESTED)


@pytest.mark.parametrize("name", REQUIRED)
def test_no_older_release_is_admitted_than_the_tested_one(name):
    tested = Version(next(iter(TESTED[name].specifier)).version)
    (least,) = (one.version for one in REQUIRED[name].specifier if one.operator == ">=")
    assert Version(least) <= tested
    assert Version(least).release[:2] == tested.release[:2]
    assert tested in REQUIRED[name].specifier
