"""How many runs may wait."""

from __future__ import annotations

import os

QUEUE_VARIABLE = "NCENGINE_QUEUE"
LONGEST_QUEUE = 200


def longest_queue() -> int:
    """How many runs may wait: `NCENGINE_QUEUE`, else 200.

    Raises:
        ValueError: the variable does not hold a whole number from 1 to 999,999,999.
    """
    named = os.environ.get(QUEUE_VARIABLE, "").strip()
    if named and not (named.isdecimal() and len(named) < 10 and int(named) >= 1):
        allowed = "must be a whole number from 1 to 999,999,999"
        raise ValueError(f"{QUEUE_VARIABLE} = {named!r:.80}: {allowed}")
    return int(named) if named else LONGEST_QUEUE
