"""The recipe of CONTRIBUTING.md: a new page is a file and a line of the frame, no more."""

import json

import pytest

from tests.engine.recipes import House

FILE = "app/views/words.py"
FRAME = "app/frame.py"

VIEW = '''"""Words: what is picked, in one line."""

from __future__ import annotations

import streamlit as st

from ncengine.config import RunConfig


def draw(config: RunConfig) -> None:
    """The page for this configuration."""
    st.header(f"In words: {config.title()}")
'''

OPENED = """
import json, sys
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
at = AppTest.from_file(sys.argv[1], default_timeout=60)
at.query_params["depth"] = "13"
found = []
for page in ("", "words"):
    if page:
        at._page_hash = calc_hash(page)
    at.run()
    assert not at.exception and not at.error, (at.exception, at.error)
    links = [one.proto.label for one in at.get("page_link")]
    found.append([at.header[0].value, links])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of app and engine to which the page was added by the recipe."""
    copy = House(tmp_path_factory.mktemp("house"))
    copy.add(FILE, VIEW)
    copy.insert(FRAME, before="from ncengine.config", text="from app.views import words\n")
    line = '    "Words": (lambda: words.draw(picker.picked()), RunConfig.query),\n'
    copy.insert(FRAME, before="}\n\n\ndef _links", text=line)
    return copy


def test_it_touches_its_file_and_the_frame(house):
    assert house.changed() == {FILE, FRAME}


def test_it_opens_at_its_address_and_all_pages_lead_to_it(house):
    said = house.run("-c", OPENED, str(house.folder / "app" / "main.py"))
    (explore, links), (words, same) = json.loads(said)
    assert "13-RN1" in explore and words.startswith("In words: 13-RN1")
    expected = ["Explore", "Compare", "Depth", "Theory", "Library", "Stories", "Recorded", "Words"]
    assert links == same == expected
