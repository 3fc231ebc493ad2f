"""A document that is whole by itself: scripts, styles and data within, and nothing asked for.

What it may do it says itself, first of all: run the very scripts and styles that it brings along,
which are named by their hashes, and show the pictures and the letters that it holds. Nothing else,
and no connection.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path

from app.browser.bundle import bundle
from app.charts import depth
from app.export.theme import theme

APP = Path(__file__).resolve().parents[1]
# What is put together from the app's own scripts: the name of each part, its file, what it gives.
_SCRIPTS = {
    "drawPlayer": ("player/player.js", ""),
    "listenOnStage": ("browser/stage.js", "listenOnStage"),
    "begin": ("export/page.js", ""),
}
_COLORS = (
    "primaryColor", "backgroundColor", "secondaryBackgroundColor", "textColor", "borderColor",
    "linkColor",
)  # fmt: skip


def document(title: str, body: str, messages: Mapping[str, bytes], *, story: bool = False) -> str:
    """The whole file.

    Args:
        title: as plain text.
        body: HTML, in which all that anyone wrote is escaped.
        messages: what the players draw, see `player/wire.py`, by the name that `body` uses.
        story: whether it is stepped through.
    """
    style, player_style, script = _style(story), _read("player/player.css"), _script()
    data = "".join(
        f'<script type="text/plain" id="{escape(name)}">{b64encode(message).decode()}</script>\n'
        for name, message in messages.items()
    )
    policy = rules([script], [style, player_style])
    kind = "story" if story else "alone"
    # As Streamlit nests it, of which its style knows.
    parts = f"<style>{player_style}</style><div>{_read('player/player.html')}</div>"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body class="{kind}">\n{body}\n<noscript><p>It takes JavaScript to play.</p></noscript>\n'
        f'<template id="parts">{parts}</template>\n'
        f'{data}<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def rules(scripts: list[str], styles: list[str]) -> str:
    """What the file may do, as its Content-Security-Policy."""
    by_hash = {"script-src": scripts, "style-src": styles}
    allowed = [f"{kind} {' '.join(map(_hash, texts))}" for kind, texts in by_hash.items()]
    nothing = [f"{kind} 'none'" for kind in ("default-src", "base-uri", "form-action")]
    return "; ".join([*nothing, *allowed, "img-src data:", "font-src data:"])


def told(values: Mapping[str, object]) -> str:
    """JSON as the value of an attribute."""
    return escape(json.dumps(values, ensure_ascii=False))


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (APP / name).read_text(encoding="utf-8")


@lru_cache
def _script() -> str:
    """The app's scripts, each part with names of its own, and what begins."""
    parts = []
    for name, (path, gives) in _SCRIPTS.items():
        text = bundle(APP / path)
        given = f"{text}\nreturn {gives};" if gives else text.replace("export default ", "return ")
        parts.append(f"const {name} = (() => {{\n{given}\n}})();")
    script = "\n".join([*parts, "begin({ drawPlayer, listenOnStage });"])
    if "</script" in script or "<!--" in script:
        raise ValueError("a script would end the element that holds it")
    return script


@lru_cache
def _style(story: bool) -> str:
    names = ("static/app.css", "static/stage.css") if story else ("static/app.css",)
    return "\n".join([_theme(), *map(_read, names), _read("export/page.css"), _series()])


def _theme() -> str:
    """The colours and the font of the app's theme, light or dark as the reader's system is."""
    shown = theme()
    light, dark = (
        "".join(f"--st-{_kebab(name)}: {shown[kind][name]}; " for name in _COLORS)
        for kind in ("light", "dark")
    )
    font = f"--st-font: {shown['font']}; "
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"
    return "\n".join([*map(_face, shown["fontFaces"]), f":root {{ {font}{light}}}", dark])


def _face(face: Mapping[str, str]) -> str:
    """A font of the theme's, which goes along."""
    file = b64encode((APP.parent / face["url"]).read_bytes()).decode()
    return (
        f'@font-face {{ font-family: "{face["family"]}"; font-weight: {face["weight"]}; '
        f"font-style: {face['style']}; unicode-range: {face['unicodeRange']}; "
        f'src: url("data:font/woff2;base64,{file}") format("woff2"); }}'
    )


def _series() -> str:
    """The colours of the series of Depth."""
    return "\n".join(
        f".series-{n} {{ --series: {color}; }}" for n, color in enumerate(depth.COLORS)
    )


def _kebab(name: str) -> str:
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name)
