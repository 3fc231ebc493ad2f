"""The house: a room imports only from floors below it, and no files import each other in a loop.

Imports are read from the source, those within functions too: nothing is run.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Rooms by package, the ground floor first. A new room gets its place here.
FLOORS = {
    "ncengine": (
        "version",
        "reasons",
        "arguments",
        "catalogue",
        "config",
        "datasets",
        "architectures",
        "metrics",
        "theory",
        "snapshots",
        "costs",
        "training",
        "runs",
        "analysis",
        "exchange",
        "own",
        "recorder",
        "jobs",
        "cli",
    ),
    "app": (
        "browser",
        "charts",
        "engine",
        "components",
        "picker",
        "player",
        "stage",
        "theory",
        "recorded",
        "export",
        "views",
        "frame",
        "main",
        "commands",
    ),
}
# What stands beside the rooms.
BESIDE = {
    "ncengine": {"__init__.py", "version.py", "reasons.py", "arguments.py"},
    "app": {"__init__.py", "frame.py", "main.py", "static"},
}
# What a package must not load, nor anything in it name.
NEVER = {"ncengine": {"streamlit", "altair", "app"}, "app": {"torch"}}


def modules(root: Path) -> dict[str, Path]:
    """All modules of the two packages, by dotted name."""
    found = {}
    for package in FLOORS:
        for path in sorted((root / package).rglob("*.py")):
            parts = list(path.relative_to(root).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path) -> set[str]:
    """Dotted names that the module imports, as far as they can be told apart from attributes."""
    found = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(parts if node.level else ()), *filter(None, [node.module])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def graph(root: Path) -> dict[str, set[str]]:
    """Each module of the house, and the modules of the house that it imports."""
    known = modules(root)
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        edges[name] = set()
        for target in imported(name, path):
            while target and target not in known:
                target = target.rpartition(".")[0]
            if target and target != name:
                edges[name].add(target)
    return edges


def room(module: str) -> tuple[str, str]:
    package, _, rest = module.partition(".")
    return package, rest.partition(".")[0]


def upward(edges: dict[str, set[str]]) -> list[str]:
    """Imports that do not go down to a lower floor."""
    wrong = []
    for name, targets in edges.items():
        package, mine = room(name)
        for target in sorted(targets):
            other, theirs = room(target)
            if other != package or not mine or mine == theirs:
                continue
            floors = FLOORS[package]
            if not theirs or floors.index(theirs) >= floors.index(mine):
                wrong.append(f"{name} imports {target}")
    return wrong


def loop(edges: dict[str, set[str]]) -> list[str]:
    """The modules of one loop of imports; none where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize("package", FLOORS)
def test_a_package_holds_rooms_and_little_beside(package):
    entries = {path.name for path in (ROOT / package).iterdir() if path.name != "__pycache__"}
    rooms = {one for one in entries - BESIDE[package] if (ROOT / package / one).is_dir()}
    assert entries - BESIDE[package] == rooms
    assert rooms <= set(FLOORS[package])


def test_every_room_is_a_package_that_says_what_it_is_for():
    for name, path in modules(ROOT).items():
        assert (path.parent / "__init__.py").exists() or name in ("app.frame", "app.main"), name
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


def test_imports_go_down():
    assert upward(graph(ROOT)) == []


def test_no_files_import_each_other_in_a_loop():
    assert loop(graph(ROOT)) == []


def test_the_server_never_asks_for_torch_and_the_engine_never_for_a_page():
    for name, path in modules(ROOT).items():
        packages = {target.partition(".")[0] for target in imported(name, path)}
        assert not packages & NEVER[name.partition(".")[0]], name


@pytest.fixture
def small_house(tmp_path):
    """Two rooms of the engine, one above the other, in which all is well."""
    for name, text in {
        "ncengine/__init__.py": "",
        "ncengine/config/__init__.py": "",
        "ncengine/config/a.py": "from ncengine.config import b",
        "ncengine/config/b.py": "",
        "ncengine/runs/__init__.py": "from ncengine.runs.c import c",
        "ncengine/runs/c.py": "from ncengine.config.a import thing",
        "app/main.py": "import ncengine.runs",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_is_well_is_found_well(small_house):
    edges = graph(small_house)
    assert edges["ncengine.runs.c"] == {"ncengine.config.a"}
    assert (upward(edges), loop(edges)) == ([], [])


@pytest.mark.parametrize(
    "line",
    [
        "from ncengine.runs.c import x",
        "from ncengine.runs import x",
        "from ..runs.c import x",
        "import ncengine.runs.c",
        "def f():\n    from ncengine.runs import c",
        "import ncengine",
    ],
)
def test_an_import_that_goes_up_is_found(small_house, line):
    (small_house / "ncengine/config/b.py").write_text(line)
    (found,) = upward(graph(small_house))
    assert found.startswith("ncengine.config.b imports ncengine")


@pytest.mark.parametrize("line", ["from ncengine.config.a import x", "from . import a"])
def test_a_loop_within_a_room_is_found(small_house, line):
    (small_house / "ncengine/config/b.py").write_text(line)
    edges = graph(small_house)
    assert upward(edges) == []
    assert set(loop(edges)) == {"ncengine.config.a", "ncengine.config.b"}
