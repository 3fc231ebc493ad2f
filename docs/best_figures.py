"""Makes ncengine/theory/best_figures.csv: `python docs/best_figures.py`, some minutes on one core.

A row for each number of classes K up to 12 and each width d below K, at the weight decay of 0.005
that runs have unless told otherwise, with cross entropy and without a bias: the best of 200 random
starts, and of all that are made of orthogonal simplices, by `ncengine.theory.best_figure`.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ncengine.theory import best_figure

MOST, STARTS, DECAY = 12, 200, 0.005
PATH = Path(__file__).resolve().parents[1] / "ncengine" / "theory" / "best_figures.csv"


def row(classes: int, width: int) -> dict[str, Any]:
    """What is known of one figure."""
    found = best_figure(classes, width, DECAY, starts=STARTS)
    return {
        "classes": classes,
        "width": width,
        "objective": f"{found.loss:.10f}",
        "figure": found.words,
        "least_angle": f"{found.angles[0]:.4f}",
        "largest_angle": f"{found.angles[-1]:.4f}",
        "least_row_norm": f"{found.row_norms.min():.6f}",
        "largest_row_norm": f"{found.row_norms.max():.6f}",
        # What is rounding is 0.
        "nc3": f"{max(found.nc3, 0.0) if found.nc3 > 1e-9 else 0.0:.3e}",
        "starts": found.starts,
        "agree": found.agree,
    }


def main() -> None:
    """Write the table."""
    sizes = [(classes, width) for classes in range(4, MOST + 1) for width in range(3, classes)]
    rows = [row(*size) for size in sizes]
    with PATH.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
