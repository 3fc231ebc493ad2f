"""What a process that trains takes of memory before it holds a network: measured, not assumed.

It is decided by which build of PyTorch is installed: one for CUDA takes three times as much as one
for the processor alone. So it is measured once for each installation, and kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ncengine.datasets.files.local import user_cache
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)

# Where it cannot be measured.
ASSUMED_BYTES = 300 * 2**20
# What a process that has loaded torch can take: anything else was not written here.
BOUNDS = 2**25, 2**35
# A machine that is busy takes its time to load torch.
PATIENCE = 300.0


@lru_cache
def process_bytes() -> int:
    """Bytes that a process takes which is ready to train. Measured where nobody has yet."""
    size = known()
    if size is None:
        size = _measured()
    if size is None:
        return ASSUMED_BYTES
    _keep(size)
    return size


def known() -> int | None:
    """The same where it has been measured; None where it has not."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(kept_at().read_text(encoding="utf-8"))
        taken = kept["bytes"]
        low, high = BOUNDS
        if kept["installation"] == _installation() and type(taken) is int and low <= taken <= high:
            return taken
    return None


def remember() -> None:
    """In a process that has rehearsed and done nothing else: what it took, if that is news."""
    if known() is None and (taken := _peak()) is not None:
        _keep(taken)


def _measured() -> int | None:
    """What a process of its own takes at most that rehearses; None where it cannot be told."""
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return int(ended.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        logger.warning("what a process takes of memory could not be measured", exc_info=True)
        return None


def _peak() -> int | None:
    """Most bytes that this process has taken; None where the system does not tell."""
    with suppress(OSError, TypeError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]
    try:
        import resource
    except ImportError:  # Windows
        return None
    # Where there is no /proc: macOS, which counts in bytes, and the BSDs, which do not.
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return taken if sys.platform == "darwin" else 1024 * taken


def _installation() -> str:
    """Names what is installed: another build of torch, in the same place even, is another."""
    spec = find_spec("torch")
    torch = Path(spec.origin) if spec is not None and spec.origin else Path()
    changed = torch.stat().st_mtime_ns if spec is not None else 0
    return f"{sys.executable} {sys.version_info[:3]} {torch} {changed} {ENGINE_VERSION}"


def kept_at() -> Path:
    """The file that it is kept in, of the Python that runs this."""
    name = hashlib.sha256(sys.executable.encode(errors="surrogateescape")).hexdigest()[:12]
    return user_cache() / f"process-memory-{name}.json"


def _keep(taken: int) -> None:
    if known() == taken:
        return
    path, kept = kept_at(), {"installation": _installation(), "bytes": taken}
    part = path.with_suffix(f".{os.getpid()}.part")
    # Who cannot keep it measures it again.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(kept), encoding="utf-8")
        part.replace(path)


def rehearse() -> None:
    """Train a little, so that all is loaded that training needs."""
    from ncengine.config import RunConfig
    from ncengine.datasets import load
    from ncengine.training.device import one_thread, pick_device
    from ncengine.training.train import Training

    one_thread()
    device = pick_device()
    config = RunConfig(classes=2, samples_per_class=2, width=4, depth=2, epochs=2, seeds=1)
    for _ in Training(config, load(config), device).steps():
        pass


if __name__ == "__main__":
    rehearse()
    print(_peak())
