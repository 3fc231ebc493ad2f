"""The parser of the command line: no abbreviations; a near miss is answered with what was meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

from ncengine.config import PARAMS
from ncengine.config.param import MAX_SEEDS

MOST_MEANT = 3


class Once(argparse.Action):
    """The action of an option that names what to write: of two, one would be lost in silence.

    Of all other options the last counts, as of the usual ones and one that differs.
    """

    def __call__(self, parser, namespace, values, option_string=None):
        if getattr(namespace, self.dest, self.default) is not self.default:
            raise argparse.ArgumentError(self, "is given twice, and names one place")
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """argparse's, stricter and more helpful.

    What looks like an abbreviation may mean something else: `--seed 7` would be `--seeds 7`.
    """

    def __init__(self, **options: Any):
        super().__init__(**{**options, "allow_abbrev": False})

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's, but what is unknown is told by the command that does not know it."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(" ".join(dict.fromkeys(self._unknown(unknown))))
        return options, unknown

    def error(self, message: str) -> NoReturn:
        """One line, without the usage, which fills a screen."""
        text = message.removeprefix("argument ")
        self.exit(2, f"ncengine: {text}\n{self.prog} --help says what there is\n")

    def print_help_and_exit(self, _: argparse.Namespace) -> NoReturn:
        """For who gave no command."""
        self.print_help(sys.stderr)
        self.exit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = list(map(str, action.choices))
            raise argparse.ArgumentError(None, f"{_named(action)}{value}: {not_of(value, choices)}")

    def _unknown(self, words: list[str]) -> Iterable[str]:
        """What is wrong with each word that could not be read."""
        options = [word for word in words if word.startswith("-")]
        if not options:
            yield f"{' '.join(words)}: options begin with --."
        for option in options:
            name, _, value = option.partition("=")
            follows = words[words.index(option) + 1 :]
            if not value and follows and not follows[0].startswith("-"):
                value = follows[0]
            meant = self._meant(name)
            yield f"{name}: there is no such option{_question(meant) or '.'}"
            if "--seeds" in meant:
                yield _about_seeds(value)

    def _meant(self, option: str) -> list[str]:
        """The options that someone may have meant, the most likely first."""
        typed = option.strip("-").replace("_", "-")
        known = {
            text.strip("-"): action
            for text, action in self._option_string_actions.items()
            if text.startswith("--")
        }
        folded = typed.casefold()
        by_letter = [
            n for n, a in known.items() if a.dest in PARAMS and PARAMS[a.dest].letter == typed
        ]
        by_initials = [
            n for n in known if "-" in n and "".join(w[0] for w in n.split("-")) == folded
        ]
        begins = [n for n in known if len(folded) > 1 and n.startswith(folded)]
        holds = [n for n in known if folded in n.split("-")]
        close = near(folded, known)
        # All that it is the beginning of, be they many.
        likely = dict.fromkeys([*by_letter, *by_initials, *begins])
        names = dict.fromkeys([*likely, *close, *holds])
        return [f"--{name}" for name in names][: max(MOST_MEANT, len(likely))]


def near(typed: str, known: Iterable[str]) -> list[str]:
    """What of the known is spelt much like what was typed, whatever the case; the nearest first."""
    by_folded = {name.casefold(): name for name in known}
    return [
        by_folded[folded] for folded in get_close_matches(typed.casefold(), by_folded, MOST_MEANT)
    ]


def not_of(typed: str, choices: Iterable[str]) -> str:
    """That it is none of the choices, which they are, and which was meant."""
    choices = list(choices)
    one_of = "one of " if len(choices) > 1 else ""
    return f"must be {one_of}{', '.join(choices)}" + did_you_mean(typed, choices)


def did_you_mean(typed: str, choices: Iterable[str]) -> str:
    """The end of a sentence that names the nearest choices; "" where none is near."""
    return _question(near(typed, choices))


def _question(meant: list[str]) -> str:
    *others, last = meant or [""]
    either = f"{', '.join(others)} or {last}" if others else last
    return f"; did you mean {either}?" if last else ""


def _named(action: argparse.Action) -> str:
    return f"{action.option_strings[-1]} " if action.option_strings else ""


def _about_seeds(value: str) -> str:
    """What a number means after --seeds."""
    alone = int(value) if value.isdecimal() and len(value) < 10 else 7
    count = alone if 2 <= alone <= MAX_SEEDS else 3
    return (
        f"--seeds takes how many ({count} trains seeds 0 to {count - 1}) or a list "
        f"({alone}, with a comma after it trains seed {alone} alone)."
    )
