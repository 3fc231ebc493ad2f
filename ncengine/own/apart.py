"""Tables are read by a process of its own: what a damaged one does to it, it does to nobody else.

The libraries that read them are written in C++, where a fault ends the process. Asked and answered
by a line of JSON, with arrays after it as plain bytes; nothing is pickled either way.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ncengine.own import terms
from ncengine.own.limits import Budget
from ncengine.own.parts import Bundle, Part
from ncengine.own.words import Told

_BLOCK = 2**20
KINDS = ("float64", "int64")


class Apart:
    """Reads tables, in a process that begins with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]

    def read(
        self,
        file: BinaryIO | Path,
        size: int,
        name: str,
        ending: str,
        named: terms.FileName,
        budget: Budget,
    ) -> tuple[list[Bundle], list[str]]:
        """As `tables.read` has it.

        Raises:
            ValueError: as there; or the process that read it came to its end.
            OSError: no process can be started.
        """
        asked = {
            "path": str(file.absolute()) if isinstance(file, Path) else None,
            "size": size,
            "name": name,
            "ending": ending,
            "named": named,
            "limits": asdict(budget.limits),
            "left": budget.left,
        }
        if self._process is None:
            self._process = _started()
        try:
            return self._answer(self._process, asked, file, budget)
        except (BrokenPipeError, EOFError) as error:
            self.end()
            raise Told(f"{name}: is damaged, or takes too much to be read") from error
        except Told:
            raise
        except BaseException:
            self.end()  # who knows where in an answer it stands
            raise

    def _answer(
        self,
        process: subprocess.Popen[bytes],
        asked: dict[str, Any],
        file: BinaryIO | Path,
        budget: Budget,
    ) -> tuple[list[Bundle], list[str]]:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        if not isinstance(file, Path):
            file.seek(0)
            while block := file.read(_BLOCK):
                process.stdin.write(block)
        process.stdin.flush()
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer = json.loads(line)
        if "refused" in answer:
            raise Told(answer["refused"])
        bundles = [_bundle(one, process.stdout, budget) for one in answer["bundles"]]
        return bundles, answer["notes"]


def _started() -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ncengine.own.child"],
        env={**os.environ, "PYTHONPATH": paths, "ARROW_DEFAULT_MEMORY_POOL": "system"},
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
    )


def _bundle(said: dict[str, Any], stream: Any, budget: Budget) -> Bundle:
    parts = {}
    for role, one in said["parts"].items():
        shape = tuple(one["shape"])
        budget.take(one["where"], 8 * math.prod(shape))
        array = np.empty(shape, KINDS[KINDS.index(one["kind"])])
        left = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        while len(left):
            count = stream.readinto(left)
            if not count:
                raise EOFError
            left = left[count:]
        texts = one["texts"]
        texts = None if texts is None else tuple(texts)
        parts[role] = Part(one["where"], array, texts, tuple(one["columns"]))
    return Bundle(said["file"], terms.FileName(*said["named"]), parts, said["step"])


def told(bundles: list[Bundle], notes: list[str]) -> tuple[bytes, list[np.ndarray]]:
    """What the process answers: a line, and the arrays after it."""
    arrays, said = [], []
    for one in bundles:
        parts: dict[str, Any] = {}
        for role, part in one.parts.items():
            kind = KINDS[0] if part.array.dtype.kind == "f" else KINDS[1]
            array = np.ascontiguousarray(part.array, kind)
            arrays.append(array)
            parts[role] = {"where": part.where, "kind": kind, "shape": array.shape}
            parts[role] |= {"texts": part.texts, "columns": part.columns}
        said.append({"file": one.file, "named": one.named, "step": one.step, "parts": parts})
    return json.dumps({"bundles": said, "notes": notes}).encode() + b"\n", arrays
