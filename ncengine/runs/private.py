"""Files that only this user, or the superuser, may have written: what is unpickled must be one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from joblib import register_store_backend
from joblib._store_backends import FileSystemStoreBackend

from ncengine.reasons import reason

OPEN_TO_OTHERS = 0o022
BACKEND = "private"


class UnsafeCache(OSError):
    """Others own the cache or may write to it, and its pickles can run code; says what to do."""


def make_private(root: Path) -> None:
    """Make the cache folder if need be, such that nobody but its owner may write to it.

    Raises:
        UnsafeCache: it is another user's, or others may have written to the results in it.
        OSError: it cannot be made.
    """
    try:
        if not root.is_dir():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"the cache folder cannot be made: {reason(error)}; NCENGINE_CACHE names another"
        ) from error
    results = root / "results"
    if not results.exists() and root.stat().st_mode & OPEN_TO_OTHERS:
        # Nothing in it yet that could have been planted: a checkout under a generous umask.
        with suppress(OSError):
            root.chmod(stat.S_IMODE(root.stat().st_mode) & ~OPEN_TO_OTHERS)
    check(root.resolve(), results.resolve())


def why_unsafe(path: str | Path, status: os.stat_result) -> str:
    """Why what lies there is not unpickled, and what to do; "" where it may be."""
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link to elsewhere, which is not followed"
    if status.st_uid not in (os.getuid(), 0):
        return (
            f"{path} belongs to another user, who may have put anything there: it is not read. "
            "Remove it, or set NCENGINE_CACHE to a folder of yours"
        )
    if status.st_mode & OPEN_TO_OTHERS:
        return (
            f"others may write to {path}, and what they put there could run: it is not read. "
            "Remove it, and train again. chmod -R go-w on it closes it, but makes nothing good "
            "that was planted before: do that only where you know that nobody else wrote there"
        )
    return ""


def check(*paths: Path) -> None:
    """Raises UnsafeCache where one of those that are there is another's, or open to others."""
    for path in paths:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        if why := why_unsafe(path, status):
            raise UnsafeCache(why)


@contextmanager
def opened(root: Path, path: Path) -> Iterator[BinaryIO]:
    """The file, to read: it, and each folder from `root` on, is what was checked.

    Every step is opened from the one before and looked at when it is open, so that nothing can be
    put in its place meanwhile.

    Raises:
        UnsafeCache: one of them is another user's, open to others, or a symbolic link.
        OSError: it cannot be read.
    """
    at, so_far = os.open(root, os.O_RDONLY | os.O_DIRECTORY), root
    try:
        _check_open(so_far, at)
        for part in path.relative_to(root).parts:
            so_far = so_far / part
            check(so_far)  # a link says so better than the error of not following it
            step = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
            os.close(at)
            at = step
            _check_open(so_far, at)
        with os.fdopen(os.dup(at), "rb") as file:
            yield file
    finally:
        os.close(at)


def _check_open(path: Path, file: int) -> None:
    if why := why_unsafe(path, os.fstat(file)):
        raise UnsafeCache(why)


def make_folders(root: Path, path: Path) -> None:
    """Make the folder and those above it up to `root`, closed to others whatever the umask."""
    for folder in (*reversed(path.relative_to(root).parents), path.relative_to(root)):
        (root / folder).mkdir(mode=0o700, parents=True, exist_ok=True)


class PrivateBackend(FileSystemStoreBackend):
    """joblib's files, closed to others; only what nobody else may have written is read."""

    def configure(self, location: str, *_: Any, **__: Any) -> None:
        """Take the folder as it is: where it cannot be made, writing will say why."""
        self.location, self.compress, self.mmap_mode, self.verbose = location, False, None, 0
        self._root = Path(location).parent

    def create_location(self, location: str) -> None:
        """Make a folder; where that cannot be, what is written there will say why."""
        with suppress(OSError):
            make_folders(self._root, Path(location))

    def _open_item(self, name: str, mode: str) -> Any:
        if mode == "rb":
            return opened(self._root, Path(name))
        return open(name, mode, opener=_closed_to_others)

    def dump_item(self, call_id: Any, item: Any, verbose: int = 1) -> None:
        """Write a result. Raises OSError, of which joblib itself only warns."""
        folder = Path(self.location, *call_id)
        try:
            make_folders(self._root, folder)
            self._concurrency_safe_write(item, str(folder / "output.pkl"), self._write)
        except OSError:
            for half in folder.glob("output.pkl.*"):
                with suppress(OSError):
                    half.unlink()
            raise

    def _write(self, item: Any, name: str) -> None:
        from joblib import numpy_pickle

        with self._open_item(name, "wb") as file:
            numpy_pickle.dump(item, file)


def _closed_to_others(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


register_store_backend(BACKEND, PrivateBackend)
