"""Where results and what is shipped lie, and whether files can be written there."""

from __future__ import annotations

import os
import stat
import tempfile
from functools import cache
from pathlib import Path

from ncengine.datasets.files.local import user_cache
from ncengine.reasons import reason, why

CACHE_VARIABLE = "NCENGINE_CACHE"
GALLERY_VARIABLE = "NCENGINE_GALLERY"
# The package of the wheel that holds the app, and what is shipped with it.
PACKAGE = "ncexplorer"
# So much must fit onto a disk that is not full.
PROBE = bytes(2**16)


@cache
def checkout() -> Path | None:
    """The folder of the repository that the engine is used from; None where it was installed."""
    folder = Path(__file__).resolve().parents[2]
    try:
        about = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    # Packages have been seen that install a pyproject.toml of theirs beside all others.
    return folder if 'name = "neural-collapse-explorer"' in about else None


def home() -> Path | None:
    """The folder in which the app and what is shipped lie: the checkout, or the wheel's package.

    None where there is the engine alone.
    """
    folder = checkout() or Path(__file__).resolve().parents[2] / PACKAGE
    return folder if (folder / "app" / "main.py").is_file() else None


def cache_root() -> Path:
    """The folder that `NCENGINE_CACHE` names, else `cache/` of the checkout.

    Outside a checkout `runs/` in the user's cache folder.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    here = checkout()
    return here / "cache" if here else user_cache() / "runs"


def gallery_root() -> Path | None:
    """The folder that `NCENGINE_GALLERY` names, none where it is empty, else what is shipped.

    None as well where there is the engine alone.
    """
    named = os.environ.get(GALLERY_VARIABLE)
    if named is not None:
        return Path(named).expanduser().resolve() if named else None
    here = home()
    return here / "cache" / "gallery" if here else None


def no_gallery() -> str:
    """Why there is no gallery's folder, and what to do."""
    if GALLERY_VARIABLE in os.environ:
        return f"no gallery here: {GALLERY_VARIABLE} is empty; it can name a folder"
    return (
        "no gallery here: what is shipped lies beside the app, and this engine is used without "
        f"it; {GALLERY_VARIABLE} can name its folder"
    )


def require_writable(folder: Path, label: str, remedy: str) -> None:
    """Make sure that a file of some size can be written to the folder now.

    Args:
        folder: which is there.
        label: what the folder is, such as "the cache folder".
        remedy: what to do where it cannot be used.

    Raises:
        OSError: it cannot; says why, and what to do.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(PROBE)
            file.flush()
    except OSError as error:
        raise OSError(f"{label} {folder} cannot be written to: {why(error)}; {remedy}") from error


def require_file(path: Path) -> None:
    """Make sure that reading comes to an end, as of a pipe or a device it may never.

    Raises:
        OSError: nothing is there, or what is no file; a folder is left to who opens it.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(f"{path}: must be a file, not a pipe or a device")


def require_gallery(folder: Path) -> None:
    """Make the gallery's folder if need be, and make sure that it can be written to.

    Raises:
        OSError: it cannot, or is the installed package's, which is left as it came.
    """
    if checkout() is None and GALLERY_VARIABLE not in os.environ:
        raise OSError(
            f"the gallery's folder {folder} came with the installed package, and is left as it "
            f"is; {GALLERY_VARIABLE} names another"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"the gallery's folder cannot be made: {reason(error)}; "
            f"{GALLERY_VARIABLE} names another"
        ) from error
    require_writable(folder, "the gallery's folder", f"{GALLERY_VARIABLE} names another")


def require_cache(root: Path) -> None:
    """Make sure, before anything is trained, that results can be kept. Raises OSError."""
    require_writable(root, "the cache folder", f"{CACHE_VARIABLE} names another")
