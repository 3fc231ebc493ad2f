"""Stories step by step, while other things ask the server for something."""

from dataclasses import replace

import pytest

from app.components import address
from tests.app.conftest import assert_sound, open_at

STORY = "eight-steps"


def step_to(at, step):
    """As `presenting.heard` asks for a step."""
    at.session_state["stage:wanted"] = replace(at.session_state["stage:state"], step=step)
    at.run()
    assert_sound(at)


def put(at, query):
    """The browser asks for something at that address."""
    for name in list(at.query_params):
        del at.query_params[name]
    return open_at(at, **query)


@pytest.fixture
def told(at):
    """The address of the first step, and the page at the second."""
    open_at(at, story=STORY, step="1", present="1")
    first = query(at)
    step_to(at, 2)
    return first, at


def query(at):
    """The address's parameters, each of which stands there once."""
    values = dict(at.query_params)
    return {name: one if isinstance(one, str) else one[-1] for name, one in values.items()}


def test_what_is_asked_with_the_address_of_before_a_step_does_not_lead_back(told):
    first, at = told
    second = query(at)
    assert second["step"] == "2" and second != first
    put(at, first)
    assert_sound(at)
    assert query(at) == second and at.session_state["stage:state"].step == 2
    # As often as it comes.
    put(at, first)
    assert query(at) == second


def test_a_step_that_is_asked_for_meanwhile_is_gone_to(told):
    first, at = told
    at.session_state["stage:wanted"] = replace(at.session_state["stage:state"], step=3)
    put(at, first)
    assert_sound(at)
    assert query(at)["step"] == "3" and at.session_state["stage:state"].step == 3


@pytest.mark.parametrize("how", ["Back", "later"])
def test_back_and_an_address_of_long_before_lead_there(told, monkeypatch, how):
    first, at = told
    if how == "Back":
        monkeypatch.setattr(address, "travels", lambda: 1)
    else:
        monkeypatch.setattr(address, "ECHO_SECONDS", 0.0)
    put(at, first)
    assert_sound(at)
    assert query(at) == first and at.session_state["stage:state"].step == 1
