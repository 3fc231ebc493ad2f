"""What is copied from Explore and Compare asks for the very configurations that are shown."""

import shlex
from types import SimpleNamespace

import pytest
from streamlit.util import calc_hash

import ncengine
from app.components import code
from app.picker import other
from ncengine.cli.main import _parser
from ncengine.cli.options import config_of
from ncengine.config import RunConfig
from ncengine.config.presets import paper_preset
from ncengine.runs.identity import Identity
from ncengine.version import EARLIER_VERSIONS
from tests.app.conftest import open_at

CONFIGS = [
    RunConfig(),
    RunConfig(depth=13, seeds=(4,), last_bias=True),
    RunConfig(depth=13, seeds=(7, 1), decay_schedule="1/L", architecture="RN2"),
    RunConfig(dataset="imdb", architecture="T22", epochs=70, start="random"),
    RunConfig(depth=3, start="neighbour", via="2@0.02"),
    RunConfig(architecture="UFM", loss="MSE"),
    paper_preset(RunConfig(dataset="mnist")),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_command_and_the_code_ask_for_it(config, monkeypatch):
    for verb in ("train", "export"):
        words = shlex.split(code.command(config, verb))
        assert words[:2] == ["ncengine", verb]
        assert config_of(_parser().parse_args(words[1:])) == config
    asked, kept = [], []
    trained = SimpleNamespace(save=kept.append)
    monkeypatch.setattr(
        ncengine, "run", lambda given: asked.append(given) or trained, raising=False
    )
    exec(code.python(config), {})
    assert asked == [config] and kept == ["run.npz"]


def test_explore_shares_them(at):
    open_at(at, depth="13")
    assert not at.exception
    shown = [block.value for block in at.get("code")]
    wanted = RunConfig(depth=13)
    assert any(code.command(wanted) in text for text in shown)
    assert code.python(wanted).strip() in shown


def test_the_code_of_a_pair_asks_for_both(monkeypatch):
    monkeypatch.setattr(ncengine, "run", lambda config: config, raising=False)
    names = {}
    exec(code.pair_python(*CONFIGS[1:3]), names)
    assert [names["left"], names["right"]] == CONFIGS[1:3]


def test_one_very_run_is_written_by_its_key_and_read_from_its_file(monkeypatch):
    """Its configuration means another one here: of other data, or by another engine."""
    older = Identity(RunConfig(depth=3), "other files", EARLIER_VERSIONS[0])
    asked = _parser().parse_args(shlex.split(code.getting(older, "run"))[1:])
    assert (asked.key, asked.run) == (older.key, "run.npz")
    monkeypatch.setattr(ncengine, "load", lambda path: f"read {path}", raising=False)
    monkeypatch.setattr(ncengine, "run", lambda config: config, raising=False)
    names = {}
    exec(code.python(older), names)
    assert names["run"] == "read run.npz"
    exec(code.pair_python(RunConfig(depth=8), older), names)
    assert (names["left"], names["right"]) == (RunConfig(depth=8), "read right.npz")


def test_compare_shares_both_runs(at):
    both = RunConfig(depth=3), RunConfig(depth=8)
    at._page_hash = calc_hash("compare")
    open_at(at, depth="3", other=other.as_one(both[1]))
    shown = [block.value for block in at.get("code")]
    assert "\n".join(map(code.command, both)) in shown
    assert code.pair_python(*both).strip() in shown


def test_the_code_of_several_asks_for_each(monkeypatch):
    monkeypatch.setattr(ncengine, "run", lambda config: config, raising=False)
    names = {}
    exec(code.several_python(CONFIGS), names)
    assert names["runs"] == CONFIGS


def test_the_command_of_a_figure_names_every_run():
    words = shlex.split(code.figure(["3fa2", "77ab", "0c"], "nc3"))
    asked = _parser().parse_args(words[1:])
    assert (asked.kind, asked.key, asked.beside) == ("runs", "3fa2", ["77ab", "0c"])
    assert (asked.of, asked.out) == ("nc3", "nc3.pdf")


@pytest.mark.parametrize("page", ["", "compare", "depth"])
def test_a_cache_of_its_own_is_named_beside_what_is_copied(at, page, monkeypatch, tmp_path):
    folder = tmp_path / "results of 'mine'"
    monkeypatch.setenv("NCENGINE_CACHE", str(folder))
    if page:
        at._page_hash = calc_hash(page)
    open_at(at, depth="3")
    assert not at.exception
    line = next(text for text in (b.value for b in at.get("code")) if "NCENGINE_CACHE" in text)
    words = shlex.split(line)
    assert words == ["export", f"NCENGINE_CACHE={folder}"]


def test_the_usual_cache_and_a_hosts_are_not_named(monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_CACHE", "")
    assert code.cache_line() == ""
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    assert code.cache_line() != ""
    monkeypatch.setenv("NCENGINE_PUBLIC", "1")
    assert code.cache_line() == ""
