"""What a researcher saved of a network elsewhere: read with care, measured, kept as a recording."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncengine.own.brought import Brought as Brought
    from ncengine.own.brought import Given as Given
    from ncengine.own.brought import Measured as Measured
    from ncengine.own.brought import Named as Named
    from ncengine.own.limits import LOCAL as LOCAL
    from ncengine.own.limits import UPLOADED as UPLOADED
    from ncengine.own.limits import Limits as Limits
    from ncengine.own.reading import ENDINGS as ENDINGS
    from ncengine.own.reading import groups as groups
    from ncengine.own.reading import read as read
    from ncengine.own.recording import record as record

# Loaded when first asked for: the process that reads tables needs none of it.
_LAZY = {
    **dict.fromkeys(("Brought", "Given", "Measured", "Named"), "brought"),
    **dict.fromkeys(("LOCAL", "UPLOADED", "Limits"), "limits"),
    **dict.fromkeys(("ENDINGS", "groups", "read"), "reading"),
    "record": "recording",
}

__all__ = [*_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"ncengine.own.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'ncengine.own' has no attribute {name!r}")
