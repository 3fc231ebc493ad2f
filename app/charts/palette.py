"""Colours that mean the same everywhere, in the light and in the dark theme."""

from __future__ import annotations

from ncengine.catalogue.metrics import METRICS

# The backgrounds of .streamlit/config.toml, on which every colour here must stand out.
LIGHT_BACKGROUND = "#ffffff"
DARK_BACKGROUND = "#0f131b"

# Found by maximising the least distance in CIELAB between any two under normal vision,
# protanopia and deuteranopia, then ordered so that the first few differ most.
CLASS_COLORS = (
    "#1e87f0", "#ff870f", "#e10f78", "#780fff", "#e12d2d",
    "#e187c3", "#a5a569", "#c30fb4", "#0f8787", "#0f781e",
)  # fmt: skip

NEUTRAL = METRICS["gap"].color

# The objective and its parts, by what they are called.
OBJECTIVE_COLORS = {
    "floor" if name == "gap" else METRICS[name].title: METRICS[name].color
    for name in ("loss", "fit", "gap", "decay_hidden", "decay_last")
}

# Below, at and above the ideal cosine.
DIVERGING = ("#2166c8", "#cdd3de", "#d2571a")
