"""Makes the font of figures from the page's: static weights, Latin and Greek in one file.

What makes PDF and PNG of a chart takes neither web fonts nor variable ones. Needs fonttools and
brotli: `pip install fonttools brotli && python docs/fonts.py`.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools.merge import Merger
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

STATIC = Path(__file__).resolve().parents[1] / "app" / "static"
PARTS = ("latin", "greek")
WEIGHTS = {400: "Regular", 600: "SemiBold"}
# Signs that charts have and the page's parts of the typeface lack, of glyphs that are there: each
# with its scale and how far it is moved up, in thousandths of an em.
SUBSCRIPTS = {0x2080 + n: ((str(n), 0.62, -110),) for n in range(10)}
COMPARISONS = {
    0x2264: (("<", 0.86, 150), ("−", 1, -290)),
    0x2265: ((">", 0.86, 150), ("−", 1, -290)),
}
# What is of use to nobody but a browser that lays out text at small sizes.
NEEDLESS = ("GSUB", "GDEF", "STAT", "DSIG", "hdmx", "gasp", "meta")


def main() -> None:
    """Write a file a weight."""
    for weight, called in WEIGHTS.items():
        with TemporaryDirectory() as folder:
            parts = [_static(part, weight, Path(folder)) for part in PARTS]
            merged = Merger().merge([str(path) for path in parts])
        for code, parts in (SUBSCRIPTS | COMPARISONS).items():
            _compose(merged, code, parts)
        _name(merged, weight, called)
        merged.save(STATIC / f"inter-{weight}.ttf")


def _static(part: str, weight: int, folder: Path) -> Path:
    """A part of the typeface at one weight."""
    font = TTFont(STATIC / f"inter-{part}-wght-normal.woff2")
    pinned = {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes} | {"wght": weight}
    font = instantiateVariableFont(font, pinned)
    font.flavor = None
    for table in NEEDLESS:
        if table in font:
            del font[table]
    path = folder / f"{part}.ttf"
    font.save(path)
    return path


def _compose(font: TTFont, code: int, parts: tuple[tuple[str, float, float], ...]) -> None:
    """Add a sign that is put together from others, about the middle of the widest."""
    names, em = font.getBestCmap(), font["head"].unitsPerEm / 1000
    widths = [font["hmtx"][names[ord(sign)]][0] * scale for sign, scale, _ in parts]
    pen = TTGlyphPen(font.getGlyphSet())
    for (sign, scale, up), width in zip(parts, widths):
        middle = (max(widths) - width) / 2
        pen.addComponent(names[ord(sign)], (scale, 0, 0, scale, round(middle), round(up * em)))
    name = f"uni{code:04X}"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"][name] = pen.glyph()
    font["hmtx"][name] = (round(max(widths)), 0)
    for table in font["cmap"].tables:
        table.cmap[code] = name


def _name(font: TTFont, weight: int, called: str) -> None:
    """One family for all weights, by which a chart asks for them."""
    names = {1: "Inter", 2: "Regular", 4: f"Inter {called}", 6: f"Inter-{called}"}
    if weight != 400:
        names |= {1: f"Inter {called}", 16: "Inter", 17: called}
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight


if __name__ == "__main__":
    main()
