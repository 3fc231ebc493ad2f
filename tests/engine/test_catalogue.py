"""What an entry of a catalogue may not say."""

import math
from dataclasses import replace

import pytest

from ncengine.catalogue.metrics import METRICS, Place, Scale

NC1 = METRICS["nc1"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"low": 2.0, "high": 1.0}, "nc1: low = 2.0: must be less than high = 1.0"),
        ({"low": -1.0}, "nc1: low = -1.0: must be from 0 on to have a LOG scale"),
        ({"scale": Scale.SHARE}, "nc1: low, high: must be 0, 1 to have a SHARE scale"),
        (
            {"scale": Scale.LINEAR, "shown": {Place.DEPTH}, "shown_of_test": frozenset()},
            "nc1: scale = linear: must be log to be shown in depth",
        ),
        (
            {"scale": Scale.LINEAR, "shown": frozenset(), "shown_of_test": {Place.CURVES}},
            "nc1: scale = linear: must be log or share to be shown in curves",
        ),
    ],
)
def test_a_metric_that_no_page_could_show_is_refused(changes, said):
    with pytest.raises(ValueError) as refused:
        replace(NC1, **changes)
    assert str(refused.value) == said


def test_what_may_be_negative_is_shown_on_a_linear_scale():
    replace(NC1, low=-math.inf, scale=Scale.LINEAR, shown={Place.LIBRARY}, shown_of_test=set())
