"""Where a data set's files come from, and what they must be: addresses and hashes, one pair.

The pair is the published one of the catalogue, unless the variable NCENGINE_MIRROR_<NAME> says
otherwise (<NAME> in capitals, `-` as `_`: NCENGINE_MIRROR_FASHION_MNIST). It holds, parted by
blanks:

- addresses, tried in turn, to which the names of the files are appended: `http://…`, `https://…`,
  `file:///…`, or a folder (`/…`, `~/…`, `./…`, `../…`). Files in folders are used in place. A
  blank in an address is written `%20`; a folder with blanks in its name is an address `file:///…`.
- and beside them, if need be, `sha256:<64 hexadecimal digits>`, one for each file in the
  catalogue's order: the files there are other ones than those published. They are kept apart from
  these, and so are the runs on them.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import url2pathname

from ncengine.catalogue import datasets as catalogue
from ncengine.catalogue.datasets import DatasetInfo, RemoteFile, dataset_info
from ncengine.datasets.errors import DatasetError

_HASH = re.compile(r"sha256:[0-9a-f]{64}", re.IGNORECASE)
_HASH_PREFIX = "sha256:"
_REMOTE = re.compile(r"https?://", re.IGNORECASE)
_LOCAL_URL = re.compile(r"file://", re.IGNORECASE)


class SourceError(DatasetError):
    """The variable that names a data set's source cannot be understood."""


@dataclass(frozen=True)
class Source:
    """Where files come from, and what they must be.

    Attributes:
        files: name and SHA-256 of each; `bytes` is None where only the hash is known.
        places: base addresses with a slash at their end, and local folders, in turn.
        published: whether these are the published files.
        tag: names the content where it is not the published one, else empty.
    """

    files: tuple[RemoteFile, ...]
    places: tuple[str | Path, ...]
    published: bool
    tag: str

    @property
    def folders(self) -> tuple[Path, ...]:
        """The local folders among the places."""
        return tuple(place for place in self.places if isinstance(place, Path))


def known(name: str) -> DatasetInfo:
    """Facts about the data set. Raises ValueError that says which names are known."""
    if name not in catalogue.DATASETS:
        raise ValueError(f"dataset = {name!r}: must be one of {', '.join(catalogue.DATASETS)}")
    return dataset_info(name)


def variable(name: str) -> str:
    """The name of the environment variable that replaces the data set's source."""
    return "NCENGINE_MIRROR_" + name.upper().replace("-", "_")


def checksum(name: str) -> str:
    """Names the data set's content; part of every run's key. Never raises for what is set.

    A variable that cannot be read names a content of its own, so that no run on other data is
    taken for one on the data meant; training on it then says what is wrong.
    """
    info = dataset_info(name)
    value = _value(info)
    if _HASH_PREFIX not in value.casefold():
        return info.checksum
    try:
        hashes = _hashes(info, value)
    except SourceError:
        return f"{name} {value}"
    if hashes == _published(info):
        return info.checksum
    return f"{name} " + " ".join(hashes)


def source(name: str) -> Source:
    """The source of the data set as the environment has it now. Raises SourceError."""
    info = known(name)
    value = _value(info)
    places = tuple(_place(info, value, token) for token in value.split() if not _is_hash(token))
    hashes = _hashes(info, value)
    if hashes and not places:
        raise _error(info, value, "hashes need an address or a folder beside them")
    if not hashes or hashes == _published(info):
        return Source(info.files, places or info.base_urls, published=True, tag="")
    files = tuple(
        replace(file, sha256=sha256, bytes=None)
        for file, sha256 in zip(info.files, hashes, strict=True)
    )
    tag = hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:8]
    return Source(files, places, published=False, tag=tag)


def _value(info: DatasetInfo) -> str:
    # What has no files has no source that could be another one.
    return os.environ.get(variable(info.name), "") if info.files else ""


def _published(info: DatasetInfo) -> tuple[str, ...]:
    return tuple(file.sha256 for file in info.files)


def _is_hash(token: str) -> bool:
    return token.casefold().startswith(_HASH_PREFIX)


def _hashes(info: DatasetInfo, value: str) -> tuple[str, ...]:
    """The hashes in the variable's value, in lower case; empty where it has none."""
    tokens = [token for token in value.split() if _is_hash(token)]
    for token in tokens:
        if not _HASH.fullmatch(token):
            raise _error(info, value, f"{token} is not sha256: and 64 hexadecimal digits")
    if tokens and len(tokens) != len(info.files):
        names = ", ".join(file.name for file in info.files)
        raise _error(
            info, value, f"number of hashes {len(tokens)}, but {len(info.files)} needed: of {names}"
        )
    return tuple(token.casefold().removeprefix(_HASH_PREFIX) for token in tokens)


def _place(info: DatasetInfo, value: str, token: str) -> str | Path:
    if _REMOTE.match(token):
        return token.rstrip("/") + "/"
    local = _LOCAL_URL.match(token)
    if local:
        host, slash, path = token[local.end() :].partition("/")
        if host.casefold() in ("", "localhost"):
            return Path(url2pathname(slash + path))
    elif "://" not in token:
        path = os.path.expanduser(token)
        if os.path.isabs(path) or token.startswith("."):
            return Path(path)
    raise _error(info, value, f"{token} is neither an address nor a folder")


def _error(info: DatasetInfo, value: str, problem: str) -> SourceError:
    return SourceError(
        f"{variable(info.name)} = {value!r}: {problem}. Allowed, parted by blanks: addresses "
        "(http://…, https://…, file:///… with blanks as %20) and folders (/…, ~/…, ./…, ../…), "
        "and beside them "
        "either no hash or, for other files than the published ones, sha256:… for each of the "
        f"{len(info.files)} files in turn."
    )
