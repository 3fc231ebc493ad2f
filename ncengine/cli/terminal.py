"""The terminal as a command finds it: it may show few letters, be full, or be gone."""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from ncengine.cli.output import write_line
from ncengine.reasons import reason

# What stands for letters that a terminal cannot show, where Unicode knows no simpler ones.
LETTERS = {
    "λ": "lambda", "Σ": "Sigma", "×": "x", "·": "*", "∞": "inf", "−": "-", "–": "-", "—": "-",
    "“": '"', "”": '"', "‘": "'", "’": "'", "≤": "<=", "≥": ">=", "≈": "~", "±": "+-", "✓": "+",
    "→": "->", "∥": "||", "√": "sqrt ", "\N{WORD JOINER}": "",
}  # fmt: skip


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """For `codecs`: what stands for letters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(letter: str) -> str:
    power = "^" if unicodedata.decomposition(letter).startswith("<super>") else ""
    simpler = unicodedata.normalize("NFKD", letter)
    spelling = "".join(LETTERS.get(c, c if c.isascii() else "") for c in simpler)
    return power + spelling if spelling or letter in LETTERS else "?"


codecs.register_error("ncengine.replaced", _replaced)


class Patient:
    """A stream that never stops who writes: once it cannot be written to, what follows is dropped.

    Attributes:
        error: why it could not be written to; None as long as it can.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream
        self.error: OSError | ValueError | None = None
        if isinstance(stream, io.TextIOWrapper):
            # By lines also into a pipe, whose reader wants to see runs as they end.
            stream.reconfigure(errors="ncengine.replaced", line_buffering=True)

    def write(self, text: str) -> int:
        if self.error is None:
            try:
                return self._stream.write(text)
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        if self.error is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self, error: OSError | ValueError) -> None:
        self.error = error
        # What the stream still holds goes nowhere, lest Python tries again and complains at exit.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class _Told(logging.Handler):
    """Shows what is logged as the command's own messages are shown, above a bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        write_line(f"ncengine: {record.getMessage()}", sys.stderr)


def _is_not_told_otherwise(record: logging.LogRecord) -> bool:
    """Whether a command does not say it anyway: how a run ended, and that a scheduler is gone."""
    ended = record.name == "ncengine.jobs.job" and record.levelno >= logging.ERROR
    return not ended and record.name != "distributed.client"


@contextmanager
def terminal() -> Iterator[tuple[Patient, Patient]]:
    """While it lasts, stdout and stderr are `Patient`, and what is logged is told on stderr.

    Gives the two.
    """
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    out, err = (Patient(stream or open(os.devnull, "w")) for stream in before)
    handler = _Told(logging.WARNING)
    handler.addFilter(_is_not_told_otherwise)
    sys.stdout, sys.stderr = out, err
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: logging.getLogger("ncengine").warning(
                "%s", message
            )
            yield out, err
    finally:
        out.flush()
        err.flush()
        logging.getLogger().removeHandler(handler)
        sys.stdout, sys.stderr = before


def _open_what_is_closed() -> None:
    """Let no file that is opened later take the place of a stream that was closed from the start.

    Else what a library or a child process writes to its stdout would go into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def lost(out: Patient) -> str:
    """Why output was lost that somebody may miss; "" where none was, or its reader has gone."""
    if out.error is None or isinstance(out.error, BrokenPipeError):
        return ""
    return reason(out.error)
