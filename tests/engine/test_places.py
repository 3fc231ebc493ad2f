"""Where results and downloads lie, of a checkout and of an installed engine; what is refused."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pooch
import pytest

from ncengine.cli.main import main
from ncengine.datasets.files.local import user_cache
from ncengine.jobs import gallery as building
from ncengine.jobs import job
from ncengine.runs.places import cache_root, gallery_root, require_writable
from ncengine.runs.store import Store
from ncengine.runs.table import check_table_path

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    "--dataset digits --classes 3 --samples-per-class 6 --width 6 --epochs 20 --warmup 10 --seeds 1"
).split()
# Where nobody can make a folder, the superuser neither.
NOWHERE = "/dev/null/folder"


@pytest.fixture
def nothing_is_trained(monkeypatch):
    monkeypatch.setattr(job, "Training", None)
    monkeypatch.setattr("ncengine.jobs.sweep.Helpers", None)


def test_of_a_checkout_all_lies_in_it(monkeypatch):
    monkeypatch.delenv("NCENGINE_CACHE", raising=False)
    monkeypatch.delenv("NCENGINE_GALLERY", raising=False)
    assert cache_root() == ROOT / "cache" and gallery_root() == ROOT / "cache" / "gallery"


def test_downloads_stay_where_they_were(monkeypatch, tmp_path):
    assert user_cache() == Path(pooch.os_cache("neural-collapse-explorer"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == Path(pooch.os_cache("neural-collapse-explorer"))


def test_an_installed_engine_writes_to_the_users_cache_folder(tmp_path):
    """And not beside itself, where other packages are."""
    site, cache = tmp_path / "site-packages", tmp_path / "cache"
    shutil.copytree(
        ROOT / "ncengine", site / "ncengine", ignore=shutil.ignore_patterns("__pycache__")
    )
    # As some packages leave behind.
    (site / "pyproject.toml").write_text('[project]\nname = "something-else"\n')
    there = sorted(site.rglob("*"))
    keep = ("NCENGINE_CACHE", "NCENGINE_GALLERY", "NCENGINE_DATA")
    environment = {name: value for name, value in os.environ.items() if name not in keep}

    def ncengine(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-B", "-m", "ncengine.cli", *arguments],
            env={**environment, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cache)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    trained = ncengine("train", *TINY, "--depth", "2", "--workers", "1")
    assert trained.returncode == 0, trained.stderr
    runs = cache / "neural-collapse-explorer" / "runs"
    assert len(Store(runs).list()) == 1
    listed = ncengine("gallery", "list")
    assert (listed.returncode, listed.stdout) == (0, "")
    assert listed.stderr.startswith("ncengine: no gallery here: ")
    built = ncengine("gallery", "build", "--only", "first")
    assert built.returncode == 1 and "NCENGINE_GALLERY can name its folder" in built.stderr
    assert sorted(site.rglob("*")) == there


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing/table.csv", "there is no folder"),
        ("folder.csv", "there is a folder of that name"),
        ("table.xlsx", "must end in .csv or .parquet"),
        ("csv", "must end in .csv or .parquet"),
        ("file/table.csv", "there is no folder"),
        ("/proc/table.csv", "the folder /proc cannot be written to"),
        (f"{NOWHERE}/table.csv", "there is no folder"),
    ],
)
def test_an_export_that_cannot_be_is_refused_first(
    name, said, tmp_path, monkeypatch, capsys, nothing_is_trained
):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    assert main(["sweep", *TINY, "--depth", "2", "--export", str(tmp_path / name)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ncengine: export = ") and said in line and "Errno" not in line


def test_an_export_that_fails_at_the_end_keeps_the_runs(tmp_path, monkeypatch, capsys):
    import pandas as pd

    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "table.csv"
    path.write_text("an earlier table")
    command = ["sweep", *TINY, "--depth", "2", "--workers", "1", "--export", str(path)]

    def full(table, path, **_):
        Path(path).write_text("half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", full)
        assert main(command) == 1
    out = capsys.readouterr()
    assert out.err == (
        f"ncengine: export = {str(path)!r}: no space left on device. The runs are kept: the same "
        "command writes the table without training\n"
    )
    assert out.out.splitlines()[-1] == "1 run: 1 done"
    assert path.read_text() == "an earlier table"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "table.csv"]
    monkeypatch.setattr("ncengine.jobs.sweep.Helpers", None)
    assert main(command) == 0
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "command",
    [
        ["train", *TINY],
        ["sweep", *TINY, "--depth", "2,3"],
        ["list"],
        ["list", "--rebuild"],
        ["gallery", "build", "--only", "first"],
        ["train", "--dataset", "mnist", "--download"],
        ["sweep", "--dataset", "mnist", "--download"],
        ["gallery", "build", "--download"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("cache", [NOWHERE, "full"])
def test_a_cache_that_cannot_be_written_to_is_told_first(
    command, cache, tmp_path, monkeypatch, capsys, nothing_is_trained
):
    """Before anything is fetched or trained."""
    if cache == "full":
        if command == ["list"]:
            return  # which writes nothing
        cache = str(tmp_path / "cache")
        Store(cache)
        full_disk(monkeypatch)
    monkeypatch.setenv("NCENGINE_CACHE", cache)
    monkeypatch.setenv("NCENGINE_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.setattr("ncengine.datasets.download", None)
    monkeypatch.setattr("ncengine.cli.gallery.fetch", None)
    assert main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ncengine: the ") and cache in line or "gallery" in line
    assert "names another" in line and "Errno" not in line


@pytest.mark.parametrize("name", ["index.jsonl", "journal/3fa2/asked.json"])
def test_what_the_system_says_is_told_without_its_number(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr("ncengine.jobs.ending.rebuild_index", _cannot)
    assert main(["list"]) == 0
    err = capsys.readouterr().err
    assert "no space left on device" in err and f"{name} cannot be read: is a directory" in err
    assert "Errno" not in err


def _cannot(*_):
    raise OSError(28, "No space left on device", "index.jsonl")


def test_the_home_of_nobody_is_no_folder():
    with pytest.raises(OSError, match="there is no folder .*~nobody-of-that-name; make it first"):
        check_table_path("~nobody-of-that-name/table.csv")


def full_disk(monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)


@pytest.mark.parametrize("gallery", ["", NOWHERE, "/proc"])
def test_a_gallery_that_cannot_be_written_to_is_told_first(
    gallery, tmp_path, monkeypatch, capsys, nothing_is_trained
):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    monkeypatch.setenv("NCENGINE_GALLERY", gallery)
    monkeypatch.setattr(building, "sweep", lambda *args, **options: pytest.fail("trained"))
    assert main(["gallery", "build", "--only", "deepening"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "gallery" in line and "NCENGINE_GALLERY" in line and "Errno" not in line


def test_a_theorem_is_checked_whatever_the_cache(monkeypatch, capsys):
    monkeypatch.setenv("NCENGINE_CACHE", NOWHERE)
    assert main(["check", *TINY]) == 0
    out = capsys.readouterr()
    assert out.err == "" and "Training time unknown: the cache folder cannot be" in out.out


FULL = """
import sys
from pathlib import Path
from ncengine.runs.places import require_cache
try:
    require_cache(Path(sys.argv[1]))
except OSError as error:
    sys.exit(str(error))
"""


def test_a_disk_without_room_is_told_by_the_system_itself(tmp_path):
    """A file that may not grow stands for a disk that is full; nothing is left behind."""

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, preexec_fn=no_room, capture_output=True, text=True)
    assert done.stderr == (
        f"the cache folder {tmp_path} cannot be written to: file too large; "
        "NCENGINE_CACHE names another\n"
    )
    assert not list(tmp_path.iterdir())
    require_writable(tmp_path, "the folder", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes by name")
@pytest.mark.parametrize(
    "words",
    [
        ("import", "pipe.npz"),
        ("record", "pipe.npz"),
        ("record", "pipe.csv"),
        ("export", "--story", "pipe.json", "--html", "out.html"),
    ],
)
def test_a_pipe_is_refused_and_not_waited_for(words, tmp_path):
    name = next(word for word in words if word.startswith("pipe"))
    os.mkfifo(tmp_path / name)
    # A process of its own, which can be ended where it does wait.
    code = "import sys; from ncengine.cli.main import main; sys.exit(main(sys.argv[1:]))"
    env = os.environ | {"NCENGINE_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{name}: must be a file, not a pipe or a device" in done.stderr
    assert "Traceback" not in done.stderr
