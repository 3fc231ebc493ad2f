"""What an entry of a catalogue may not say."""

import math
from dataclasses import replace
from types import MappingProxyType

import pytest

from ncengine.architectures import layers
from ncengine.catalogue.architectures import ACTIVATIONS, ARCHITECTURES, mlp
from ncengine.catalogue.datasets import DATASETS
from ncengine.catalogue.metrics import METRICS, Place, Scale
from ncengine.config import run_config
from ncengine.theory.assumptions import assumptions
from ncengine.theory.depth_law import prediction

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


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("digits", {"kind": "sound"}, "kind = 'sound': must be one of points, images, text"),
        ("digits", {"classes": 9}, "class_names: 10, must be 9, one a class"),
        ("imdb", {"classes": 1}, "classes = 1: must be at least 2"),
        ("mnist", {"max_samples_per_class": 0}, "max_samples_per_class = 0: must be at least 1"),
        ("mnist", {"held_out": 0}, "held_out = 0: must be at least 1"),
        ("mnist", {"image_shape": None}, "image_shape = None: must be given of images"),
        ("mnist", {"input_dim": 64}, "input_dim = 64: must be that of image_shape = (28, 28)"),
        ("gaussian", {"fields": ()}, "input_dim: must be given of points, or be one of the fields"),
        ("imdb", {"fields": ("context",)}, "fields: must hold vocabulary and context of text"),
    ],
)
def test_a_data_set_whose_facts_do_not_fit_is_refused(name, changes, said):
    with pytest.raises(ValueError) as refused:
        replace(DATASETS[name], **changes)
    assert str(refused.value).startswith(f"data set {name}: ") and said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "defaults", "said"),
    [
        ("digits", {"classes": 11}, "classes = 11: must be a whole number from 2 to 10"),
        ("imdb", {"architecture": "RN1"}, "architecture = 'RN1': must be one of T11"),
        ("mnist", {"patch_size": 3}, "patch_size = 3: must be one of 1, 2, 4, 7, 14, 28"),
        ("mnist", {"brightness": 3}, "brightness = 3: is not a field"),
    ],
)
def test_a_data_set_whose_defaults_cannot_be_is_refused(monkeypatch, name, defaults, said):
    changed = replace(DATASETS[name], defaults=MappingProxyType(defaults))
    monkeypatch.setattr(run_config, "DATASETS", {name: changed})
    with pytest.raises(ValueError) as refused:
        run_config._check_defaults()
    assert str(refused.value).startswith(f"data set {name}, defaults: {said}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"norms": ("before",)}, "norms = 'before': must be one of post, pre"),
        ({"norms": ()}, "norms: must be some of post, pre"),
        ({"theorem": "Theorem 5"}, "theorem = 'Theorem 5': must be one of Theorem 4, Theorem 10"),
        (
            {"parts": (mlp("block", 1, "softplus"),)},
            "activation = 'softplus': must be one of relu, gelu, silu, tanh",
        ),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(changes, said):
    with pytest.raises(ValueError) as refused:
        replace(ARCHITECTURES["RN1"], **changes)
    assert str(refused.value) == f"architecture RN1: {said}"


def test_what_an_entry_can_name_is_computed():
    assert {*ACTIVATIONS} == {*layers._ACTIVATIONS}


def test_an_architecture_of_which_nothing_is_said_is_covered_by_no_theorem(monkeypatch):
    """A member of a family of which others are."""
    fresh = replace(ARCHITECTURES["RN1"], name="RN1G", parts=(mlp("block", 1, "gelu"),), theorem="")
    monkeypatch.setattr(
        "ncengine.catalogue.architectures.ARCHITECTURES", {**ARCHITECTURES, "RN1": fresh}
    )
    found = {one.name: one for one in assumptions(run_config.RunConfig())}
    assert not found["covered"].holds and "none covers RN1" in found["covered"].reason
    assert not {"schedule", "inner_dimension"} & found.keys()
    assert not any("Theorem 4" in one.reason for one in found.values())
    assert prediction(run_config.RunConfig()).startswith("No theorem covers RN1")


@pytest.mark.parametrize(
    ("side", "patch"), [(8, 2), (28, 7), (32, 8), (30, 6), (7, 1), (3, 1), (1, 1), (12, 3)]
)
def test_the_usual_patches_cut_any_image_without_a_rest(monkeypatch, side, patch):
    shape = {"image_shape": (side, side), "input_dim": side**2}
    changed = {**DATASETS, "digits": replace(DATASETS["digits"], **shape)}
    monkeypatch.setattr("ncengine.catalogue.datasets.DATASETS", changed)
    config = run_config.RunConfig(dataset="digits", architecture="T11")
    assert config.patch_size == patch and side % patch == 0
