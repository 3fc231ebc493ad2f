"""Where a data set's files come from, and what they must be: addresses and hashes, one pair.

The pair is the published one of the catalogue, unless the variable NCENGINE_MIRROR_<NAME> says
otherwise (<NAME> in capitals, `-` as `_`: NCENGINE_MIRROR_FASHION_MNIST). It holds, parted by
blanks:

- addresses, tried in turn, to which the names of the files are appended: `http://…`, `https://…`,
  `file:///…`, or a folder (`/…`, `~/…`, `./…`, `../…`). Files in folders are used in place. A
  blank in an address is written `%20`; a folder with blanks in its name is an address `file:///…`.
- and beside them, if need be, `sha256:<64 hexadecimal digits>`, one for each file in the
  catalogue's order: the files there are other ones than those published. They are kept apart from
  these, and so are the runs on them. Of an unpacked folder it is `content.digest`.

Empty it means nowhere: what is on this machine is used, and nothing is fetched. An address may hold
a name and a password (`https://name:password@…`) or a token (`https://…?token=…`), which stay after
the files' names are put in. They are shown nowhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
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
        places: base addresses whose path ends with a slash, and local folders, in turn.
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

    @property
    def addresses(self) -> tuple[str, ...]:
        """The others, from which files can be downloaded."""
        return tuple(place for place in self.places if isinstance(place, str))


def known(name: str) -> DatasetInfo:
    """Facts about the data set. Raises ValueError that says which names are known."""
    if name not in catalogue.DATASETS:
        raise ValueError(f"dataset = {name!r}: must be one of {', '.join(catalogue.DATASETS)}")
    return dataset_info(name)


def variable(name: str) -> str:
    """The name of the environment variable that replaces the data set's source."""
    return "NCENGINE_MIRROR_" + name.upper().replace("-", "_")


def address_of(base: str, file: str) -> str:
    """The address of a file under a base address, whose token, if it has one, comes last."""
    path, mark, query = base.partition("?")
    return f"{path}{file}{mark}{query}"


def redacted(address: str) -> str:
    """An address, or what was meant as one, without the password or token that may be in it."""
    if address.startswith(("/", "~", ".")) or _LOCAL_URL.match(address) or _is_hash(address):
        return address
    # To the last @, for a password may hold what should have been written otherwise.
    named = re.sub(r"^(\w+://)?.*@", r"\1…@", address)
    return re.sub(r"[?#].*", "?…", named)


def checksum(name: str) -> str:
    """Names the data set's content; part of every run's key. Never raises for what is set.

    A variable that cannot be read names a content of its own, so that no run on other data is
    taken for one on the data meant; training on it then says what is wrong.
    """
    info = dataset_info(name)
    value = _value(info) or ""
    if _HASH_PREFIX not in value.casefold():
        return info.checksum
    try:
        hashes = _hashes(info, value)
    except SourceError:
        return f"{name} {_shown(value)}"
    if _are_published(info, hashes):
        return info.checksum
    return f"{name} " + " ".join(hashes)


def source(name: str) -> Source:
    """The source of the data set as the environment has it now. Raises SourceError."""
    info = known(name)
    given = _value(info)
    if given is None:
        return Source(info.files, info.base_urls, published=True, tag="")
    value = given
    places = tuple(_place(info, value, token) for token in value.split() if not _is_hash(token))
    hashes = _hashes(info, value)
    if hashes and not places:
        raise _error(info, value, "hashes need an address or a folder beside them")
    if not hashes or _are_published(info, hashes):
        return Source(info.files, places, published=True, tag="")
    files = tuple(
        replace(file, sha256=sha256, bytes=None, unpacked=None)
        for file, sha256 in zip(info.files, hashes, strict=True)
    )
    tag = hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:8]
    return Source(files, places, published=False, tag=tag)


def _value(info: DatasetInfo) -> str | None:
    """What the variable holds; None where it is not set."""
    # What has no files has no source that could be another one.
    return os.environ.get(variable(info.name)) if info.files else None


def _are_published(info: DatasetInfo, hashes: tuple[str, ...]) -> bool:
    """Whether these are the published files, packed or unpacked."""
    return len(hashes) == len(info.files) and all(
        digest in file.contents for digest, file in zip(hashes, info.files, strict=True)
    )


def _shown(value: str) -> str:
    """The variable's value without passwords and tokens."""
    return re.sub(r"\S+", lambda token: redacted(token[0]), value)


def _is_hash(token: str) -> bool:
    return token.casefold().startswith(_HASH_PREFIX)


def _hashes(info: DatasetInfo, value: str) -> tuple[str, ...]:
    """The hashes in the variable's value, in lower case; empty where it has none."""
    tokens = [token for token in value.split() if _is_hash(token)]
    for token in tokens:
        if not _HASH.fullmatch(token):
            raise _error(info, value, f"{redacted(token)} is not sha256: and 64 hexadecimal digits")
    if tokens and len(tokens) != len(info.files):
        names = ", ".join(file.name for file in info.files)
        raise _error(
            info, value, f"number of hashes {len(tokens)}, but {len(info.files)} needed: of {names}"
        )
    return tuple(token.casefold().removeprefix(_HASH_PREFIX) for token in tokens)


def _place(info: DatasetInfo, value: str, token: str) -> str | Path:
    if _REMOTE.match(token):
        return _with_slash(info, value, token)
    local = _LOCAL_URL.match(token)
    if local:
        host, slash, path = token[local.end() :].partition("/")
        if host.casefold() in ("", "localhost"):
            return Path(url2pathname(slash + path))
    elif "://" not in token:
        path = os.path.expanduser(token)
        if os.path.isabs(path) or token.startswith("."):
            return Path(path)
    raise _error(info, value, f"{redacted(token)} is neither an address nor a folder")


def _with_slash(info: DatasetInfo, value: str, token: str) -> str:
    try:
        urlsplit(token)
    except ValueError as error:  # such as brackets that are not closed
        raise _error(info, value, f"{redacted(token)} is no address ({error})") from None
    path, mark, query = token.partition("?")
    return f"{path.rstrip('/')}/{mark}{query}"


def _error(info: DatasetInfo, value: str, problem: str) -> SourceError:
    return SourceError(
        f"{variable(info.name)} = {_shown(value)!r}: {problem}. Allowed, parted by blanks: "
        "addresses (http://…, https://…, file:///… with blanks as %20) and folders (/…, ~/…, ./…, "
        "../…), and beside them either no hash or, for other files than the published ones, "
        f"sha256:… for each of the {len(info.files)} files in turn."
    )
