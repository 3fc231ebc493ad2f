"""What the gallery shows of reviews was read; what nobody has read is not shipped."""

from types import SimpleNamespace

import numpy as np

from ncengine.config import RunConfig
from ncengine.jobs import gallery as building
from ncengine.runs.chosen import CHOSEN, chosen, name_of
from ncengine.runs.gallery import Gallery

from .test_gallery import SHIPPED

# Of what would be left out, some words by which a machine can tell; people read the rest.
NEVER = {"gay", "gayest", "sexy", "erotic", "smut", "suicide", "iroquois", "guerrillas", "rape"}


def test_of_texts_that_nobody_has_read_nothing_is_shipped(monkeypatch):
    data = SimpleNamespace(
        images=None, test_images=None, texts=("unread one", "unread two"), test_texts=("unread",)
    )
    monkeypatch.setattr(building.datasets, "load", lambda config: data)
    geometry = SimpleNamespace(sample_index=np.array([0, 1]), test_index=np.array([0]))
    run = SimpleNamespace(config=RunConfig(dataset="imdb"), geometry=geometry)
    found = building.samples_of(run)
    assert found["texts"].tolist() == ["", ""] and found["test_texts"].tolist() == [""]
    monkeypatch.setattr("ncengine.runs.chosen.CHOSEN", frozenset({name_of("unread two")}))
    assert building.samples_of(run)["texts"].tolist() == ["", "unread two"]


def test_every_review_that_is_shipped_was_read_and_chosen():
    shown = set()
    for entry in (gallery := Gallery(SHIPPED)).entries():
        samples = gallery.samples(entry["key"])
        texts = [*samples.get("texts", ()), *samples.get("test_texts", ())]
        assert bool(texts) == (entry["config"]["dataset"] == "imdb")
        assert chosen(map(str, texts)).tolist() == [str(text) for text in texts]
        shown |= set(map(str, texts)) - {""}
    assert {name_of(text) for text in shown} == CHOSEN or not gallery.entries()
    words = {word.strip("[]") for text in shown for word in text.split()}
    assert not words & NEVER
