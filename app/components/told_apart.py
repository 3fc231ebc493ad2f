"""What several runs are called where they lie over each other: by what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine import library
from ncengine.analysis import comparison
from ncengine.config import RunConfig
from ncengine.runs.run import Run
from ncengine.version import ENGINE_VERSION


def labels(picked: Sequence[tuple[RunConfig, str]]) -> list[str]:
    """Of each the fields in which they differ, and where it comes from where that is not one place.

    `picked` are configurations, and where each run of them comes from.
    """
    configs = [config for config, _ in picked]
    names = comparison.differing(configs)
    from_several = len({where for _, where in picked}) > 1
    labels = []
    for n, (config, where) in enumerate(picked):
        parts = [
            f"{library.label(name)} {library.text_of(name, getattr(config, name))}"
            for name in names
            if name in config.params
        ]
        parts += [where] if from_several else []
        labels.append(f"{n + 1}: " + (", ".join(parts) or config.title()))
    return labels


def where(run: Run) -> str:
    """Where a run comes from, and which version of the engine it is by where that is another."""
    found = library.IMPORTED if run.imported else library.GALLERY if run.shipped else library.HERE
    version = str(run.machine.get("version", ENGINE_VERSION))
    return found if version == ENGINE_VERSION else f"{found}, version {version}"
