"""Download of a data set: checksums, mirrors in turn, nothing half-written left behind."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

from ncengine.datasets.files import DatasetError, find, folder, known, matches, works_offline
from ncengine.datasets.registry import DatasetInfo, RemoteFile, dataset_info

Progress = Callable[[int, int], None]
TIMEOUT_SECONDS = 15


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

    Every file is checked against its SHA-256 before it takes its name. Mirrors are tried in turn;
    the variable NCENGINE_MIRROR_<NAME>, one address or several parted by blanks, replaces them.

    Args:
        name: the data set.
        progress: called with (bytes done, bytes in all), over all files; what it raises ends the
            download. True draws a bar on the terminal.

    Returns: the folder, see `files.folder`.

    Raises:
        DownloadError: names the file, the folder, what went wrong with each mirror, and the data
            sets that work without a network.
    """
    if progress is True:
        return _with_bar(name)
    info = known(name)
    meter = _Meter(sum(file.bytes for file in info.files), progress or None)
    for file in info.files:
        present = find(name, file)
        if present is None or not matches(present, file):
            _fetch(info, file, meter)
        meter.finish(file.bytes)
    return folder(name)


def mirrors(name: str) -> tuple[str, ...]:
    """The base addresses that a download tries, in turn, each with a slash at its end."""
    named = os.environ.get(f"NCENGINE_MIRROR_{name.upper()}", "").split()
    return tuple(url.rstrip("/") + "/" for url in named or known(name).base_urls)


def _with_bar(name: str) -> Path:
    from tqdm import tqdm

    title = known(name).title
    with tqdm(desc=title, unit="B", unit_scale=True, unit_divisor=1024) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return download(name, show)


class _Meter:
    """Turns pooch's progress within one file into progress over all; has tqdm's methods."""

    def __init__(self, total_bytes: int, report: Progress | None):
        self.total_bytes, self.report = total_bytes, report
        self.total = self.before = self.within = 0

    def update(self, count: int) -> None:
        self.within = min(self.within + count, self.total)
        self._tell()

    def reset(self) -> None:
        self.within = 0

    def close(self) -> None:
        pass

    def finish(self, count: int) -> None:
        self.before, self.within = self.before + count, 0
        self._tell()

    def _tell(self) -> None:
        if self.report:
            self.report(min(self.before + self.within, self.total_bytes), self.total_bytes)


def _fetch(info: DatasetInfo, file: RemoteFile, meter: _Meter) -> None:
    reasons = []
    for base in mirrors(info.name):
        try:
            _retrieve(base, file, folder(info.name), meter)
            return
        except Exception as error:
            reason = _reason(error)
            if reason is None:
                raise
            if isinstance(reason, _Fatal):
                raise DownloadError(info.name, file.name, folder(info.name), [reason]) from error
            reasons.append(f"{base}{file.name}: {reason}")
        meter.reset()
    raise DownloadError(info.name, file.name, folder(info.name), reasons)


def _retrieve(base: str, file: RemoteFile, target: Path, meter: _Meter) -> None:
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        pooch.retrieve(
            base + file.name,
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=target,
            # Undecoded, since the checksum is of the compressed file.
            downloader=pooch.HTTPDownloader(
                progressbar=meter,
                chunk_size=2**16,
                timeout=TIMEOUT_SECONDS,
                headers={"Accept-Encoding": "identity"},
            ),
        )
    finally:
        logger.setLevel(level)


class _Fatal(str):
    """A reason for which another mirror would not help."""


def _reason(error: Exception) -> str | None:
    """What to tell a reader; None where the error is no failure of a download."""
    from requests import exceptions

    # Requests' errors are OSErrors too, so they come first.
    if isinstance(error, exceptions.HTTPError):
        return f"the server refused: {error.response.status_code} {error.response.reason}"
    if isinstance(error, exceptions.Timeout):
        return f"no answer within {TIMEOUT_SECONDS} seconds"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, exceptions.ConnectionError):
        unknown_host = "resolve" in str(error).casefold()
        return "no network, or no such host" if unknown_host else "the server does not answer"
    if isinstance(error, exceptions.RequestException):
        return f"not a usable address ({type(error).__name__})"
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC:
            return _Fatal("the disk is full")
        return _Fatal(f"the folder cannot be written to ({error.strerror or error})")
    if isinstance(error, ValueError) and "hash" in str(error).casefold():
        return "what came is not the published file: its SHA-256 differs"
    return None
