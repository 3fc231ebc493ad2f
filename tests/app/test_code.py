"""What is copied from Explore asks for the very configuration that is shown."""

import shlex

import pytest

import ncengine
from app.components import code
from ncengine.cli.main import _parser
from ncengine.cli.options import config_of
from ncengine.config import RunConfig
from ncengine.config.presets import paper_preset
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
    monkeypatch.setattr(ncengine, "run", lambda config: asked.append(config), raising=False)
    monkeypatch.setattr(ncengine, "save", lambda *given: kept.append(given), raising=False)
    exec(code.python(config), {})
    assert asked == [config] and kept == [(None, "run.npz")]


def test_explore_shares_them(at):
    open_at(at, depth="13")
    assert not at.exception
    shown = [block.value for block in at.get("code")]
    wanted = RunConfig(depth=13)
    assert any(code.command(wanted) in text for text in shown)
    assert code.python(wanted).strip() in shown
