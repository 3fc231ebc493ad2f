"""Colours that mean the same everywhere, in the light and in the dark theme."""

from __future__ import annotations

# The backgrounds of .streamlit/config.toml, on which every colour here must stand out.
LIGHT_BACKGROUND = "#ffffff"
DARK_BACKGROUND = "#0f131b"

# Found by maximising the least distance in CIELAB between any two under normal vision,
# protanopia and deuteranopia, then ordered so that the first few differ most.
CLASS_COLORS = (
    "#1e87f0", "#ff870f", "#e10f78", "#780fff", "#e12d2d",
    "#e187c3", "#a5a569", "#c30fb4", "#0f8787", "#0f781e",
)  # fmt: skip

NEUTRAL = "#7c8798"

OBJECTIVE_COLORS = {
    "objective": "#3b7cf0",
    "fit": "#12a07f",
    "floor": NEUTRAL,
    "hidden decay": "#e07b1a",
    "last-layer decay": "#d040b8",
}

# NC1, NC2, NC3.
NC_COLORS = ("#d6457f", "#1c94b8", "#a38a12")

# Below, at and above the ideal cosine.
DIVERGING = ("#2166c8", "#cdd3de", "#d2571a")
