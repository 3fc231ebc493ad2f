"""What a researcher saved of a network elsewhere: read with care, measured, kept as a recording."""

from ncengine.own.brought import Brought, Given, Measured, Named
from ncengine.own.limits import LOCAL, UPLOADED, Limits
from ncengine.own.reading import ENDINGS, groups, read
from ncengine.own.recording import record

__all__ = [
    "ENDINGS",
    "LOCAL",
    "UPLOADED",
    "Brought",
    "Given",
    "Limits",
    "Measured",
    "Named",
    "groups",
    "read",
    "record",
]
