"""What the page says of data and theorems, before and after training."""

import threading

import pytest

from app.components import assumptions, explanation, paper
from app.engine import data
from ncengine.config import RunConfig
from ncengine.theory.assumptions import Assumption
from tests.app.conftest import assert_sound, make_run, open_at, texts

# As it was before the tests' own took its place.
EXAMINE = data.examine
LINES = (
    Assumption("balanced", "Classes are balanced", True, "Each has n = 100."),
    Assumption("schedule", "Decay suits <it>", False, "λ = 0.005 & more"),
    Assumption("distinct", "Samples are distinct", None, "Not on this machine."),
)
FACTS = {"reviews": 25_000, "too_short": 1234, "identical": 56, "contradictory": 78}


def examined_as(monkeypatch, **found):
    monkeypatch.setattr(data, "examine", lambda config: data.Examination(**found))


def panel(at):
    (found,) = [one.proto.body for one in at.get("html") if 'class="assumptions"' in one.proto.body]
    return found


@pytest.mark.parametrize("trained", [False, True])
def test_each_assumption_has_a_mark_a_title_and_a_reason(at, store, monkeypatch, trained):
    examined_as(monkeypatch, assumptions=LINES, facts=FACTS)
    if trained:
        store.put(make_run(RunConfig()))
    open_at(at)
    assert_sound(at)
    said = panel(at)
    for mark, spoken in assumptions.MARKS.values():
        assert f'class="mark {mark}" role="img" aria-label="{spoken}"' in said
    assert said.index("Each has n = 100.") < said.index("λ = 0.005 &amp; more")
    assert "Decay suits &lt;it&gt;" in said
    counts = "25,000 reviews for training, 1,234 were left out as shorter than the context"
    assert counts in texts(at)
    assert "56 share" in texts(at) and "78 because" in texts(at)


def test_real_data_are_examined(at):
    open_at(at, samples_per_class="20", decay_schedule="constant", architecture="RN2")
    assert_sound(at)
    said = panel(at)
    assert said.count('class="mark holds"') >= 4
    assert said.count('class="mark fails"') == 1
    assert "shorter than the context" not in texts(at)


def test_data_that_are_not_here_are_told_as_unknown(at, monkeypatch):
    monkeypatch.setattr("ncengine.datasets.is_available", lambda name: False)
    monkeypatch.setattr("ncengine.theory.assumptions.is_available", lambda name: False)
    open_at(at, dataset="imdb")
    assert_sound(at)
    assert "IMDB is not on this machine yet" in texts(at)
    assert 'class="mark unknown"' in panel(at)


def test_data_that_cannot_be_are_told_and_not_trained_on(at, jobs, monkeypatch):
    problem = "samples_per_class = 4000: must be at most 1,840"
    examined_as(monkeypatch, assumptions=LINES, problem=problem)
    open_at(at)
    assert not at.exception
    assert "must be at most 1,840" in at.error[0].value
    assert at.button(key="train").disabled
    assert "Cannot be told: there are no such data." in panel(at)


def test_reading_data_holds_up_no_page(at, monkeypatch):
    """While a thread reads, the page is drawn with a placeholder; then it says what was found."""
    go_on = threading.Event()

    def slow(config, missing):
        assert go_on.wait(30)
        return data.Examination(LINES)

    monkeypatch.setattr(data, "examine", EXAMINE)
    monkeypatch.setattr(data, "_examine", slow)
    monkeypatch.setattr(data, "GRACE_SECONDS", 0.01)
    data._examination.cache_clear()
    try:
        open_at(at, data_seed="4711")
        assert_sound(at)
        assert not [one for one in at.get("html") if 'class="assumptions"' in one.proto.body]
        assert at.get("skeleton")
        go_on.set()
        monkeypatch.setattr(data, "GRACE_SECONDS", 30)
        at.run()
        assert "Classes are balanced" in panel(at)
    finally:
        go_on.set()
        data._examination.cache_clear()


def test_a_command_waits_for_the_data_and_starts_no_thread(monkeypatch):
    """One that is stopped amid a thread's start would wait for that thread for good."""
    threads = []
    monkeypatch.setattr(data, "examine", EXAMINE)
    monkeypatch.setattr(data, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(
        data, "_examine", lambda *_: threads.append(threading.get_ident()) or data.Examination()
    )
    data._examination.cache_clear()
    try:
        assert data.examine(RunConfig()) == data.Examination()
        assert threads == [threading.get_ident()]
    finally:
        data._examination.cache_clear()


def test_data_are_read_once_for_all_that_only_training_tells_apart(monkeypatch):
    read = []
    monkeypatch.setattr(data, "examine", EXAMINE)
    monkeypatch.setattr(data, "GRACE_SECONDS", 30)
    monkeypatch.setattr(
        data, "_examine", lambda config, missing: read.append(config) or data.Examination()
    )
    data._examination.cache_clear()
    try:
        for epochs, seeds in ((100, 1), (200, 3)):
            data.examine(RunConfig(epochs=epochs, seeds=seeds))
        assert len(read) == 1
        data.examine(RunConfig(samples_per_class=20))
        assert len(read) == 2
    finally:
        data._examination.cache_clear()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "what the last linear layer sees of it"),
        ({"architecture": "T11"}, "4 × 4 patches of 2 × 2 pixels"),
        ({"architecture": "T11", "patch_size": 1}, "8 × 8 patches of 1 × 1 pixel,"),
        ({"architecture": "T11", "patch_size": 8}, "a single patch"),
        ({"dataset": "imdb", "context": 16}, "the last 16 words of a review"),
        ({"dataset": "imdb", "context": 1}, "the last word of a review and nothing else"),
        ({"dataset": "imdb"}, "of the last word, which alone knows them all"),
        ({"dataset": "imdb"}, "rows are opposite each other"),
        ({"dataset": "imdb", "architecture": "UFM"}, "Here is **no network**"),
        ({"architecture": "UFM"}, "the gap goes to 0"),
        ({"loss": "MSE"}, "NC2: classes form an orthogonal frame"),
    ],
)
def test_the_explanation_is_true_for_what_is_picked(fields, told):
    said = explanation.explained(RunConfig(**fields))
    assert told in said
    free = fields.get("architecture") == "UFM"
    assert ("hidden decay}" in explanation.formulas(RunConfig(**fields))) != free
    assert ("deep network moves" in said) != free


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"depth": 13, "classes": 4}, "A residual network of depth 13 learns to tell 4 classes of"),
        ({"samples_per_class": 1}, "from 1 picture of each."),
        ({"architecture": "T11"}, "reads each picture as 4 × 4 patches of 2 × 2 pixels, and"),
        ({"dataset": "imdb", "context": 16}, "reads the last 16 words of each review, and"),
        ({"dataset": "imdb", "context": 1}, "reads the last word of each review, and"),
        ({"dataset": "gaussian"}, "100 points of each."),
        ({"architecture": "UFM"}, "No network:"),
    ],
)
def test_a_plain_line_says_what_is_trained_on_what(fields, said):
    assert said in explanation.in_short(RunConfig(**fields))


@pytest.mark.parametrize(
    ("fields", "told", "not_told"),
    [
        ({"width": 4}, "Here they cannot: no simplex of K = 10 points", "**The floor**"),
        ({"width": 10, "loss": "MSE"}, "no orthogonal frame of K = 10 rows", "**The floor**"),
        ({}, "**The floor** is the least objective", "cannot"),
        ({"samples_per_class": 1}, "Here it tells nothing: with one sample a class", "cannot"),
        ({"classes": 2}, "Here it tells nothing: two classes’ rows", "cannot"),
        ({"classes": 2, "loss": "MSE"}, "orthogonal frame", "tells nothing"),
    ],
)
def test_the_explanation_says_what_cannot_be_and_what_tells_nothing(fields, told, not_told):
    said = explanation.explained(RunConfig(**fields))
    assert told in said and not_told not in said


def test_every_word_and_letter_is_explained_where_it_stands(at, store):
    store.put(make_run(RunConfig()))
    open_at(at)
    assert_sound(at)
    said = texts(at)
    assert said.count(paper.TITLE) == 1
    for word in ("**A pass**", "**fit**", "**hidden decay**", r"$\Sigma_W$", r"$\Sigma_B$"):
        assert word in said, word
    assert "the figure whose corners all lie equally far" in said


def test_the_download_page_tells_size_and_what_works_offline(at, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: config.dataset == "cifar10")
    open_at(at, dataset="cifar10")
    assert_sound(at)
    said = texts(at)
    assert "a download of 171 MB. Once fetched, it stays." in said
    assert "Digits" in said and "Gaussian clusters" in said and "MNIST" not in said
    assert " work without any download." in said


def test_where_there_is_nowhere_to_download_from_the_page_says_where_files_belong(at, monkeypatch):
    monkeypatch.setenv("NCENGINE_DATA", "/no/such/place")
    monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", "")
    data._no_mirror.clear()
    open_at(at, dataset="cifar10")
    assert_sound(at)
    said = texts(at).replace("\\", "")
    assert "Put the files there: NCENGINE_MIRROR_CIFAR10 names no address" in said
    assert "/no/such/place/cifar10" in said
    assert not [button for button in at.button if button.label.startswith("Download")]
    monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", "https://name:s3cr3t@a/b sha256:12")
    data._no_mirror.clear()
    at.run()
    said = texts(at).replace("\\", "")
    assert "sha256:12 is not sha256: and 64" in said and "s3cr3t" not in said
    data._no_mirror.clear()


def test_free_features_are_invited_to_as_such(at):
    open_at(at, architecture="UFM")
    assert "Nobody has trained these free features yet" in texts(at)
