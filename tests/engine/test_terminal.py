"""Commands in a terminal that shows few letters, is full, or is gone: the work is done anyway."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncengine.cli.terminal import LETTERS
from ncengine.runs.store import Store

TINY = (
    "--dataset digits --architecture RN1 --classes 3 --samples-per-class 6 --width 6 --epochs 20 "
    "--warmup 10 --seeds 1"
).split()
ENCODINGS = ["ascii", "cp1252", "utf-8"]

# Several commands in one process, each as main() has it, since starting takes longest.
SEVERAL = """
import json, sys
from ncengine.cli.main import main
done = [main(one) for one in json.loads(sys.argv[1])]
sys.exit(0 if done == json.loads(sys.argv[2]) else f"{done}")
"""


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "NCENGINE_CACHE": str(cache), "NCENGINE_WORKERS": "1", **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ncengine.cli", *arguments]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A cache with two runs."""
    cache = tmp_path_factory.mktemp("trained")
    done = subprocess.run(
        command("sweep", *TINY, "--depth", "2,3"), env=environment(cache), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return cache


def complaints(stderr: str) -> list[str]:
    """What is said there but that so short a training ends above a shallower network."""
    return [line for line in stderr.splitlines() if "is not at its optimum" not in line]


def depths(cache: Path) -> list[int]:
    return sorted(entry["config"]["depth"] for entry in Store(cache).list())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_encoding_stops_a_command(encoding, tmp_path, trained):
    if encoding != "ascii":  # with which they are trained
        shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    commands = {
        # Each with the status that it is to have.
        ("sweep", *TINY, "--depth", "2,3"): 0,
        ("train", *TINY, "--depth", "2"): 0,
        ("train", *TINY, "--depth", "2", "--json"): 0,
        ("sweep", *TINY, "--depth", "2,3", "--json"): 0,
        ("check", *TINY): 0,
        ("check", *TINY, "--json"): 0,
        ("list",): 0,
        ("list", "--json"): 0,
        ("list", "--rebuild"): 0,
        ("gallery", "list"): 0,
        ("gallery", "list", "--json"): 0,
        ("train", "--help"): 0,
        ("sweep", "--help"): 0,
        ("gallery", "build", "--help"): 0,
        ("train", "--decay-schedule", "λ/L"): 2,
        ("train", "--λ", "3"): 2,
        ("sweep", *TINY, "--export", "λ/\udcff.csv"): 1,
        ("train", *TINY, "--dataset", "mnist"): 1,
    }
    several = [sys.executable, "-c", SEVERAL, json.dumps([*commands])]
    done = subprocess.run(
        [*several, json.dumps([*commands.values()])],
        env=environment(
            tmp_path,
            PYTHONIOENCODING=f"{encoding}:strict",
            NCENGINE_DATA="/nowhere",
            NCENGINE_GALLERY=str(Path(__file__).parents[2] / "cache" / "gallery"),
        ),
        capture_output=True,
    )
    out, err = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert done.returncode == 0, err
    assert "Traceback" not in err and "codec" not in err and "Errno" not in err
    assert "\\u03bb" not in err
    assert ("λ = 0.005" if encoding == "utf-8" else "lambda = 0.005") in out
    assert out.count("\n2 runs: 2 done") == 1
    objects = [json.loads(line) for line in out.splitlines() if line.startswith(("[{", "{"))]
    assert len(objects) > 6
    assert depths(tmp_path) == [2, 3]


@pytest.mark.parametrize(
    "setting", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_plain_locale_stops_nothing(setting, trained):
    done = subprocess.run(
        command("list"), env=environment(trained, **setting), capture_output=True, check=True
    )
    assert b"lambda = 0.005" in done.stdout and done.stderr == b""


@given(st.text())
def test_whatever_is_written_can_be_shown(text):
    for encoding in ENCODINGS[:3]:
        shown = text.encode(encoding, "ncengine.replaced")
        # What it has stays as it is, and nothing but letters that it has not is left out.
        assert all(c in shown.decode(encoding) for c in text if c.isascii())
        assert text.isascii() is False or shown == text.encode()


def test_what_stands_for_a_letter_reads_like_it():
    shown = "λ = 10⁻³ · d² × 2, “K − 1” … → ∞ é 木".encode("ascii", "ncengine.replaced")
    assert shown == b'lambda = 10^-^3 * d^2 x 2, "K - 1" ... -> inf e ?'
    assert all(value.isascii() for value in LETTERS.values())


@pytest.mark.parametrize("gone", ["stdout", "both"])
def test_a_reader_that_has_gone_ends_the_output_and_not_the_training(gone, tmp_path):
    read, write = os.pipe()
    os.close(read)
    export = tmp_path / "table.csv"
    done = subprocess.run(
        command("sweep", *TINY, "--depth", "2,3", "--export", str(export)),
        env=environment(tmp_path / "cache"),
        stdout=write,
        stderr=write if gone == "both" else subprocess.PIPE,
    )
    os.close(write)
    assert done.returncode == 0
    assert not complaints((done.stderr or b"").decode())
    assert depths(tmp_path / "cache") == [2, 3]
    assert len(export.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "asked", [["list"], ["list", "--json"], ["check", *TINY], ["train", "--help"], ["gallery"]]
)
def test_who_reads_one_line_hears_no_complaint(asked, trained):
    shell = " ".join([*command(*asked), "| head -n 1"])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}"],
        env=environment(trained, PYTHONUNBUFFERED="1"),
        capture_output=True,
        text=True,
    )
    if asked == ["gallery"]:  # wrong use, told on stderr
        assert done.returncode == 2 and "usage" in done.stderr
        return
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("asked", [["list"], ["train", *TINY, "--depth", "4"], ["train", "--help"]])
def test_output_that_is_lost_is_told_and_the_run_is_kept(asked, tmp_path, trained):
    cache = tmp_path if "4" in asked else trained
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*asked),
            env=environment(cache),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "ncengine: the output could not be written: no space left on device\n"
    assert depths(cache) == ([4] if "4" in asked else [2, 3])


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_stop_nothing(closed, trained):
    shell = " ".join([*command("list"), closed])
    done = subprocess.run(
        ["bash", "-c", shell], env=environment(trained), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (closed == "2>&-")


def test_no_file_takes_the_place_of_a_closed_stream(trained):
    """What a library prints must not end up in a file that was opened since."""
    code = (
        "import os, sys\n"
        "from ncengine.cli.terminal import terminal\n"
        "with terminal():\n"
        "    number = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "    os.write(1, b'printed')\n"
        "sys.exit(number <= 2)"
    )
    path = trained / "file"
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" -c "$1" "$2" >&- 2>&-', sys.executable, code, str(path)],
        env=environment(trained),
    )
    assert done.returncode == 0
    assert path.read_bytes() == b""


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_bar_that_cannot_be_drawn_stops_nothing(encoding, tmp_path):
    """The terminal is closed while the network trains, as a window that goes."""
    own, of_command = pty.openpty()
    termios.tcsetwinsize(of_command, (24, 100))
    process = subprocess.Popen(
        command("train", *TINY, "--depth", "2"),
        env=environment(tmp_path, PYTHONIOENCODING=encoding),
        stdout=subprocess.DEVNULL,
        stderr=of_command,
        start_new_session=True,
    )
    os.close(of_command)
    seen = b""
    while ("λ" if encoding == "utf-8" else "lambda").encode() not in seen:
        seen += os.read(own, 4096)
    os.close(own)
    assert process.wait() == 0
    assert b"0%|" in seen
    assert depths(tmp_path) == [2]


def test_a_fault_of_the_program_is_one_line_and_says_where_more_is(trained):
    code = (
        "import sys, ncengine.runs.store as store\n"
        "store.Store.list = lambda self: {}['missing']\n"
        "from ncengine.cli.main import main\n"
        "sys.exit(main(['list']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(trained, TMPDIR=str(trained)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("ncengine: KeyError: 'missing'. This is a fault of the program; ")
    (noted,) = trained.glob("ncengine-*.txt")
    assert str(noted) in line and "Traceback" in noted.read_text()


def test_what_went_wrong_is_told_once_and_without_a_number(tmp_path):
    done = subprocess.run(
        command("train", *TINY, "--dataset", "mnist"),
        env=environment(tmp_path, NCENGINE_DATA="/nowhere"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("is not on this machine") == 1
    assert done.stderr.startswith("ncengine: MNIST is not on this machine")


NO_FLOCK = """
import errno, fcntl

def flock(*_):
    raise OSError(errno.ENOSYS, "Function not implemented")

fcntl.flock = flock
"""


def test_a_file_system_without_flock_is_used_without_a_word(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_FLOCK)
    done = subprocess.run(
        command("sweep", *TINY, "--depth", "2,3"),
        env=environment(tmp_path / "cache", PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, complaints(done.stderr)) == (0, [])
    assert depths(tmp_path / "cache") == [2, 3]


ENDS = """
import atexit, ctypes, sys, threading, time
from ncengine.cli.leave import leave
libc = ctypes.CDLL(None)

class Stands:
    def __del__(self):
        time.sleep(600)

stands = Stands()
sys.modules["kept"] = stands  # until the interpreter is taken down
libc.__cxa_atexit(libc.pause, None, None)  # as a C++ library that waits for a thread of its own
atexit.register(print, "registered")
threading.Timer(0.1, print, ["waited for"]).start()
print("said", end=" ")
leave(3)
"""


def test_nothing_that_libraries_leave_behind_keeps_a_command():
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said waited for\nregistered\n", "")
