"""Results: what joblib keeps of finished runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from joblib import Memory
from joblib.memory import FIRST_LINE_TEXT, extract_first_line

from ncengine.config import RunConfig
from ncengine.runs.compute import compute
from ncengine.runs.identity import Identity, identify
from ncengine.runs.journal import write_atomically
from ncengine.snapshots.names import Arrays

logger = logging.getLogger(__name__)


class Results:
    """The arrays of finished runs, by identity, kept by joblib in one folder.

    Args:
        folder: where; it is made when first written to.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        # What trains has no part in naming the result.
        self._cached = Memory(str(folder), verbose=0).cache(compute, ignore=["train"])
        self._check_function_code()

    def has(self, identity: Identity) -> bool:
        """Whether there is a whole result, as far as can be told without reading it."""
        return self._cached.check_call_in_cache(*self._arguments(identity))

    def compute(self, identity: Identity, train: Callable[[], Arrays]) -> Arrays:
        """The result that is kept, else what `train` gives, which is kept from then on.

        Where it cannot be written joblib warns, and `has` stays false.
        """
        return self._cached(*self._arguments(identity, train))

    def load(self, identity: Identity) -> Arrays:
        """The result that is kept. Raises anything where it is damaged: a broken pickle can."""
        return self._cached.store_backend.load_item(self._call_id(identity))

    def changed(self, identity: Identity) -> float | None:
        """When the result was written, in seconds since 1970; None where there is none."""
        location = Path(self._cached.store_backend.location)
        try:
            return (location.joinpath(*self._call_id(identity)) / "output.pkl").stat().st_mtime
        except OSError:
            return None

    def drop(self, identity: Identity, reason: Exception) -> None:
        """Let a damaged result go, and say so in the log."""
        logger.warning(
            "the cached result of run %s (%s) is damaged and was dropped: %s: %s",
            identity.key,
            identity.config.title(),
            type(reason).__name__,
            reason,
        )
        call_id = self._call_id(identity)
        if self._cached.store_backend.contains_item(call_id):
            self._cached.store_backend.clear_item(call_id)

    def all(self) -> Iterator[tuple[Identity, Arrays]]:
        """Every result that this engine would find for data as they are here; damaged ones not."""
        backend = self._cached.store_backend
        for item in backend.get_items():
            call_id = (self._cached.func_id, Path(item.path).name)
            try:
                result = backend.load_item(call_id)
                identity = identify(RunConfig(**json.loads(str(result["config"]))))
            except Exception as error:  # a broken pickle can raise anything
                logger.warning("a damaged result was passed over: %s", error)
                continue
            if self._call_id(identity) == call_id:
                yield identity, result

    def _check_function_code(self) -> None:
        """Keep a damaged note of joblib's from standing in the way of every result.

        joblib compares it with the function's code, and drops all results where they differ.
        """
        path = Path(self._cached.store_backend.location, self._cached.func_id, "func_code.py")
        try:
            code, _ = extract_first_line(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if not isinstance(error, FileNotFoundError):
                logger.warning("%s is damaged and is written anew", path)
            path.parent.mkdir(parents=True, exist_ok=True)
            code = self._cached.func_code_info[0]
            write_atomically(path, f"{FIRST_LINE_TEXT} -1\n{code}".encode())
        if code != self._cached.func_code_info[0]:
            logger.warning("the cached function has changed: all results in %s go", self.folder)

    def _arguments(
        self, identity: Identity, train: Callable[[], Arrays] | None = None
    ) -> tuple[str, str, str, Callable[[], Arrays] | None]:
        return identity.config_json, identity.data_checksum, identity.engine_version, train

    def _call_id(self, identity: Identity) -> tuple[str, str]:
        return self._cached.func_id, self._cached._get_args_id(*self._arguments(identity))
