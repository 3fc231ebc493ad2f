"""The schema: what it accepts, what it refuses and how it says so, keys, text and back."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncengine.config import PARAMS, RunConfig
from ncengine.config.defaults import bounded
from ncengine.config.param import ConfigError, as_text
from ncengine.config.presets import paper_preset
from ncengine.runs.identity import identify


def value_of(name, dataset):
    param = bounded(name, PARAMS[name], dataset)
    if param.kind == "choice":
        return st.sampled_from(list(param.choices))
    if param.kind == "bool":
        return st.booleans()
    if param.kind == "int":
        return st.integers(int(param.low), int(param.high))
    if param.kind == "seeds":
        return st.lists(st.integers(0, 50), min_size=1, max_size=8, unique=True).map(tuple)
    return st.floats(param.low, param.high)


configs = st.sampled_from(list(PARAMS["dataset"].choices)).flatmap(
    lambda dataset: st.fixed_dictionaries(
        {n: st.just(dataset) if n == "dataset" else value_of(n, dataset) for n in PARAMS}
    ).map(lambda values: RunConfig.nearest(values)[0])
)


@given(configs)
def test_text_of_every_configuration_reads_back(config):
    again, problems = RunConfig.nearest(config.query())
    assert problems == []
    assert again == config
    assert identify(again).key == identify(config).key
    assert RunConfig(**json.loads(config.canonical_json())) == config


@given(
    st.dictionaries(st.sampled_from([*PARAMS, "unknown"]), st.text() | st.integers() | st.none())
)
def test_nearest_never_raises_and_names_what_was_wrong(values):
    config, problems = RunConfig.nearest(values)
    assert RunConfig(**config.model_dump()) == config
    assert {problem.field for problem in problems} <= set(values)
    if not problems:
        assert RunConfig(**values) == config
    else:
        with pytest.raises(ConfigError):
            RunConfig(**values)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("depth", 1, "from 2 to 200"),
        ("depth", 2.5, "a whole number"),
        ("depth", True, "a whole number"),
        ("weight_decay", 0, "from 1e-06 to 1"),
        ("weight_decay", "nan", "from 1e-06 to 1"),
        ("weight_decay", float("inf"), "from 1e-06 to 1"),
        ("loss", "hinge", "must be one of CE, MSE"),
        ("dataset", "imagenet", "must be one of digits, gaussian"),
        ("samples_per_class", 151, "from 1 to 150"),
        ("seeds", 0, "from 1 to 32"),
        ("seeds", [1, 1], "different"),
        ("seeds", "3-1", "list of at most"),
        ("seeds", [0, 1.7], "whole numbers"),
        ("seeds", [True, False], "whole numbers"),
        ("seeds", [0, -1], "whole numbers"),
        ("seeds", np.array([0.5, 1.0]), "whole numbers"),
        ("seeds", np.True_, "whole numbers"),
        ("depth", np.True_, "a whole number"),
        ("last_bias", np.int64(1), "true or false"),
        ("last_bias", "maybe", "true or false"),
        ("seeds", range(10**12), "at most 32"),
        ("data_seed", -1, "from 0 to 2147483647"),
        ("colour", "red", "is not a field"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(field, value, allowed):
    with pytest.raises(ConfigError) as error:
        RunConfig(**{field: value})
    assert field in str(error.value)
    assert repr(value) in str(error.value)
    assert allowed in str(error.value)


@pytest.mark.parametrize("value", ["-2", "2.8", "1.4", True, [2], np.array([2]), {2}, 10**400])
def test_a_choice_among_numbers_is_no_number_whose_text_looks_alike(value):
    with pytest.raises(ConfigError, match="must be one of 1, 2, 4, 7, 14, 28"):
        RunConfig(dataset="mnist", architecture="T11", patch_size=value)


@pytest.mark.parametrize("value", [14, 14.0, "14", " 14", np.int64(14), np.float32(14)])
def test_a_choice_among_numbers_reads_as_a_number_does(value):
    picked = RunConfig(dataset="mnist", architecture="T11", patch_size=value).patch_size
    assert picked == 14 and type(picked) is int


def test_where_one_number_is_allowed_no_range_is_told():
    with pytest.raises(ConfigError, match="classes = 3: must be 2$"):
        RunConfig(dataset="imdb", classes=3)


def test_seeds_without_an_end_are_refused_too():
    with pytest.raises(ConfigError, match="at most 32"):
        RunConfig(seeds=itertools.count())


@pytest.mark.parametrize("value", [10**5000, "9" * 5000, [0] * 5000], ids=["int", "text", "list"])
def test_a_long_value_is_told_short(value):
    _, problems = RunConfig.nearest({"depth": value})
    assert len(str(problems[0])) < 200
    assert "must be a whole number from 2 to 200" in str(problems[0])


def test_every_fault_is_named_at_once():
    with pytest.raises(ConfigError) as error:
        RunConfig(depth=0, loss="x", width=1)
    assert {problem.field for problem in error.value.problems} == {"depth", "loss", "width"}


@pytest.mark.parametrize(
    ("given_as", "seeds"),
    [
        (3, (0, 1, 2)),
        ("3", (0, 1, 2)),
        ("0-2", (0, 1, 2)),
        ("4,1", (4, 1)),
        ("7,", (7,)),
        ([5], (5,)),
        (range(2), (0, 1)),
        ("0,2", (0, 2)),
        (np.int64(3), (0, 1, 2)),
        (np.array([4, 1], np.int32), (4, 1)),
        (np.array([5]), (5,)),
        ([np.int64(4), 1], (4, 1)),
    ],
)
def test_seeds_are_a_number_of_them_or_a_list(given_as, seeds):
    config = RunConfig(seeds=given_as)
    assert config.seeds == seeds
    assert {type(seed) for seed in config.seeds} == {int}


@pytest.mark.parametrize(
    ("field", "given_as", "value"),
    [
        ("last_bias", np.True_, True),
        ("last_bias", np.False_, False),
        ("depth", np.int64(7), 7),
        ("width", np.array(8), 8),
        ("weight_decay", np.float64(0.25), 0.25),
        ("loss", np.str_("MSE"), "MSE"),
    ],
)
def test_numpys_scalars_become_pythons(field, given_as, value):
    read = getattr(RunConfig(**{field: given_as}), field)
    assert read == value and type(read) is type(value)


def test_the_key_ignores_what_does_not_apply_and_nothing_else():
    base = RunConfig()
    assert identify(base.with_(momentum=0.5, batch_size=32, spread=1.0)).key == identify(base).key
    changed = {
        "dataset": "gaussian",
        "classes": 9,
        "samples_per_class": 99,
        "data_seed": 1,
        "image_side": 4,
        "architecture": "RN2",
        "norm": "post",
        "depth": 6,
        "width": 63,
        "loss": "MSE",
        "last_bias": True,
        "weight_decay": 0.0051,
        "decay_schedule": "1/L",
        "solver": "Adam",
        "start": "deepening",
        "epochs": 999,
        "seeds": 2,
        "initial_scale": 0.5,
        "precision": "float64",
    }
    keys = {identify(base.with_(**{name: value})).key for name, value in changed.items()}
    assert len(keys | {identify(base).key}) == len(changed) + 1
    assert set(changed) == set(base.params)


def test_zero_has_one_key_whatever_its_sign():
    clusters = RunConfig(dataset="gaussian", spread=0.0)
    assert (
        identify(clusters.with_(spread=-0.0)).key
        == identify(clusters.with_(spread="-0")).key
        == identify(clusters).key
    )


def test_the_rate_is_in_the_key_where_some_step_is_of_a_given_size():
    with_adam_first = {"solver": "L-BFGS", "warmup": 20}
    for given_size in (with_adam_first, {"solver": "Adam"}, {"solver": "SGD"}):
        base = RunConfig(**given_size)
        assert identify(base.with_(learning_rate=0.02)).key != identify(base).key
    for own_size in ({}, {"solver": "L-BFGS"}, {"architecture": "UFM"}):
        base = RunConfig(**own_size)
        assert identify(base.with_(learning_rate=0.02)).key == identify(base).key
        assert "learning_rate" not in base.params


def test_what_was_set_for_other_data_is_told_only_where_it_still_applies():
    before = RunConfig(dataset="mnist", classes=5, samples_per_class=1000)
    config, problems = before.repicked({"dataset": "imdb"})
    assert (config.classes, config.samples_per_class, problems) == (2, 1000, [])
    config, problems = before.repicked({"dataset": "digits"})
    assert (config.classes, config.samples_per_class) == (5, 150)
    assert [problem.field for problem in problems] == ["samples_per_class"]
    assert before.repicked({"dataset": "imdb", "classes": 3})[1][0].field == "classes"


def test_the_key_is_the_same_in_another_process():
    code = (
        "from ncengine.config import RunConfig; from ncengine.runs.identity import identify;"
        "print(identify(RunConfig(depth=8)).key)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == identify(RunConfig(depth=8)).key


def test_decay_schedules_are_the_papers():
    config = RunConfig(depth=10, weight_decay=0.05)
    for schedule, hidden, last in (
        ("constant", 0.05, 0.05),
        ("1/L", 0.005, 0.05),
        ("uniform 1/L", 0.005, 0.005),
    ):
        with_schedule = config.with_(decay_schedule=schedule)
        assert with_schedule.decay_hidden == pytest.approx(hidden)
        assert with_schedule.decay_last == pytest.approx(last)


def test_the_title_is_in_the_papers_notation():
    title = RunConfig(dataset="mnist", depth=13).title()
    assert title == "13-RN1, post-LN · MNIST, 10 × 100 · CE · λ = 0.005"


def test_the_papers_preset():
    preset = paper_preset(RunConfig(dataset="mnist", architecture="RN2", depth=21))
    assert (preset.solver, preset.epochs, preset.learning_rate) == ("Adam", 5000, 0.005)
    assert (preset.decay_schedule, preset.depth, preset.dataset) == ("1/L", 21, "mnist")
    assert preset.seeds == (0, 1, 2, 3, 4)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().depth = 3


def test_as_text_keeps_a_single_seed_apart_from_a_number_of_seeds():
    assert as_text((1,)) == "1,"
    assert as_text((0, 1)) == "2"


def test_what_the_title_does_not_tell_is_told_where_it_is_not_the_default():
    assert RunConfig().differences() == {}
    assert RunConfig(depth=13, seeds=5, norm="post", classes=4).differences() == {}
    told = {"solver": "Adam", "epochs": 2000, "data_seed": 1}
    assert RunConfig(**told).differences() == told
    # Half of it does not apply to the other solver.
    assert RunConfig(batch_size=32, momentum=0.5).differences() == {}
    assert RunConfig(dataset="gaussian", spread=0.5).differences() == {"spread": 0.5}


def test_no_two_runs_of_one_list_are_told_by_the_same_words():
    assert RunConfig().full_title() == RunConfig().title()
    apart = [
        RunConfig(),
        RunConfig(seeds=2),
        RunConfig(seeds="7,"),
        RunConfig(seeds="7,11"),
        RunConfig(solver="Adam"),
        RunConfig(solver="Adam", learning_rate=0.1),
        RunConfig(solver="Adam", learning_rate=0.2),
        RunConfig(data_seed=1),
        RunConfig(epochs=2000),
    ]
    titles = [config.full_title() for config in apart]
    assert len(set(titles)) == len(apart)
    assert titles[2].endswith(" · seed 7") and titles[3].endswith(" · seeds 7, 11")
    assert titles[5].endswith(" · solver Adam · learning rate 0.1")
    assert "2,000" in titles[8]
