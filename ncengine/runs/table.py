"""Tables of finished runs: one row a run and seed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncengine.config import PARAMS, PARAMS_DEFAULTS, RunConfig, as_text
from ncengine.reasons import reason
from ncengine.runs.places import require_writable
from ncengine.snapshots.names import KNOWN, PER_SEED

if TYPE_CHECKING:
    import pandas as pd

# What a row tells beside the fields of the configuration and the seed. Plain values.
MEASURED = (*PER_SEED, *KNOWN, "gap_relative", "verdict", "diverged", "passes", "seconds")
# The field that says which loss is made small, beside the value that it came to.
RENAMED = {"loss": "loss_function"}
FIELDS = {name: RENAMED.get(name, name) for name in PARAMS}
COLUMNS = (*FIELDS.values(), "seed", *MEASURED)


def rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a run, by column.

    A field that does not apply to the configuration is None, as is what a seed has no value of.
    The field `loss` is the column "loss_function", and "loss" the objective; `seeds` is the text
    that a configuration reads back.

    Args:
        summary: `Run.summary()`, or an entry of the index, with each seed's "verdict" where that
            is known, see `analysis.outcome.with_outcome`.
    """
    config = RunConfig(**summary["config"])
    fields = {
        column: getattr(config, name) if name in config.params else None
        for name, column in FIELDS.items()
    }
    fields["seeds"] = as_text(config.seeds)
    floor = summary["floor"]
    records = []
    for seed in summary["seeds"]:
        gap = seed["gap"]
        relative = None if gap is None or not floor else gap / floor
        of_run = {"passes": summary["passes"], "seconds": summary["seconds"]}
        values = {"verdict": None, **seed, **of_run, "gap_relative": relative}
        records.append({**fields, **{name: values.get(name) for name in ("seed", *MEASURED)}})
    return records


def table(summaries: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table with `COLUMNS`, the rows of each run in turn; whole numbers stay whole."""
    import pandas as pd

    frame = pd.DataFrame(
        [row for summary in summaries for row in rows(summary)], columns=list(COLUMNS)
    )
    whole = {name: "Int64" for name, value in PARAMS_DEFAULTS.items() if type(value) is int}
    real = {name: float for name, value in PARAMS_DEFAULTS.items() if type(value) is float}
    measured = {name: float for name in MEASURED} | {"diverged": bool, "seed": int, "passes": int}
    measured["verdict"] = object
    return frame.astype({**whole, **real, **measured})


def write_table(frame: pd.DataFrame, path: str) -> None:
    """Write a table as CSV or Parquet, by the ending of the path; what was there stays until then.

    Raises:
        ValueError, OSError: as `check_table_path`, or since it cannot be written after all.
    """
    file = check_table_path(path)
    part = file.with_name(f".{file.name}.part")
    try:
        if file.suffix.lower() == ".csv":
            frame.to_csv(part, index=False)
        else:
            frame.to_parquet(part, index=False)
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OSError(f"export = {path!r}: {reason(error)}") from error


def check_table_path(path: str) -> Path:
    """Where `write_table` would write; to be asked before there is anything to write.

    Raises:
        ValueError: the ending is neither .csv nor .parquet.
        OSError: the folder is not there, or cannot be written to, or there is no place for a file.
    """
    file = Path(os.path.expanduser(path))  # which leaves a user whom nobody knows
    if file.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"export = {path!r}: must end in .csv or .parquet")
    file = file.resolve()
    if file.exists() and not file.is_file():
        raise OSError(f"export = {path!r}: must be a file, and there is a folder of that name")
    if not file.parent.is_dir():
        raise OSError(f"export = {path!r}: there is no folder {file.parent}; make it first")
    require_writable(file.parent, f"export = {path!r}: the folder", "name a file elsewhere")
    return file
