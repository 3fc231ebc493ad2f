"""Results: what joblib keeps of finished runs."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Memory
from joblib.memory import FIRST_LINE_TEXT, extract_first_line

from ncengine.config.kept import config_of
from ncengine.datasets.files.sources import checksum
from ncengine.reasons import reason, why
from ncengine.runs.compute import compute
from ncengine.runs.identity import Identity
from ncengine.runs.journal import write_atomically
from ncengine.runs.private import BACKEND, UnsafeCache, check, make_folders
from ncengine.runs.seal import crc_of
from ncengine.snapshots.names import Arrays
from ncengine.version import EARLIER_VERSIONS, ENGINE_VERSION

logger = logging.getLogger(__name__)

# Under this name a result holds the checksum of all its other arrays.
SEAL = "crc"
# In this folder lie results that were found damaged.
ASIDE = "damaged"


class Damaged(ValueError):
    """A result that is not as it was written."""


class Results:
    """The arrays of finished runs, by identity, kept by joblib in one folder.

    Args:
        folder: where; it is made where that is possible.

    Raises:
        UnsafeCache: others own a folder in it, or may write to one, in which all results are.
    """

    def __init__(self, folder: Path):
        self.folder = folder = folder.resolve()
        # What trains has no part in naming the result.
        memory = Memory(str(folder), backend=BACKEND, verbose=0)
        self._cached = memory.cache(compute, ignore=["train"])
        of_all = self._folder_of_all
        check(
            *(path for path in (of_all, *of_all.parents) if path.is_relative_to(folder / "joblib"))
        )
        with suppress(OSError):  # a full disk, say: what is there can still be looked at
            make_folders(folder, of_all)
        self._check_function_code()

    @property
    def _folder_of_all(self) -> Path:
        return Path(self._cached.store_backend.location, self._cached.func_id)

    def has(self, identity: Identity) -> bool:
        """Whether there is a whole result to be read, as far as can be told without doing so."""
        path = self.path(identity)
        return path.exists() and not _why_refused(path)

    def refused(self, identity: Identity) -> str:
        """Why a result that is there is not read, and what to do; "" where it is, or there is none.

        See `private.why_unsafe`.
        """
        return _why_refused(self.path(identity))

    def compute(self, identity: Identity, train: Callable[[], Arrays]) -> Arrays:
        """The result that is kept, else what `train` gives, which is kept from then on.

        What is refused makes room for it.

        Raises:
            OSError: it cannot be written.
        """
        make_folders(self.folder, self._folder_of_all)
        if self.refused(identity):
            self.remove(identity)

        def sealed() -> Arrays:
            arrays = train()
            return {**arrays, SEAL: np.array(crc_of(arrays))}

        return self._cached(*self._arguments(identity, sealed))

    def load(self, identity: Identity) -> Arrays:
        """The result that is kept.

        Raises:
            Damaged: it is not as it was written.
            UnsafeCache: it is refused, see there.
            OSError, MemoryError: it cannot be read now.
        """
        return _unsealed(self._read(self._call_id(identity)))

    def _read(self, call_id: tuple[str, str]) -> Any:
        try:
            return self._cached.store_backend.load_item(call_id)
        except IsADirectoryError as error:
            raise Damaged(reason(error)) from error
        except OSError:
            raise
        except MemoryError as error:
            # A length in it that was changed asks for more than there is anywhere.
            if self._is_room_for(call_id):
                raise Damaged("it asks for more memory than it can fill") from error
            raise
        except Exception as error:  # a broken pickle can raise anything
            raise Damaged(f"{type(error).__name__}: {error}") from error

    def _is_room_for(self, call_id: tuple[str, str]) -> bool:
        """Whether a result of this size fits into memory twice."""
        size = (self._folder_of_all / call_id[1] / "output.pkl").stat().st_size
        try:
            return bool(bytearray(2 * size + 1))
        except MemoryError:
            return False

    def changed(self, identity: Identity) -> float | None:
        """When the result was written, in seconds since 1970; None where there is none."""
        try:
            return self.path(identity).stat().st_mtime
        except OSError:
            return None

    def set_aside(self, identity: Identity, error: Damaged) -> None:
        """Move a damaged result to where it can be looked at, and say so in the log.

        Raises:
            OSError: it cannot be moved.
        """
        folder = self.folder / ASIDE
        make_folders(self.folder, folder)
        ends = chain([""], (f"-{n}" for n in count(2)))
        paths = (folder / f"{identity.key}{end}.pkl" for end in ends)
        aside = next(path for path in paths if not os.path.lexists(path))
        self.path(identity).replace(aside)
        self.remove(identity)
        message = "the result of run %s (%s) is damaged and was set aside as %s: %s"
        logger.warning(message, identity.key, identity.config.title(), aside, error)

    def remove(self, identity: Identity) -> None:
        """Delete the result, if there is one."""
        folder = self.path(identity).parent
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)

    def all(self, checksums: Iterable[str] = ()) -> Iterator[tuple[Identity, Arrays]]:
        """Every result of this engine and of earlier ones that can be shown.

        Damaged ones are passed over, and so are those of later engines.

        Args:
            checksums: of data that a result may be on, see `Identity.data_checksum`. What it says
                itself, and the data as they are here, are tried in any case.
        """
        backend = self._cached.store_backend
        for item in backend.get_items():
            call_id = (self._cached.func_id, Path(item.path).name)
            try:
                result = _unsealed(self._read(call_id))
                values = json.loads(str(result["config"]))
                dataset = config_of(values, ENGINE_VERSION).dataset
                recorded = [str(result["data_checksum"])] if "data_checksum" in result else []
            except Exception as error:  # a broken pickle can raise anything
                logger.warning("a result was passed over: %s: %s", type(error).__name__, error)
                continue
            for data in dict.fromkeys([*recorded, checksum(dataset), *checksums]):
                for version in (ENGINE_VERSION, *EARLIER_VERSIONS):
                    identity = Identity(config_of(values, version), data, version)
                    if self._call_id(identity) == call_id:
                        yield identity, result

    def _check_function_code(self) -> None:
        """Keep joblib's note of the function's code from standing in the way of every result.

        joblib drops all results where note and function differ. Here the engine's version alone
        decides what is stale, so the note is made to say what the function is.
        """
        path = self._folder_of_all / "func_code.py"
        code, noted = self._cached.func_code_info[0], None
        try:
            noted, _ = extract_first_line(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            logger.warning("%s is damaged and is written anew: %s", path, why(error))
        if noted == code:
            return
        try:
            if path.is_dir():
                shutil.rmtree(path)
            write_atomically(path, f"{FIRST_LINE_TEXT} -1\n{code}".encode())
        except OSError as error:  # a full disk, say: what is there can still be looked at
            logger.warning("%s cannot be written: %s", path, why(error))

    def _arguments(
        self, identity: Identity, train: Callable[[], Arrays] | None = None
    ) -> tuple[str, str, str, Callable[[], Arrays] | None]:
        return identity.config_json, identity.data_checksum, identity.engine_version, train

    def path(self, identity: Identity) -> Path:
        """Where its result is, or would be."""
        return self._folder_of_all / self._call_id(identity)[1] / "output.pkl"

    def _call_id(self, identity: Identity) -> tuple[str, str]:
        return self._cached.func_id, self._cached._get_args_id(*self._arguments(identity))


def _why_refused(path: Path) -> str:
    try:
        check(path.parent, path)
    except UnsafeCache as error:
        return str(error)
    return ""


def _unsealed(result: Any) -> Arrays:
    """The arrays of a result as they were kept. Raises Damaged where they are not."""
    try:
        arrays = {name: array for name, array in result.items() if name != SEAL}
        whole = int(result[SEAL]) == crc_of(arrays)
    except Exception as error:  # it can be anything
        raise Damaged(f"{type(error).__name__}: {error}") from error
    if not whole:
        raise Damaged("its checksum differs")
    return arrays
