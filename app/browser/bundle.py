"""The scripts of a component as one text, which is what Streamlit takes."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "(\./[a-z0-9]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def bundle(entry: Path) -> str:
    """An ES module and all that it imports, as one module.

    What a file imports comes before it. All share one scope: no two files may give the same name
    to different things, and nothing is renamed where it is imported.

    Args:
        entry: the file whose default export is that of the whole.
    """
    imports: dict[Path, list[Path]] = {}
    to_read = [entry.resolve()]
    while to_read:
        path = to_read.pop()
        if path not in imports:
            text = path.read_text(encoding="utf-8")
            imports[path] = [(path.parent / name).resolve() for name in _IMPORT.findall(text)]
            to_read += imports[path]
    return "\n".join(_alone(path) for path in TopologicalSorter(imports).static_order())


def _alone(path: Path) -> str:
    return _EXPORT.sub("", _IMPORT.sub("", path.read_text(encoding="utf-8")))
