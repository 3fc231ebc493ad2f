"""The parts of the page Theory, by name."""

from __future__ import annotations

from app.components.theory import FLOOR, LAYERS, PROOF, SHORTCUT, Values
from app.theory import floor, one_or_two, proof, shortcut
from app.theory.seen import Seen

TITLES = {
    FLOOR: "The floor",
    PROOF: "The proof, running",
    SHORTCUT: "The pre-LN shortcut",
    LAYERS: "One layer or two?",
}
PARTS = {FLOOR: floor, PROOF: proof, SHORTCUT: shortcut, LAYERS: one_or_two}


def seen(part: str, values: Values) -> Seen:
    """What a part shows. Raises ValueError where there is no such network; says why."""
    shown: Seen = PARTS[part].seen(values)
    return shown
