"""Results: what joblib keeps of finished runs."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from joblib import Memory
from joblib.memory import FIRST_LINE_TEXT, extract_first_line

from ncengine.config import RunConfig
from ncengine.datasets.files.sources import checksum
from ncengine.runs.compute import compute
from ncengine.runs.identity import Identity
from ncengine.runs.journal import write_atomically
from ncengine.runs.seal import crc_of
from ncengine.snapshots.names import Arrays
from ncengine.version import EARLIER_VERSIONS, ENGINE_VERSION

logger = logging.getLogger(__name__)

# Under this name a result holds the checksum of all its other arrays.
SEAL = "crc"


class Results:
    """The arrays of finished runs, by identity, kept by joblib in one folder.

    Args:
        folder: where; it is made when first written to.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        with suppress(OSError):  # a full disk, say: what is there can still be looked at
            # Closed to others whatever the umask says, by which joblib makes folders.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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

        def sealed() -> Arrays:
            arrays = train()
            return {**arrays, SEAL: np.array(crc_of(arrays))}

        return self._cached(*self._arguments(identity, sealed))

    def load(self, identity: Identity) -> Arrays:
        """The result that is kept. Raises anything where it is damaged: a broken pickle can."""
        path = self._path(identity)
        if path.is_symlink() or path.parent.is_symlink():
            raise ValueError("it is a symbolic link to elsewhere, which is not followed")
        return _unsealed(self._cached.store_backend.load_item(self._call_id(identity)))

    def changed(self, identity: Identity) -> float | None:
        """When the result was written, in seconds since 1970; None where there is none."""
        try:
            return self._path(identity).stat().st_mtime
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
        self.remove(identity)

    def remove(self, identity: Identity) -> None:
        """Delete the result, if there is one."""
        call_id = self._call_id(identity)
        if self._path(identity).parent.is_symlink():
            self._path(identity).parent.unlink()
        elif self._cached.store_backend.contains_item(call_id):
            self._cached.store_backend.clear_item(call_id)

    def all(self, checksums: Iterable[str] = ()) -> Iterator[tuple[Identity, Arrays]]:
        """Every result of this engine and of earlier ones that can be shown; damaged ones not.

        Args:
            checksums: of data that a result may be on, see `Identity.data_checksum`. What it says
                itself, and the data as they are here, are tried in any case.
        """
        backend = self._cached.store_backend
        for item in backend.get_items():
            call_id = (self._cached.func_id, Path(item.path).name)
            try:
                result = _unsealed(backend.load_item(call_id))
                config = RunConfig(**json.loads(str(result["config"])))
                said = [str(result["data_checksum"])] if "data_checksum" in result else []
            except Exception as error:  # a broken pickle can raise anything
                logger.warning("a damaged result was passed over: %s", error)
                continue
            for data in dict.fromkeys([*said, checksum(config.dataset), *checksums]):
                for version in (ENGINE_VERSION, *EARLIER_VERSIONS):
                    identity = Identity(config, data, version)
                    if self._call_id(identity) == call_id:
                        yield identity, result

    def _check_function_code(self) -> None:
        """Keep joblib's note of the function's code from standing in the way of every result.

        joblib drops all results where note and function differ. Here the engine's version alone
        decides what is stale, so the note is made to say what the function is.
        """
        path = Path(self._cached.store_backend.location, self._cached.func_id, "func_code.py")
        code, noted = self._cached.func_code_info[0], None
        try:
            noted, _ = extract_first_line(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            logger.warning("%s is damaged and is written anew: %s", path, error)
        if noted == code:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.rmtree(path)
            write_atomically(path, f"{FIRST_LINE_TEXT} -1\n{code}".encode())
        except OSError as error:  # a full disk, say: what is there can still be looked at
            logger.warning("%s cannot be written: %s", path, error)

    def _arguments(
        self, identity: Identity, train: Callable[[], Arrays] | None = None
    ) -> tuple[str, str, str, Callable[[], Arrays] | None]:
        return identity.config_json, identity.data_checksum, identity.engine_version, train

    def _path(self, identity: Identity) -> Path:
        location = Path(self._cached.store_backend.location)
        return location.joinpath(*self._call_id(identity)) / "output.pkl"

    def _call_id(self, identity: Identity) -> tuple[str, str]:
        return self._cached.func_id, self._cached._get_args_id(*self._arguments(identity))


def _unsealed(result: Arrays) -> Arrays:
    """The arrays of a result as they were kept. Raises ValueError where they are not."""
    arrays = {name: array for name, array in result.items() if name != SEAL}
    if SEAL not in result or int(result[SEAL]) != crc_of(arrays):
        raise ValueError("its checksum differs")
    return arrays
