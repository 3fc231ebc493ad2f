"""`ncengine where` and `ncengine --version`."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ncengine.cli.main import main
from ncengine.datasets.files import fetching
from ncengine.jobs import process_memory
from ncengine.version import ENGINE_VERSION

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = {
    "cache": "NCENGINE_CACHE",
    "results": "NCENGINE_CACHE",
    "imported runs": "NCENGINE_CACHE",
    "recordings": "NCENGINE_CACHE",
    "gallery": "NCENGINE_GALLERY",
    "data set mnist": "NCENGINE_DATA",
    "data set imdb": "NCENGINE_DATA",
    "stories": None,
    "prepared words": None,
    "app": None,
    "configuration": None,
}


def told(capsys) -> dict[str, dict]:
    assert main(["where", "--json"]) == 0
    out = capsys.readouterr()
    assert out.err == ""
    return {one["what"]: one for one in json.loads(out.out)}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Variables that name folders of a test's own; none of them is made yet."""
    for what, name in (("cache", "CACHE"), ("gallery", "GALLERY"), ("data", "DATA")):
        monkeypatch.setenv(f"NCENGINE_{name}", str(tmp_path / what))
    monkeypatch.delenv("NCENGINE_MIRROR_CIFAR10", raising=False)


def test_each_place_is_told_with_the_variable_that_names_it(tmp_path, capsys):
    found = told(capsys)
    assert {what: found[what]["variable"] for what in VARIABLES} == VARIABLES
    for what, path in {
        "cache": tmp_path / "cache",
        "results": tmp_path / "cache" / "results",
        "imported runs": tmp_path / "cache" / "imported",
        "recordings": tmp_path / "cache" / "recorded",
        "gallery": tmp_path / "gallery",
        "data set mnist": tmp_path / "data" / "mnist",
        "app": ROOT / "app",
        "stories": ROOT / "cache" / "stories",
        "configuration": ROOT / ".streamlit" / "config.toml",
    }.items():
        assert found[what]["path"] == str(path)
        assert found[what]["set"] == (VARIABLES[what] is not None)


def test_it_makes_nothing(tmp_path, capsys):
    found = told(capsys)
    assert list(tmp_path.iterdir()) == []
    assert not found["cache"]["exists"] and found["cache"]["bytes"] is None
    assert found["cache"]["writable"] and found["app"]["exists"]


def test_all_that_is_written_below_the_user_s_cache_folder_is_told(tmp_path, capsys, monkeypatch):
    for name in ("LOCALAPPDATA", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("NCENGINE_DATA")
    process_memory._keep(2**28)
    with fetching._alone(tmp_path / "some" / "file"):
        written = {path for path in (tmp_path / "home").rglob("*") if path.is_file()}
    told_of = [Path(one["path"]) for one in told(capsys).values() if one["path"]]
    assert len(written) == 2
    for path in written:
        assert any(place == path or place in path.parents for place in told_of), path


def test_sizes_are_those_of_the_files(tmp_path, capsys):
    for name, size in (("one", 1000), ("results/two", 2345), ("imported/three", 7)):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    found = told(capsys)
    sizes = [found[what]["bytes"] for what in ("cache", "results", "imported runs")]
    assert sizes == [3352, 2345, 7]
    assert main(["where"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("results ")]
    assert line.endswith("results  2.35 kB  [NCENGINE_CACHE is set]")


def test_what_cannot_be_made_is_said_to_be(monkeypatch, capsys):
    monkeypatch.setenv("NCENGINE_CACHE", "/dev/null/cache")
    assert told(capsys)["cache"]["writable"] is False
    main(["where"])
    assert "/dev/null/cache  not there, and cannot be made" in capsys.readouterr().out


def test_no_gallery_is_none(monkeypatch, capsys):
    monkeypatch.setenv("NCENGINE_GALLERY", "")
    gallery = told(capsys)["gallery"]
    assert (gallery["path"], gallery["exists"], gallery["set"]) == (None, False, True)


def test_one_variable_that_names_no_source_leaves_the_rest(monkeypatch, capsys):
    monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", "ftp://nowhere")
    assert main(["where", "--json"]) == 0
    out = capsys.readouterr()
    found = {one["what"] for one in json.loads(out.out)}
    assert "data set cifar10" not in found and {"data set imdb", "app"} <= found
    assert "NCENGINE_MIRROR_CIFAR10" in out.err


def test_the_release_and_the_engine_are_told(capsys):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ncengine {project['version']}, engine {ENGINE_VERSION}\n"


@pytest.mark.parametrize("command", ["--version", "where"])
def test_neither_loads_what_is_slow(command):
    code = (
        f"import sys; from ncengine.cli.main import main; main([{command!r}]); "
        "print(sorted({'torch', 'streamlit', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done
