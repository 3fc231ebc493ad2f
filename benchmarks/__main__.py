"""Runs every benchmark and prints its tables as Markdown: `python -m benchmarks [NAME ...]`."""

import importlib
import os
import platform
import sys
from datetime import date

import torch

NAMES = (
    "solver",
    "peers",
    "curvature",
    "halving",
    "overhead",
    "pace",
    "page",
    "gallery",
    "installed",
    "stage",
    "theory",
    "film",
    "figures",
    "viewers",
    "memory",
    "gpu",
    "transformer",
    "work",
    "architectures",
    "depth_law",
    "heads",
    "recorder",
)

# What is shipped is measured by itself.
os.environ["NCENGINE_GALLERY"] = ""

if __name__ == "__main__":
    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, Python {platform.python_version()}, {date.today()}\n"
    )
    for name in sys.argv[1:] or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()
