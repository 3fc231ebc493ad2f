"""What a recorder's snapshot costs beside the forward passes that it needs, and what an
accumulator takes of memory.

On one thread. The network is torchvision's ResNet-18, which has to be installed; forward passes
are timed of a few batches, in evaluation mode without gradients, and counted up to all samples.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.table import show
from ncengine.recorder import measuring, written
from ncengine.recorder.looking import Seen

SAMPLES, WIDTH, CLASSES = 10_000, 512, 10
# Side of the images, samples of a batch, batches that are timed.
SIZES = ((224, 16, 3), (32, 128, 3))
ROUNDS = 5
# In a process of its own, once everything is loaded and the caller's arrays are there.
GROWN = """
import sys
from pathlib import Path
import numpy as np, torch
from benchmarks.recorder import memory
from ncengine.metrics import Accumulator

library = {"numpy": np.asarray, "torch": torch.from_numpy}[sys.argv[1]]
rng = np.random.default_rng(0)
batch = library(rng.normal(size=(500, 2048)).astype(sys.argv[2]))
weight = library(rng.normal(size=(1000, 2048)))
labels = [library(np.arange(500)), library(np.arange(500, 1000))]
small = Accumulator(5, 8)
small.update(batch[:10, :8], labels[0][:10] % 5)
small.result(weight[:5, :8])
Path("/proc/self/clear_refs").write_text("5")
before = memory("VmRSS")
made = Accumulator(1000, 2048)
for each in labels:
    made.update(batch, each)
taken = memory("VmHWM") - before
made.result(weight)
print(taken, memory("VmHWM") - before)
"""


def memory(name: str) -> float:
    """Bytes of this process, by the name that Linux has for it."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{name}:\s+(\d+)", status)
    assert found is not None
    return 1024 * float(found[1])


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    try:
        rows = list(_snapshots())
    except (ImportError, RuntimeError) as error:
        print(f"A ResNet-18: left out, {error}\n")
    else:
        show(
            f"A snapshot: {SAMPLES:,} samples, {WIDTH} → {CLASSES}, one thread",
            ("images", "forward passes", "all figures", "share", "with points"),
            rows,
        )
    if Path("/proc/self/clear_refs").exists():
        grown = [_grown(*case) for case in (("numpy", "float64"), ("torch", "float32"))]
        show(
            "Accumulator: 1,000 classes of width 2,048; growth of the resident memory at most, MB",
            ("arrays", "batches", "and figures"),
            grown,
        )


def _snapshots() -> list[tuple[str, ...]]:
    from torchvision.models import resnet18

    model = resnet18(num_classes=CLASSES).eval()
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (SAMPLES,), generator=generator)
    features = torch.randn(SAMPLES, WIDTH, generator=generator).relu()
    features += torch.rand(CLASSES, WIDTH, generator=generator)[labels]
    seen = Seen([features], [(model.fc.weight.detach(), model.fc.bias.detach())], {}, labels)
    counts = np.full(CLASSES, SAMPLES // CLASSES)
    rows = []
    for side, batch, batches in SIZES:
        images = torch.randn(batch, 3, side, side, generator=generator)
        with torch.no_grad():
            model(images[:2])
            forward = _least(lambda images=images: model(images), batches) * SAMPLES / batch
        figures = _least(lambda: measuring.measured(seen, 0, {}, ("",), counts, 1.5), ROUNDS)
        points = _least(lambda: written.of(seen), ROUNDS)
        shares = (figures / forward, (figures + points) / forward)
        row = [f"{side} × {side}", f"{forward:.1f} s", f"{figures:.2f} s"]
        rows.append((*row, *(f"{share:.2%}" for share in shares)))
    return rows


def _least(work: Callable[[], object], times: int) -> float:
    """Seconds of processor that it takes at least."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def _grown(library: str, dtype: str) -> tuple[str, ...]:
    command = [sys.executable, "-c", GROWN, library, dtype]
    threads = {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **threads}
    )
    return (f"{library}, {dtype}", *(f"{float(one) / 1e6:.0f}" for one in done.stdout.split()))


if __name__ == "__main__":
    main()
