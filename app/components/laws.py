"""Power laws of the page Depth: which are fitted, their words, and their table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from html import escape

from app.charts import depth as charts
from app.components import series
from app.components.series import Series
from ncengine.analysis.fits import NO_LAW, NOT_EXACT, UNCLEAR, PowerLaw, power_law
from ncengine.analysis.outcome import outcome_of
from ncengine.analysis.seen import seen as what_is_seen
from ncengine.analysis.words import signed
from ncengine.config import PARAMS
from ncengine.theory.optimum import BEST_KNOWN, FLOOR

# Of these a slope says nothing.
NO_LAW_OF = ("loss", "seconds", "collapsed_layers")
EXPLAINED = (
    "Lines are fitted to three points or more. 95 %: where the slope lies, 19 times out of 20; how "
    "far the points are from the line counts as well as how far the seeds differ. R²: how much of "
    "the differences between points the line explains. "
)
VERDICTS = {
    NO_LAW: "No power law: the points leave any line by more than their seeds explain, and no line "
    "is drawn. ",
    NOT_EXACT: "No exact power law: the line is near to all points, but they leave it by more than "
    "their seeds explain. ",
    UNCLEAR: "No clear slope: it may as well be 0, and no line is drawn. ",
}
COLUMNS = ("series", "of", "over", "metric", "points", "slope", "low_95", "high_95", "r_squared",
           "misfit_p", "verdict")  # fmt: skip


def law(runs: Sequence[charts.Finished], over: str, metric: str) -> PowerLaw | None:
    """The power law of a metric; None where none is fitted."""
    if metric in NO_LAW_OF:
        return None
    try:
        return power_law(charts.at(runs, over), charts.values(runs, metric))
    except ValueError:
        return None  # too few of them have values


def html(law: PowerLaw, over: str) -> str:
    """What a heading tells of a law. What the small numbers are stands beside them."""
    letter = "L" if over == "depth" else "λ"
    ends = f"95 %: {signed(law.low)} … {signed(law.high)}"
    fit = "" if law.r_squared != law.r_squared else f"R² {_share(law.r_squared)}"
    if law.verdict == NO_LAW:
        return f"{NO_LAW} <small>{fit}</small>"
    if law.verdict == UNCLEAR:
        return f"{UNCLEAR} <small>{' · '.join(filter(None, (ends, fit)))}</small>"
    bent = NOT_EXACT if law.verdict == NOT_EXACT else ""
    told = " · ".join(filter(None, (ends, fit, bent)))
    return f"{letter}<sup>{signed(law.slope)}</sup> <small>{told}</small>"


def said(law: PowerLaw | None, over: str) -> str:
    """The law of a series in a sentence, for who hears it; "" where none is claimed."""
    if law is None or not law.claimed:
        return ""
    does = "rises" if law.slope > 0 else "falls"
    nearly = "nearly " if law.verdict == NOT_EXACT else ""
    explains = "" if law.r_squared != law.r_squared else f", R² {_share(law.r_squared)}"
    return (
        f"It {does} {nearly}as {PARAMS[over].letter} to the power {signed(law.slope)} "
        f"(95 %: {signed(law.low)} to {signed(law.high)}{explains})."
    )


def explained(laws: Sequence[PowerLaw | None]) -> str:
    """The words of a caption on what these laws say; empty where there are none."""
    verdicts = {fit.verdict for fit in laws if fit is not None}
    if not verdicts:
        return ""
    return (
        EXPLAINED
        + "".join(sentence for name, sentence in VERDICTS.items() if name in verdicts).strip()
    )


def seen(shown: Sequence[Series], finished: Sequence[Sequence[charts.Finished]]) -> str:
    """What is seen of NC1 in each series, as HTML; "" where there is nothing yet, or a grid."""
    lines = []
    for n, (family, label, runs) in enumerate(
        zip(shown, series.labels(shown), finished, strict=True)
    ):
        sentence = "" if family.is_grid or not runs else _seen(family, runs)
        if sentence:
            who = f"<b>{escape(label)}</b>: " if len(shown) > 1 else ""
            power = re.sub(r"\^([−\d.]+)", r"<sup>\1</sup>", escape(sentence))
            lines.append(f'<div style="--series:{charts.COLORS[n]}">{who}{power}.</div>')
    return f'<div class="seen">{"".join(lines)}</div>' if lines else ""


def _seen(family: Series, runs: Sequence[charts.Finished]) -> str:
    at = charts.at(runs, family.over)
    order = at.argsort()
    last = outcome_of(runs[order[-1]][2])
    return what_is_seen(
        "NC1",
        PARAMS[family.over].letter,
        at[order],
        charts.values(runs, "nc1")[order],
        last.above_floor if family.over == "depth" else None,
        FLOOR if last.proved else BEST_KNOWN,
    )


def _share(value: float) -> str:
    # Rounded down: 1 is said of what is explained altogether.
    return f"{int(value * 1000) / 1000:.3f}" if value >= 0.99 else f"{value:.2f}"


def table(shown: Sequence[Series], finished: Sequence[Sequence[charts.Finished]]) -> str:
    """CSV, one row a series and metric; of a grid one a series, weight decay and metric.

    Its columns are `COLUMNS`; "of" names the weight decay or depth, see `PowerLaw` for the rest.
    """
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for family, label, runs in zip(shown, series.labels(shown), finished, strict=True):
        beside = "weight_decay" if family.over == "depth" else "depth"
        for of in sorted({getattr(config, beside) for config, _, _ in runs}):
            of_these = [run for run in runs if getattr(run[0], beside) == of]
            for metric in series.METRICS:
                fit = law(of_these, family.over, metric)
                if fit is not None:
                    name = family.base.curve(metric)
                    rows.writerow(
                        {"series": label, "of": f"{beside} = {of:g}", "over": family.over,
                         "metric": name, "points": fit.points, "slope": fit.slope,
                         "low_95": fit.low, "high_95": fit.high, "r_squared": fit.r_squared,
                         "misfit_p": fit.misfit, "verdict": fit.verdict}
                    )  # fmt: skip
    return written.getvalue()
