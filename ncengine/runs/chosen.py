"""Which texts the gallery ships: those that somebody has read, and chosen.

Samples of images go as they are. Reviews are what anyone wrote, and the gallery shows them to
everyone, unasked: those are left out that speak of race or sex, of war or suicide, or call names.
Their points and numbers are shown like all others. A text that nobody has read yet is left out too;
who ships new ones reads them, and adds what `name_of` says of those chosen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

# SHA-256 of the texts, their first twelve digits.
CHOSEN = frozenset(
    """
    0901ac5a5e68 03cc3d0ed39c 07d3b0676770 d4a69ffe3b8a bbebacf763c8 7f563c8ad274
    2747772f049e 6b6e9e1089e5 cf2f7b530f71 7ef987ed2651 a5ac2d1bc574 89adb69be2db
    3fc0bcfbf563 8b9f4b6e3cf6 415bdce3ae9b 164c484c8252 9e5bc5b6d410 0d13c6ceaa86
    fcab100d9ab7 4e592c0fbd52 50e38d3d2cdb 28a709a78efc d9ec7cc2dbc5 7b4f85fbaa0a
    88fc634d5a65 2968fe2f2a85 1d749b2fb39c 6ae86497285b fea0c1ae3e51 c9f18ef6a52f
    1c9154fa7ae6 f9f2e3850302
    """.split()
)


def name_of(text: str) -> str:
    """What stands for a text in `CHOSEN`."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def chosen(texts: Iterable[str]) -> np.ndarray:
    """The texts as an array, with "" in place of those that are not chosen."""
    return np.array([text if name_of(text) in CHOSEN else "" for text in texts], dtype=str)
