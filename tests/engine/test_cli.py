"""The command line as a user types it."""

import argparse
import json
import os
import subprocess
import sys

import pytest

from ncengine.cli.main import _parser, main
from ncengine.config import PARAMS, RunConfig
from ncengine.datasets import dataset_info
from ncengine.runs.identity import identify
from ncengine.runs.store import Store
from ncengine.theory import construction, gufm_optimum

QUICK = (
    "--dataset digits --architecture RN1 --depth 3 --classes 3 --samples-per-class 10 --width 8 "
    "--epochs 30 --warmup 10 --seeds 2 --decay-schedule 1/L"
).split()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    return tmp_path


def test_train_prints_one_json_object(capsys):
    assert main(["train", *QUICK, "--json"]) == 0
    out = capsys.readouterr()
    answer = json.loads(out.out)
    assert out.err == ""
    config = RunConfig(**answer["config"])
    assert answer["key"] == identify(config).key
    assert (config.depth, config.decay_schedule, config.seeds) == (3, "1/L", (0, 1))
    assert [seed["seed"] for seed in answer["seeds"]] == [0, 1]
    assert [one["seed"] for one in answer["layers"]] == [0, 1]
    for of_layers, seed in zip(answer["layers"], answer["seeds"], strict=True):
        assert of_layers["epoch"] == answer["passes"]
        assert len(of_layers["stream_norm"]) == 3 and len(of_layers["movement"]) == 2
        assert of_layers["nc1"][-1] == pytest.approx(seed["nc1"], rel=1e-6)
        assert sum(of_layers["decay"]) == pytest.approx(seed["decay_hidden"], rel=1e-6)
        assert 1 <= seed["collapsed_layers"] <= 3
    floor = gufm_optimum(3, 8, 0.005).loss
    for seed in answer["seeds"]:
        parts = seed["fit"] + seed["decay_hidden"] + seed["decay_last"]
        assert seed["loss"] == pytest.approx(parts)
        assert seed["gap"] == pytest.approx(seed["loss"] - floor)
        assert {"nc1", "nc2a", "nc2b", "nc3", "accuracy"} <= set(seed)


def test_a_seed_whose_classes_fall_onto_one_point_is_not_passed_over(capsys):
    falls = "--classes 2 --samples-per-class 20 --width 2 --depth 3 --epochs 150"
    falls += " --solver L-BFGS --warmup 20 --initial-scale 1"
    assert main(["train", *falls.split(), "--json"]) == 0
    out = capsys.readouterr()
    nc1 = [float(seed["nc1"]) for seed in json.loads(out.out)["seeds"]]
    assert nc1[2] == float("inf")
    assert max(nc1[:2]) < 1e3
    assert out.err.startswith("ncengine: Seed 2 did not converge: NC1 ended at ∞")
    main(["train", *falls.split()])
    assert "∞" in capsys.readouterr().out.splitlines()[-2]
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"][2]["nc1"] == "Infinity"


WRONG = "--classes 3 --samples-per-class 6 --width 6 --epochs 25 --solver SGD --learning-rate 10"


def test_an_end_that_is_worse_than_doing_nothing_is_said(capsys):
    assert main(["train", *WRONG.split()]) == 0
    out = capsys.readouterr().out
    assert "\nWorse than doing nothing: the objective ended at " in out
    # The objective of weights that are all zero: the logarithm of K.
    assert "have 1.10." in out
    assert main(["train", *WRONG.split(), "--json"]) == 0
    out = capsys.readouterr()
    told = json.loads(out.out)["outcome"]
    assert told["verdict"] == "Worse than doing nothing" and told["worse_than_none"] is True
    assert out.err == f"ncengine: {told['sentence']}\n"
    assert main(["list"]) == 0
    assert "Worse than doing nothing" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"]["sentence"] == told["sentence"]


def test_one_sample_a_class_is_said_to_tell_nothing(capsys):
    one = "--classes 3 --samples-per-class 1 --width 6 --epochs 25 --warmup 10".split()
    assert main(["train", *one, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["seeds"][0]["nc1"] == 0
    assert told["outcome"]["verdict"] == "Collapse cannot be told"
    assert main(["train", *one]) == 0
    assert "so that NC1 is 0 by definition" in capsys.readouterr().out


def test_where_no_figure_fits_the_missing_floor_is_explained(capsys):
    narrow = "--classes 5 --samples-per-class 5 --width 4 --epochs 15 --warmup 5".split()
    assert main(["train", *narrow]) == 0
    out = capsys.readouterr().out
    assert "no floor: no simplex of K = 5 points fits in the d − 1 = 3 dimensions" in out


def test_a_second_call_comes_from_the_cache(capsys):
    main(["train", *QUICK, "--json"])
    first = json.loads(capsys.readouterr().out)
    main(["train", *QUICK, "--json"])
    assert json.loads(capsys.readouterr().out) == first


def test_list_shows_what_was_trained_even_after_the_index_is_lost(capsys, cache):
    main(["train", *QUICK, "--json"])
    key = json.loads(capsys.readouterr().out)["key"]
    main(["list"])
    listed = capsys.readouterr().out
    assert key in listed
    (cache / "index.jsonl").unlink()
    main(["list"])
    assert key in capsys.readouterr().out
    (cache / "index.jsonl").write_text("")
    main(["list", "--rebuild"])
    assert capsys.readouterr().out == listed


def test_list_gives_json_lines(capsys):
    main(["train", *QUICK, "--json"])
    key = json.loads(capsys.readouterr().out)["key"]
    main(["list", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["key"] == key


def test_a_table_for_people(capsys):
    assert main(["train", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "3-RN1, pre-LN" in out
    assert "nc1" in out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--depth", "1"], "--depth 1: must be a whole number from 2 to 200"),
        (["--loss", "hinge"], "--loss hinge: must be one of CE, MSE"),
        (["--samples-per-class", "999"], "--samples-per-class 999: must be a whole number"),
    ],
)
def test_a_bad_value_is_named(options, says, capsys):
    assert main(["train", *options]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("train --seed 7", "--seed: there is no such option; did you mean --seeds, "),
        ("train --seed 7", "(7 trains seeds 0 to 6) or a list (7, with a comma after it"),
        ("train --seed=40", "(3 trains seeds 0 to 2) or a list (40, with a comma after it"),
        ("sweep --seed 7", "did you mean --seeds"),
        ("train --dept 3", "--dept: there is no such option; did you mean --depth?"),
        ("check --learnin_rate 3", "did you mean --learning-rate?"),
        ("train --lr 3", "did you mean --learning-rate?"),
        ("train --L 3", "did you mean --depth?"),
        ("train --rate 3", "did you mean --rate-schedule or --learning-rate?"),
        ("train 3", "3: options begin with --"),
        ("list --jsno", "--jsno: there is no such option; did you mean --json?"),
        ("gallery build --wrokers 2", "did you mean --workers?"),
        ("sweep --frobnicate", "--frobnicate: there is no such option.\n"),
        ("gallery build --only figure1", "did you mean figure-1, figure-1-mse or figure-2-top?"),
        ("gallery biuld", "biuld: must be one of list, build; did you mean build?"),
        ("sweeep", "did you mean sweep?"),
        ("sweep --preset decopled", "--preset decopled: must be one of "),
        ("sweep --preset decopled", "did you mean decoupled?"),
        ("train --dataset minst", "imdb; did you mean mnist?"),
        ("train --architecture rm1", "UFM; did you mean RN1?"),
        ("train --depth", "--depth: expected one argument"),
        ("train --workers many", "--workers: many: must be a whole number from 1 to 256"),
        ("sweep --workers 0", "--workers: 0: must be a whole number from 1 to 256"),
        ("sweep --workers 100000", "--workers: 100000: must be a whole number from 1 to 256"),
        ("train --workers " + 5000 * "9", "99: must be a whole number from 1 to 256"),
        ("train --bias --bias", "no such option; did you mean --last-bias?\n"),
        ("export ab --run a.npz --run b.npz", "--run: is given twice, and names one place"),
        ("export ab --csv a --csv b", "--csv: is given twice"),
        ("export ab --html a.html --film a.mp4 --html b.html", "--html: is given twice"),
        ("export ab --film a.mp4 --film b.mp4", "--film: is given twice"),
        ("sweep --export a.csv --export b.csv", "--export: is given twice"),
        ("figure depth --out a.pdf --out b.pdf", "--out: is given twice"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(typed, says, capsys, cache):
    assert main(typed.split()) == 2
    out = capsys.readouterr()
    assert says in out.err and out.out == ""
    assert len(out.err.splitlines()) <= 2
    assert not list(cache.rglob("output.pkl"))


def test_of_all_that_names_no_place_the_last_counts(capsys):
    """Usual options first, and one that differs after them."""
    assert main(["check", "--depth", "3", "--depth", "1"]) == 2
    assert "--depth 1: must be" in capsys.readouterr().err
    assert main(["check", "--depth", "1", "--depth", "3", "--json"]) == 0


def _parsers(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from _parsers(one)


def test_no_option_of_any_command_is_taken_for_another(capsys):
    """Every beginning of every option is either an option itself, or refused."""
    for parser in _parsers(_parser()):
        known = set(parser._option_string_actions)
        needed = [
            next(iter(one.choices or ("word",)))
            for one in parser._actions
            if one.required and not one.option_strings
        ]
        for option in sorted(known):
            for length in range(3, len(option)):
                if option[:length] not in known:
                    with pytest.raises(SystemExit):
                        parser.parse_args([*needed, option[:length]])
                    said = capsys.readouterr().err
                    assert f"{option[:length]}: there is no such option" in said
                    assert length == 3 or "did you mean" in said and option in said


@pytest.mark.parametrize("command", [[], ["gallery"]])
def test_without_a_command_help_is_shown(command, capsys):
    assert main(command) == 2
    assert "usage: ncengine" in capsys.readouterr().err


def test_every_field_is_an_option_with_help(capsys):
    assert main(["train", "--help"]) == 0
    out = capsys.readouterr().out
    for name in PARAMS:
        assert "--" + name.replace("_", "-") in out


def test_help_says_what_a_data_set_changes(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10000")
    main(["check", "--help"])
    out = capsys.readouterr().out
    assert "digits: must be a whole number from 1 to 150; default 100; imdb: default 250" in out
    assert "imdb: must be one of T11, T12, T21, T22, UFM; default RN1; imdb: default T11" in out
    assert "default constant; RN2, T12, T22: default 1/L" in out


def test_check_prints_a_line_an_assumption(capsys):
    assert main(["check", "--architecture", "RN2", "--decay-schedule", "constant"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("✓ ") for line in out) == 6
    (amber,) = (line for line in out if line.startswith("! "))
    assert "Appendix H" in amber
    assert any("38,080 parameters a seed" in line for line in out)


@pytest.mark.parametrize("seconds, said", [(0.0123, "0.012"), (143, "140"), (98765, "99,000")])
def test_check_says_how_long_it_takes(seconds, said, monkeypatch, capsys):
    monkeypatch.setattr("ncengine.jobs.estimate.estimate", lambda *_, **__: seconds)
    assert main(["check"]) == 0
    assert f"About {said} s of training" in capsys.readouterr().out


def test_check_gives_one_json_list(capsys):
    assert main(["check", "--dataset", "imdb", "--json"]) == 0
    found = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    assert found["inner_dimension"]["holds"] is False
    assert all(set(line) == {"name", "title", "holds", "reason"} for line in found.values())


def test_check_names_a_bad_value(capsys):
    assert main(["check", "--dataset", "gaussian", "--architecture", "T11"]) == 2
    assert "--architecture T11: must be one of RN1, RN2, UFM" in capsys.readouterr().err


def test_the_papers_preset_gives_way_to_what_is_said(capsys):
    main(["train", *QUICK, "--preset", "paper", "--json"])
    config = RunConfig(**json.loads(capsys.readouterr().out)["config"])
    assert (config.solver, config.epochs, config.width) == ("Adam", 30, 8)


def test_a_missing_data_set_is_said_in_one_line(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "nothing"))
    assert main(["train", "--dataset", "mnist", "--epochs", "1"]) == 1
    err = capsys.readouterr().err
    assert "MNIST" in err
    assert "--download" in err
    assert "Traceback" not in err
    assert Store().list() == []


def test_download_repairs_what_is_there_but_damaged(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    monkeypatch.setenv("NCENGINE_MIRROR_MNIST", "http://127.0.0.1:1")
    for file in dataset_info("mnist").files:
        with open(tmp_path / file.name, "wb") as stream:
            stream.truncate(file.bytes)
    assert main(["train", "--dataset", "mnist", "--epochs", "1", "--download"]) == 1
    # It was asked for, though nobody was there to answer.
    assert "MNIST could not be downloaded: train-images-idx3-ubyte.gz" in capsys.readouterr().err


def test_download_asks_nothing_of_a_data_set_without_files(capsys):
    assert main(["train", *QUICK, "--download", "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["key"] and out.err == ""


def test_list_passes_over_odd_lines(capsys, cache):
    main(["train", *QUICK, "--json"])
    key = json.loads(capsys.readouterr().out)["key"]
    with (cache / "index.jsonl").open("a") as file:
        file.write('{"key": "odd"}\n{"key": "odder", "config": {"depth": 999}, "seconds": null}\n')
    assert main(["list"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(key)


def test_the_module_runs_as_a_program(cache):
    done = subprocess.run(
        [sys.executable, "-m", "ncengine.cli", "train", *QUICK, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "NCENGINE_CACHE": str(cache)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["seeds"]


@pytest.mark.parametrize(
    "options, said",
    [
        (
            "--network pre-LN --travel 9 --settle 9 --margin 0.1",
            "--travel and --settle and --margin are of RN1 and RN2 alone, and left aside here",
        ),
        ("--network pre-LN --settle 1000", "--settle is of RN1 and RN2 alone"),
        ("--delta 1e-6 --travel 20 --settle 9", "--delta is of pre-LN alone"),
        ("--network RN2 --delta 1e-6 --travel 20 --settle 9", "--delta is of pre-LN alone"),
        ("--network pre-LN --delta 1e-6", ""),
        ("--network RN1 --travel 20 --settle 9 --margin 0.01", ""),
    ],
)
def test_construct_tells_which_options_it_leaves_aside(options, said, capsys):
    """The example that goes through all networks names them all: it is no error."""
    assert main(["construct", *options.split(), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["gap"] > 0
    assert (said in told.err) if said else not told.err


def test_construct_prints_what_the_library_builds(capsys):
    options = "--classes 3 --per-class 2 --travel 50 --settle 40 --weight-decay 0.01 --seed 2"
    assert main(["construct", *options.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    made = construction(3, 2, 4, 0.01, travel=50, settle=40, seed=2)
    assert found == made.summary() and found["conditions"] == [True] * 5
    assert main(["construct", "--network", "pre-LN", "--per-class", "2", "--width", "8"]) == 0
    assert "gap " in capsys.readouterr().out
    for wrong, said in (("--width 3", "width = 3"), ("--travel x", "x: must be a whole number")):
        assert main(["construct", *wrong.split()]) in (1, 2)
        assert said in capsys.readouterr().err
