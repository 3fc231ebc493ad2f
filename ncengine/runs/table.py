"""Tables of finished runs: one row a run and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ncengine.config import PARAMS, PARAMS_DEFAULTS, RunConfig, as_text

if TYPE_CHECKING:
    import pandas as pd

# What a row tells beside the fields of the configuration and the seed. Plain values.
MEASURED = (
    "loss", "gap", "gap_relative", "fit", "decay_hidden", "decay_last", "nc1", "nc2a", "nc2b",
    "nc3", "accuracy", "test_accuracy", "verdict", "diverged", "passes", "seconds",
)  # fmt: skip
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
    found = []
    for seed in summary["seeds"]:
        gap = seed["gap"]
        relative = None if gap is None or not floor else gap / floor
        of_run = {"passes": summary["passes"], "seconds": summary["seconds"]}
        values = {"verdict": None, **seed, **of_run, "gap_relative": relative}
        found.append({**fields, **{name: values[name] for name in ("seed", *MEASURED)}})
    return found


def table(summaries: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table with `COLUMNS`, the rows of each run in turn; whole numbers stay whole."""
    import pandas as pd

    found = pd.DataFrame([row for one in summaries for row in rows(one)], columns=list(COLUMNS))
    whole = {name: "Int64" for name, value in PARAMS_DEFAULTS.items() if type(value) is int}
    real = {name: float for name, value in PARAMS_DEFAULTS.items() if type(value) is float}
    measured = {name: float for name in MEASURED} | {"diverged": bool, "seed": int, "passes": int}
    measured["verdict"] = object
    return found.astype({**whole, **real, **measured})


def write_table(found: pd.DataFrame, path: str) -> None:
    """Write a table as CSV or Parquet, by the ending of the path.

    Raises:
        ValueError: the ending is neither .csv nor .parquet.
        OSError: it cannot be written.
    """
    check_table_path(path)
    if path.lower().endswith(".csv"):
        found.to_csv(path, index=False)
    else:
        found.to_parquet(path, index=False)


def check_table_path(path: str) -> None:
    """Raises ValueError where `write_table` would not know how to write there."""
    if not path.lower().endswith((".csv", ".parquet")):
        raise ValueError(f"export = {path!r}: must end in .csv or .parquet")
