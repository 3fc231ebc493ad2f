"""From a chart or a drawing to a file for a paper: SVG, PNG or PDF, in the app's own typeface.

Lengths are points of a page, 72 to the inch, as a PDF has them. Nothing is fetched: neither data
nor fonts.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64encode
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any

from app.export.theme import theme

# By the ending of a file, what it is.
FORMATS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
# What journals set in one column and in two, in points: 85 and 178 mm.
WIDTHS = {"single": 241, "double": 504}
POINTS_TO_MM = 25.4 / 72
# Across, of a PNG. 3,840 are "4K".
LEAST_PIXELS, MOST_PIXELS = 200, 3840
# As many as 600 to the inch, of two columns as many as there may be.
PIXELS = {name: min(MOST_PIXELS, round(width / 72 * 600)) for name, width in WIDTHS.items()}
FONT = "Inter, sans-serif"
TEXT, SMALL_TEXT, TITLE = 8, 7, 9
BOLD = 600
# What draws charts: the version of the specs that Altair writes.
VEGA_LITE = "6.4"

_STATIC = Path(__file__).resolve().parents[1] / "static"
_SCRIPT = Path(__file__).with_name("drawing.py")
_GREEK = re.compile("[\u0370-\u03ff]")
_ROOT = re.compile(r"<svg [^>]*?>")
_HEIGHT = re.compile(r'<svg [^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"')
# Its engine takes one at a time.
_guard = Lock()


@cache
def light() -> dict[str, str]:
    """The colours of the app's light theme, by their names in its configuration."""
    return theme()["light"]


class _Drawing:
    """The process that draws, see `drawing.py`; begun when it is asked for, and ends with this."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        """It, begun where it is not there, or has ended."""
        if self._process is None or self._process.poll() is not None:
            # Without the folder of the script, in which a `numbers.py` is not Python's.
            command = [sys.executable, "-P", str(_SCRIPT), str(_STATIC), VEGA_LITE]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
            )
        return self._process

    def ask(self, name: str, **given: Any) -> bytes:
        """What that function of vl-convert makes.

        Raises:
            ValueError: it cannot make anything of what is given.
            OSError: the process ended.
        """
        with _guard:
            process = self.begin()
            try:
                return self._answer(process, json.dumps([name, given]).encode())
            except ValueError:
                raise
            except BaseException as error:
                # An answer that nobody has read would be taken for the next one's.
                process.kill()
                process.wait()
                if isinstance(error, OSError):
                    raise OSError("what draws charts ended; is there memory left?") from error
                raise

    def _answer(self, process: subprocess.Popen[bytes], asked: bytes) -> bytes:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(asked + b"\n")
        process.stdin.flush()
        head = process.stdout.readline()
        if not head:
            raise OSError("it closed its end")
        told = json.loads(head)
        if "wrong" in told:
            raise ValueError(told["wrong"])
        content = process.stdout.read(told["bytes"])
        if len(content) < told["bytes"]:
            raise OSError("it closed its end")
        return content


_drawing = _Drawing()


def warm_up() -> None:
    """Have what draws charts begin, which takes it a moment, while something else is done."""
    with _guard:
        _drawing.begin()


def drawn(spec: dict[str, Any]) -> str:
    """The SVG of a chart whose data are in its spec."""
    how = {"vl_version": VEGA_LITE, "allowed_base_urls": []}
    return _drawing.ask("vegalite_to_svg", vl_spec=spec, **how).decode()


def pressed(svg: str, form: str, pixels: int | None = None, told: str = "") -> bytes:
    """The file of a drawing.

    Args:
        svg: the drawing, whose units are points.
        form: one of `FORMATS`.
        pixels: how many a PNG has across, see `LEAST_PIXELS` and `MOST_PIXELS`; None: 600 to the
            inch, and at most as many as there may be.
        told: what is to be seen, for who listens to an SVG.

    Raises:
        ValueError: form or pixels are none of those allowed.
    """
    if form not in FORMATS:
        raise ValueError(f"format = {form!r}: must be one of {', '.join(FORMATS)}")
    if form == "svg":
        return _to_keep(svg, told).encode()
    if form == "pdf":
        return _drawing.ask("svg_to_pdf", svg=svg)
    width, _ = size(svg)
    across = min(MOST_PIXELS, round(width / 72 * 600)) if pixels is None else pixels
    if not LEAST_PIXELS <= across <= MOST_PIXELS:
        allowed = f"must be a whole number from {LEAST_PIXELS} to {MOST_PIXELS:,}"
        raise ValueError(f"pixels = {across}: {allowed}")
    # As many to the inch as make the page's width of them; what is left of one is cut off.
    ppi = 72 * (across + 0.3) / width
    return _drawing.ask("svg_to_png", svg=svg, scale=1, ppi=ppi)


def size(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in points."""
    found = _HEIGHT.match(svg)
    if found is None:
        raise ValueError("svg: has no viewBox")
    return float(found[1]), float(found[2])


def _to_keep(svg: str, told: str) -> str:
    """The drawing with its size on paper, the typeface that it is set in, and its words."""
    width, height = size(svg)
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width * POINTS_TO_MM:.2f}mm" height="{height * POINTS_TO_MM:.2f}mm" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(told)}">'
    )
    parts = ["latin", "greek"] if _GREEK.search(svg) else ["latin"]
    faces = "".join(map(_face, parts))
    return _ROOT.sub(lambda _: f"{root}<style>{faces}</style>", svg, count=1)


@lru_cache
def _face(part: str) -> str:
    """The page's own file of the typeface, which holds all weights."""
    file = b64encode((_STATIC / f"inter-{part}-wght-normal.woff2").read_bytes()).decode()
    ranges = {face["url"].split("-")[1]: face["unicodeRange"] for face in theme()["fontFaces"]}
    return (
        f'@font-face{{font-family:"Inter";font-weight:100 900;unicode-range:{ranges[part]};'
        f'src:url("data:font/woff2;base64,{file}") format("woff2")}}'
    )
