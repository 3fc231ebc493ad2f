"""What goes along with a release: how it is cited, under which licence it is, what it can do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))

# Of the Citation File Format 1.2.0.
REQUIRED = {"authors", "cff-version", "message", "title"}
KNOWN = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
    "license-url", "preferred-citation", "references", "repository", "repository-artifact",
    "repository-code", "type", "url", "version",
}  # fmt: skip


def test_the_citation_has_what_its_format_wants_and_nothing_else():
    assert REQUIRED <= CITATION.keys() <= KNOWN
    assert CITATION["cff-version"] == "1.2.0" and CITATION["type"] == "software"
    for work in (CITATION, *CITATION["references"]):
        assert work["title"] and work["authors"]
        assert all(set(one) <= {"name", "given-names", "family-names"} for one in work["authors"])
    assert all(one["type"] for one in CITATION["references"])
    texts = [CITATION[name] for name in ("message", "title", "abstract")] + CITATION["keywords"]
    assert all(isinstance(text, str) and text for text in texts)


def test_the_release_has_one_number():
    # Without quotes YAML may take a number for something else.
    assert isinstance(CITATION["version"], str) and CITATION["version"] == PROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"\n## [{PROJECT['version']}]" in changes


def test_the_changelog_has_the_form_that_it_names():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\]( - \d{4}-\d\d-\d\d)?", one) for one in headings[1:])
    kinds = re.findall(r"^### (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_licences_are_those_that_are_named():
    licences = [(ROOT / name).read_text("utf-8") for name in PROJECT["license-files"]]
    named = {"MIT": "MIT License", "OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1"}
    assert PROJECT["license"].split(" AND ") == list(named)
    for text, words in zip(licences, named.values(), strict=True):
        assert words in text
    (holder,) = [one["name"] for one in PROJECT["authors"]]
    assert holder in licences[0] and CITATION["authors"] == [{"name": holder}]
    assert CITATION["license"] == "MIT"
