"""What is required is what was tested: older versions have faults that were mended since."""

from __future__ import annotations

import tomllib
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


@pytest.mark.parametrize("name", REQUIRED)
def test_no_older_release_is_admitted_than_the_tested_one(name):
    tested = Version(next(iter(TESTED[name].specifier)).version)
    (least,) = (one.version for one in REQUIRED[name].specifier if one.operator == ">=")
    assert Version(least) <= tested
    assert Version(least).release[:2] == tested.release[:2]
    assert tested in REQUIRED[name].specifier
