"""Download of a data set: checksums, mirrors in turn, nothing half-written left behind."""

from __future__ import annotations

import errno
import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from ncengine.catalogue.datasets import RemoteFile, dataset_info
from ncengine.datasets.errors import DatasetError
from ncengine.datasets.files import trouble
from ncengine.datasets.files.local import (
    expected,
    find,
    folder,
    locks_folder,
    share,
    works_offline,
)
from ncengine.datasets.files.sources import address_of, known, redacted, source, variable
from ncengine.reasons import why

Progress = Callable[[int, int], None]
TIMEOUT_SECONDS = 15
CHUNK_BYTES = 2**16
MOST_BYTES = 2**30  # of a file of which only the hash is known
# A mirror that is slower than this over a whole file is given up.
LEAST_BYTES_PER_SECOND, SLOW_START_SECONDS = 20_000, 60


class _Endless(Exception):
    """A mirror that would go on for ever; says why that is thought."""


class DownloadError(DatasetError):
    """A data set could not be downloaded.

    Attributes: `dataset`, its name; `file`, the first file that could not be had; `folder`, where
    it was to go; `reasons`, one line a mirror, or one line on this machine's disk.
    """

    def __init__(self, dataset: str, file: str, folder: Path, reasons: list[str]):
        self.dataset, self.file, self.folder, self.reasons = dataset, file, folder, reasons
        super().__init__(
            f"{dataset_info(dataset).title} could not be downloaded: {file} into {folder}.\n"
            + "".join(f"- {reason}\n" for reason in reasons)
            + works_offline()
        )


def download(name: str, progress: Progress | bool | None = None) -> Path:
    """Puts the data set's files where `load` finds them; what is there already is kept.

    Every file is checked against its SHA-256 before it takes its name. The addresses of the
    source are tried in turn (see `sources`); files in its folders are used where they are.

    Args:
        name: the data set.
        progress: called with (bytes done, bytes in all), over all files; what it raises ends the
            download. True draws a bar on the terminal. Where sizes are not known beforehand, the
            bytes in all are those of the files begun.

    Returns: the folder, see `local.folder`.

    Raises:
        DownloadError: names the file, the folder, what went wrong with each address, and the data
            sets that work without a network.
        DatasetError: a file that is there cannot be read.
        SourceError: the variable that names the source cannot be understood.
    """
    if progress is True:
        return _with_bar(name)
    files = source(name).files
    meter = _Meter(sum(file.bytes or 0 for file in files), progress or None)
    for file in files:
        present = find(name, file)
        if present is None:
            with _alone(folder(name) / file.name):
                # Another process may have fetched it while this one waited.
                present = find(name, file)
                if present is None:
                    try:
                        _fetch(name, file, meter)
                    finally:
                        with suppress(OSError):  # it holds files, as it should
                            folder(name).rmdir()
                    present = folder(name) / file.name
        meter.finish(file.bytes or _size(present))
    return folder(name)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Only one process at a time fetches a file; without one where no lock can be had."""
    try:
        locks = locks_folder()
        locks.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(str(target.absolute()).encode()).hexdigest()[:20]
        lock = FileLock(locks / f"{name}.lock")
        lock.acquire()
    except (OSError, NotImplementedError):
        yield  # whatever stands in the way of the lock is told of by the download
        return
    try:
        yield
    finally:
        lock.release()


def mirrors(name: str) -> tuple[str, ...]:
    """The base addresses that a download tries, in turn; none where there is nowhere to go.

    Each is a path with a slash at its end, as it was given: a password in it is not hidden.
    """
    return source(name).addresses


def _with_bar(name: str) -> Path:
    from tqdm import tqdm

    title = known(name).title
    with tqdm(desc=title, unit="B", unit_scale=True, unit_divisor=1024) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return download(name, show)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


class _Meter:
    """Turns progress within one file into progress over all.

    `total` is what the server says of the current file, 0 where it says nothing.
    """

    def __init__(self, known_bytes: int, report: Progress | None):
        self.known_bytes, self.report = known_bytes, report
        self.total = self.before = self.within = 0
        self.most, self.deadline = MOST_BYTES, math.inf

    def begin(self, size: int | None) -> None:
        """A file is about to come, of that many bytes where it is known."""
        self.most, self.total, self.within = size or MOST_BYTES, 0, 0
        self.deadline = time.monotonic() + SLOW_START_SECONDS + self.most / LEAST_BYTES_PER_SECOND

    def update(self, count: int) -> None:
        """So many bytes more have come."""
        self.within += count
        if self.within > self.most:
            raise _Endless(f"it sends more than the {self.most:,} bytes that it should")
        if time.monotonic() > self.deadline:
            raise _Endless("it sends so slowly that it would not end")
        self._tell()

    def finish(self, count: int) -> None:
        """A file of so many bytes is here, wherever it came from."""
        self.before, self.within, self.total = self.before + count, 0, 0
        self._tell()

    def _tell(self) -> None:
        done = self.before + self.within
        if not self.report:
            return
        if self.known_bytes:
            self.report(min(done, self.known_bytes), self.known_bytes)
        else:
            self.report(done, max(done, self.before + self.total))


def _fetch(name: str, file: RemoteFile, meter: _Meter) -> None:
    origin = source(name)
    reasons = []
    for place in origin.places:
        if isinstance(place, Path):
            path = place if os.path.isfile(place) else place / file.name
            reasons.append(f"{path}: {_reason_in_folder(name, path)}")
            continue
        address = address_of(place, file.name)
        meter.begin(file.bytes)
        try:
            _retrieve(address, file, folder(name), meter)
            share(folder(name) / file.name)
            return
        except Exception as error:
            reason = _reason(error, address, expected(name))
            if reason is None:
                raise
            if isinstance(reason, _Fatal):
                reasons = [reason]
                break
            reasons.append(f"{redacted(address)}: {reason}")
    if not origin.places:
        reasons.append(f"{variable(name)} is empty: nothing is fetched")
    # Without what was raised before, whose words may hold a password.
    raise DownloadError(name, file.name, folder(name), reasons) from None


def _retrieve(address: str, file: RemoteFile, target: Path, meter: _Meter) -> None:
    import pooch

    def fetch(url: str, output: str, _: object) -> None:
        with open(output, "wb") as stream:
            _receive(url, stream, meter)

    # What pooch raises where it cannot make the folder has lost its number and is hard to read.
    target.mkdir(parents=True, exist_ok=True)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        pooch.retrieve(
            address,
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=target,
            downloader=fetch,
        )
    finally:
        logger.setLevel(level)


def _receive(address: str, stream: IO[bytes], meter: _Meter) -> None:
    """The bytes as they are sent: what `Content-Encoding` says of a `.gz` is often not so."""
    import requests

    headers = {"Accept-Encoding": "identity"}
    with requests.get(address, stream=True, timeout=TIMEOUT_SECONDS, headers=headers) as response:
        response.raise_for_status()
        length: Any = response.headers.get("Content-Length", "")
        meter.total = int(length) if length.isdecimal() else 0
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
            stream.write(chunk)
            meter.update(len(chunk))


class _Fatal(str):
    """A reason for which another mirror would not help."""


def _reason_in_folder(name: str, path: Path) -> str:
    """Why a file in a folder of the source is of no use; it was looked at before any download."""
    try:
        path.stat()
    except OSError as error:
        return "no such file" if error.errno == errno.ENOENT else why(error)
    return f"it is not {expected(name)}: its size or its SHA-256 differs"


def _reason(error: Exception, address: str, expectation: str) -> str | None:
    """What to tell a reader; None where the error is no failure of a download."""
    if isinstance(error, _Endless):
        return str(error)
    # Requests' errors are OSErrors too, so they come first.
    if trouble.is_of_network(error):
        return trouble.reason(error, address, TIMEOUT_SECONDS)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _Fatal("the disk is full")
        return _Fatal(f"the folder cannot be written to ({why(error)})")
    if isinstance(error, ValueError) and "hash" in str(error).casefold():
        return f"what came is not {expectation}: its SHA-256 differs"
    return None
