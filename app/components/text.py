"""Numbers and times as a reader wants them."""

from __future__ import annotations

import math
import re

from ncengine.analysis import words

MISSING, number, percent = words.MISSING, words.number, words.percent
passes, accuracy = words.passes, words.accuracy

LONGEST_ENDING = 240  # characters
WORD_JOINER = "\N{WORD JOINER}"  # has no width


def share_of(part: float, whole: float, name: str) -> str:
    """How `part` compares with `whole`, which is called `name`.

    Short, for a narrow place: "12.0 % of floor", "at the floor", "31× floor".
    """
    share = part / whole
    # Also a little below it: as far as rounding goes.
    if abs(share) < 1e-4:
        return f"at the {name}"
    if 0 < share < 0.1:
        return f"{100 * share:.2f} % of {name}"
    if not math.isfinite(part) or share < 1:
        return f"{percent(share)} of {name}"
    return f"{number(part / whole)}× {name}"


def power_of_ten(exponent: float) -> str:
    """A value by its decimal logarithm: "log₁₀ −3.21"."""
    # What is rounded to nothing has no sign.
    return f"log₁₀ {round(exponent, 2) + 0.0:.2f}".replace("-", "−")


def duration(seconds: float) -> str:
    """About how long, in at most two units."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def plain(words: str) -> str:
    """Text that Markdown shows as it is."""
    # Escaped or not, ":smile:", ":material/home:", addresses and domains are looked for in texts.
    apart = re.sub(r":(?=[a-z+/])|@(?=\w)|\bwww(?=\.)", f"\\g<0>{WORD_JOINER}", words, flags=re.I)
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~:$-])", r"\\\1", apart)


def unbroken(words: str) -> str:
    """The words with spaces and hyphens at which no line ends."""
    joined = words.replace(" ", "\N{NO-BREAK SPACE}")
    return joined.replace("-", "\N{WORD JOINER}-\N{WORD JOINER}")


def unbroken_parts(title: str) -> str:
    """The title with lines that end after its dots and commas alone: "λ = 0.005" stays together."""
    return re.sub("([·,])\N{NO-BREAK SPACE}", r"\1 ", title.replace(" ", "\N{NO-BREAK SPACE}"))


def unbroken_groups(formula: str) -> str:
    """The formula with lines that end between its summands, and never within parentheses."""
    depth, shown = 0, []
    for sign in formula:
        depth += (sign == "(") - (sign == ")")
        shown.append(unbroken(sign) if depth else sign)
    return "".join(shown).replace(" + ", " +\N{NO-BREAK SPACE}")


def ending(words: str) -> str:
    """The last words of a text, those next to the prediction, as many as a tooltip has room for."""
    words = " ".join(words.split())
    if len(words) <= LONGEST_ENDING:
        return words
    kept = words[-LONGEST_ENDING:]
    return "… " + (kept.partition(" ")[2] or kept)


def place(value: float) -> str:
    """Where on an axis of steps: a whole number as one."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
