"""What came of a run, on curves made by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ncengine.analysis.outcome import Outcome, outcome, outcome_of, with_outcome
from ncengine.analysis.worth_a_try import worth_a_try
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC
from ncengine.runs.run import Run, Status

CONFIG = RunConfig(seeds=2, epochs=100)
FLOOR = 0.5


def run_of(gaps, nc1=(0.1, 0.001), floor=FLOOR, passes=100, diverged=(False, False)):
    """A run with these gaps at passes 1, 10, 50, 100, those of both seeds alike."""
    gap = np.repeat(np.array(gaps, float)[:, None], 2, axis=1)
    curves = {
        "epoch": np.array([1.0, 10, 50, passes]),
        "loss": gap + FLOOR,
        "gap": gap if floor is not None else np.full_like(gap, np.nan),
        "nc1": np.tile(np.array(nc1, float), (4, 1)),
    }
    return Run(CONFIG, Status.DONE, curves, floor=floor, passes=passes, diverged=np.array(diverged))


@pytest.mark.parametrize(
    ("gaps", "falling"),
    [
        ([9, 4, 2, 1], True),
        ([9, 4, 1, 0.97], False),
        ([9, 4, 1, 0.94], True),
        ([1, 1, 1, 1], False),
    ],
)
def test_it_was_falling_where_the_second_half_of_the_passes_took_more_of_the_gap(gaps, falling):
    came = outcome(run_of(gaps))
    assert came.falling is falling
    assert came.above_floor == pytest.approx(gaps[-1] / FLOOR)
    assert came.nc1 == pytest.approx(0.01)


def test_who_rests_early_or_is_at_the_floor_does_not_fall_any_more():
    rested = outcome(run_of([9, 4, 2, 1], passes=70))
    assert rested.rested and not rested.falling
    there = outcome(run_of([9, 4, 1e-5, 1e-6]))
    assert there.at_floor and not there.falling
    below = outcome(run_of([9, 4, 1e-16, -1e-16]))
    assert below.at_floor and not below.falling


def test_without_a_floor_the_objective_itself_is_judged():
    came = outcome(run_of([9, 4, 2, 1], floor=None))
    assert came.above_floor is None
    assert came.fell == pytest.approx(1 / 2.5)


@pytest.mark.parametrize(
    ("nc1", "told"),
    [((np.inf, 0.1), 0.1), ((np.inf, np.inf), np.inf), ((0, 0), 0), ((np.nan,) * 2, None)],
)
def test_nc1_is_told_whatever_it_is(nc1, told):
    assert outcome(run_of([1, 1, 1, 1], nc1)).nc1 == (told if told is None else pytest.approx(told))


def test_of_diverged_seeds_nothing_is_told():
    came = outcome(run_of([1, 1, 1, 1], diverged=(True, False)))
    assert came.nc1 == pytest.approx(0.001)
    assert came.troubles == ("Seed 0 diverged and is left out of all means.",)
    gone = outcome(run_of([np.nan] * 4, diverged=(True, True)))
    assert (gone.verdict, gone.troubles) == ("Diverged", ()) and gone.went_wrong


@pytest.mark.parametrize(
    ("changes", "limit"), [({}, np.log(10)), ({"classes": 4}, np.log(4)), ({"loss": "MSE"}, 0.5)]
)
def test_an_objective_above_that_of_zeros_went_wrong(changes, limit):
    config = CONFIG.with_(**changes)
    # As the loss of torch has it, where all logits are 0.
    labels = torch.arange(config.classes)
    zeros = torch.zeros(config.classes, config.classes, dtype=torch.float64)
    if config.loss == "CE":
        expected = torch.nn.functional.cross_entropy(zeros, labels).item()
    else:
        expected = torch.nn.functional.one_hot(labels).double().square().sum(1).mean().item() / 2
    assert limit == pytest.approx(expected)
    for above in (False, True):
        end = limit * (1.01 if above else 0.99)
        run = replace(run_of([9, 4, 1, end - FLOOR]), config=config)
        assert outcome(run).worse_than_none is above
        assert not (above and outcome(run).falling)


def test_after_what_went_wrong_a_smaller_rate_is_worth_a_try():
    wrong = replace(came(), objective=50.0)
    assert wrong.worse_than_none
    sgd = CONFIG.with_(solver="SGD", learning_rate=0.3)
    assert worth_a_try(sgd, wrong, frozenset())[0] == {"learning_rate": 0.02}
    slow = CONFIG.with_(solver="SGD", learning_rate=0.0005)
    assert worth_a_try(slow, wrong, frozenset()) == []


def test_what_was_hardly_trained_is_offered_passes_and_no_other_rate():
    config = CONFIG.with_(solver="SGD", learning_rate=0.3, epochs=2)
    begun = replace(came(), objective=3.0, passes=2)
    assert worth_a_try(config, begun, frozenset()) == [{"epochs": 100}]


def came(falling=False):
    fell = 0.5 if falling else 0.0
    return Outcome(
        objective=0.75, of_zeros=2.3, nc1=0.1, above_floor=0.5, passes=CONFIG.epochs, fell=fell
    )


@pytest.mark.parametrize(
    ("values", "falling", "failing", "tries"),
    [
        ({}, False, (), [{"depth": 8}]),
        ({}, True, (), [{"epochs": 1000}, {"depth": 8}]),
        ({"solver": "L-BFGS"}, True, (), [{"epochs": 1000}, {"depth": 8}, {"solver": KFAC}]),
        ({"depth": 34}, False, (), []),
        ({"epochs": 100_000}, True, (), [{"depth": 8}]),
        ({"architecture": "UFM"}, True, (), [{"epochs": 2000}]),
        (
            {"architecture": "RN2", "decay_schedule": "constant"},
            False,
            ("schedule",),
            [{"decay_schedule": "1/L"}],
        ),
        ({"width": 4}, False, ("width",), [{"width": 16}]),
        (
            {"width": 4, "loss": "MSE", "classes": 8},
            False,
            ("width",),
            [{"width": 16}],
        ),
    ],
)
def test_what_promises_to_help_is_offered(values, falling, failing, tries):
    config = RunConfig(**values)
    found = worth_a_try(config, came(falling), frozenset(failing))
    assert found == tries
    for changes in found:
        config.with_(**changes)


@pytest.mark.parametrize(
    ("nc1", "verdict", "reason"),
    [
        (1e-6, "Collapsed", "samples lie 0.1 % as far from their class’s mean as the classes from"),
        (1e-16, "Collapsed", "samples lie 1.00e−6 % as far from"),
        (0.04, "Partly collapsed", "samples lie 20 % as far"),
        (4.0, "Not collapsed", "samples lie 200 % as far"),
        (np.inf, "Not collapsed", "the classes fell onto one point."),
        (0.0, "Collapsed", "all samples of a class are one point"),
        # From anywhere, as in a run's file.
        (-1.0, "Collapsed", "all samples of a class are one point"),
        (np.nan, "Collapse cannot be told", "NC1 has no value."),
    ],
)
def test_the_sentence_says_in_words_what_nc1_says(nc1, verdict, reason):
    said = outcome(run_of([9, 4, 2, 0.05], nc1=(nc1, nc1))).sentence
    assert said.startswith(f"{verdict}: {reason}")
    assert said.endswith(" The objective ended 10 % above the floor, still falling.")


def test_of_one_sample_a_class_nc1_tells_nothing():
    run = run_of([9, 4, 2, 1], nc1=(0.0, 0.0))
    assert outcome(run).verdict == "Collapsed"
    one = replace(run, config=CONFIG.with_(samples_per_class=1))
    assert outcome(one).verdict == "Collapse cannot be told"
    assert "with one sample a class" in outcome(one).sentence
    assert "0 by definition" in outcome(one).sentence


def test_of_free_features_it_tells_nothing_of_a_network():
    run = run_of([9, 4, 2, 1], nc1=(1e-9, 1e-9))
    free = replace(run, config=CONFIG.with_(architecture="UFM"))
    assert "nothing of a network" in outcome(free).sentence
    assert "nothing of a network" not in outcome(run).sentence


def test_what_is_worse_than_nothing_is_said_with_both_numbers():
    run = run_of([9, 4, 1, 36.0 - FLOOR])
    assert outcome(run).sentence == (
        "Worse than doing nothing: the objective ended at 36.0; weights that are all zero, which "
        "answer the same to every sample, have 2.30."
    )


def test_what_was_hardly_trained_did_not_go_wrong():
    one = run_of([3.0] * 4)
    one = replace(one, curves={n: v[:1] for n, v in one.curves.items()}, passes=1)
    came = outcome(replace(one, config=CONFIG.with_(epochs=1)))
    assert came.verdict == "Hardly trained"
    assert came.reason.startswith("after 1 pass the objective is 3.50;")
    # Of one point alone nobody knows whether it was falling.
    assert outcome(replace(one, floor=2.0)).fell is None


def test_of_several_seeds_those_that_are_worse_are_named():
    run = run_of([9, 4, 1, 0.5])
    run.curves["loss"][-1] = [0.1, 3.0]
    came = outcome(run)
    assert not came.worse_than_none
    assert came.troubles == ("Seed 1 ended worse than doing nothing.",)


def test_large_and_infinite_nc1_did_not_converge():
    assert outcome(run_of([1] * 4, nc1=(np.inf, 0.1))).not_converged == {0: np.inf}
    assert outcome(run_of([1] * 4, nc1=(9e9, 999.0))).not_converged == {0: 9e9}
    gone = run_of([1] * 4, nc1=(0.1, np.inf), diverged=(False, True))
    assert outcome(gone).not_converged == {}


def test_what_is_told_of_a_summary_is_told_of_the_run():
    run = run_of([9, 4, 2, 1])
    told = with_outcome(run.summary())
    whole, from_ends = outcome(run), outcome_of(run.summary())
    assert (whole.verdict, whole.troubles) == (from_ends.verdict, from_ends.troubles)
    assert told["outcome"]["verdict"] == whole.verdict
    assert "falling" in whole.sentence and "falling" not in told["outcome"]["sentence"]
    assert [seed["verdict"] for seed in told["seeds"]] == ["Partly collapsed", "Collapsed"]
    # An entry of an earlier engine lacks fields that have come since.
    old = {**run.summary(), "config": {"classes": 10}}
    assert outcome_of(old) == from_ends
