"""The library: every run at hand in a row, found, opened, compared and deleted."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from streamlit.util import calc_hash

from app.charts import compare, pictures
from app.components import clock, code, readouts, told_apart
from app.engine import data, library, runs
from app.views import library as page
from app.views import overlaid
from ncengine.analysis.outcome import outcome_of
from ncengine.config import PARAMS, RunConfig
from ncengine.datasets import load
from ncengine.jobs.foreground import run as train
from ncengine.jobs.queue import enqueue
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.picture import pictured, read
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.runs.whole import save
from tests.app.conftest import assert_sound, make_run, open_at, texts

SMALL = RunConfig(classes=3, samples_per_class=8, width=8, depth=2, epochs=20, warmup=5, seeds=2)
CONFIGS = [
    SMALL,
    SMALL.with_(depth=3, weight_decay=0.05),
    SMALL.with_(depth=4, norm="post", weight_decay=0.0005),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    store = Store(root / "cache", Gallery(root / "gallery"))
    for config in CONFIGS[:2]:
        train(config, store=store)
    whole = train(CONFIGS[2], store=Store(root / "other", Gallery(None)))
    store.gallery.add(identify(CONFIGS[2]), whole, ["mine"], {})
    return store


@pytest.fixture
def opened(at, trained, monkeypatch):
    monkeypatch.setattr(runs, "store", lambda: trained)
    library.disk.clear()
    at._page_hash = calc_hash("library")
    return at


def frame(at):
    return at.dataframe[0].value


def test_what_trains_or_waits_is_named_and_stopped_whoever_began_it(opened, trained, jobs):
    mine, other = SMALL.with_(depth=7), replace(identify(SMALL), data_checksum="other files")
    enqueue(trained, mine)
    enqueue(trained, other)
    try:
        opened.run()
        assert_sound(opened)
        said = [m.value for m in opened.markdown if "waits" in m.value]
        assert [words.endswith("waits: 0 of 20 passes") for words in said] == [True, True]
        for one in (identify(mine), other):
            opened.button(key=f"library:stop:{one.key}").click().run()
        assert jobs.cancelled == [mine]
        assert trained.job(other.key).status is Status.CANCELLED
    finally:
        for one in (mine, other):
            trained.journal(one).remove()


@pytest.mark.parametrize("broken", ["rows", "in_training"])
def test_what_cannot_be_read_is_told_and_nothing_else_breaks(opened, monkeypatch, broken):
    def fails():
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(library, broken, fails)
    opened.run()
    assert not opened.exception
    assert "could not be drawn" in opened.error[0].value
    assert bool(opened.dataframe) == (broken == "in_training")


def test_every_run_is_a_row(opened):
    opened.run()
    assert_sound(opened)
    assert "3 runs" in texts(opened)
    rows = frame(opened).sort_values("depth")
    assert rows["depth"].tolist() == [2, 3, 4]
    assert rows["from"].tolist() == ["here", "here", "gallery"]
    assert rows["norm"].tolist() == ["pre", "pre", "post"]
    assert rows["picture"].str.startswith("data:image/svg+xml,<svg ").all()


def test_measures_are_means_over_seeds(trained):
    entry = trained.index.entry(identify(SMALL).key)
    found = library.row(entry, library.HERE)
    one, other = (seed["nc1"] for seed in entry["seeds"])
    assert found["nc1"] == pytest.approx((one * other) ** 0.5)
    gaps = [seed["gap"] for seed in entry["seeds"]]
    assert found["gap"] == pytest.approx(sum(gaps) / 2 / entry["floor"])
    assert set(found) == set(library.COLUMNS)


def test_what_has_no_value_is_none_and_diverged_seeds_do_not_count():
    run = make_run(SMALL)
    entry = {**run.summary(), "date": None, "picture": None}
    entry["seeds"][0] |= {"diverged": True, "nc1": 1e9}
    entry["seeds"][1] |= {"nc1": 0.5, "gap": None, "nc3": float("inf")}
    found = library.row(entry, library.HERE)
    assert (found["nc1"], found["gap"], found["picture"]) == (0.5, None, "")
    assert found["nc3"] == np.inf


def test_an_accuracy_of_zero_counts():
    entry = {**make_run(SMALL).summary(), "date": None, "picture": None}
    entry["seeds"][0] |= {"diverged": False, "test_accuracy": 0.0}
    entry["seeds"][1] |= {"diverged": False, "test_accuracy": 0.5}
    assert library.row(entry, library.HERE)["test_accuracy"] == 0.25


def test_other_rows_are_another_table_where_none_is_picked(monkeypatch):
    session = {}
    monkeypatch.setattr(page.st, "session_state", session)
    keys = [page._key_of_table(rows) for rows in (["a", "b"], ["a", "b"], ["b"], ["a", "b"])]
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_a_run_that_cannot_be_deleted_is_told(trained, monkeypatch):
    def refuse(self, identity):
        raise PermissionError("read-only")

    monkeypatch.setattr(runs, "store", lambda: trained)
    monkeypatch.setattr(Store, "delete", refuse)
    assert library.delete([identify(SMALL).key]) == [SMALL.title()]


def test_a_run_of_an_earlier_engine_says_so():
    entry = {**make_run(SMALL).summary(), "version": "3"}
    assert library.row(entry, library.HERE)["from"] == "here, version 3"


@pytest.mark.parametrize(
    "words, depths",
    [
        ("post", [4]),
        ("digits 4", [4]),
        ("GALLERY", [4]),
        ("nothing", []),
        ("rn1 digits", [2, 3, 4]),
        # As a field that is shown, and not as the learning rate that all have.
        ("0.005", [2]),
        ("0.05", [3]),
        ("5e-2", [3]),
        ("0.5", []),
        ("λ=0.005", [2]),
        ("depth=3", [3]),
        ("learning_rate=0.005", [2, 3, 4]),
        ("l=8", []),
        ("d=8", [2, 3, 4]),
        # Which is one of theirs, and a part of "digits" and of other numbers.
        ("8", [2, 3, 4]),
        ("0.0005 4", [4]),
    ],
)
def test_words_find_rows(opened, words, depths):
    opened.run()
    opened.text_input(key="library:words").set_value(words).run()
    assert_sound(opened)
    found = sorted(frame(opened)["depth"]) if opened.dataframe else []
    assert found == depths


def test_how_many_seeds_there_are_as_ever_is_no_number_of_a_row():
    row = library.row({**make_run(RunConfig(depth=5)).summary(), "date": None}, library.HERE)
    assert row["seeds"] == 3
    asked = ("3", "digits 3", "5", "seeds=3")
    assert [all(page._has(row, word) for word in one.split()) for one in asked] == [
        False, False, True, True,
    ]  # fmt: skip
    more = {**row, "seeds": 7}
    assert page._has(more, "7")


def test_any_field_filters(opened):
    opened.run()
    opened.multiselect(key="library:fields").set_value(["depth", "from"]).run()
    opened.multiselect(key="library:value:depth").set_value([2, 4]).run()
    assert sorted(frame(opened)["depth"]) == [2, 4]
    opened.multiselect(key="library:value:from").set_value(["here"]).run()
    assert_sound(opened)
    assert frame(opened)["depth"].tolist() == [2]
    assert "1 of 3 runs" in texts(opened)


def test_runs_are_compared_by_what_they_differ_in():
    def labels(*configs):
        return told_apart.labels([(config, "here") for config in configs])

    post = SMALL.with_(depth=4, norm="post")
    assert labels(SMALL, SMALL.with_(depth=3)) == ["1: Depth L 2", "2: Depth L 3"]
    assert labels(SMALL, post) == [
        "1: LayerNorm pre-LN, Depth L 2",
        "2: LayerNorm post-LN, Depth L 4",
    ]
    ufm = RunConfig(architecture="UFM")
    # What a field does not apply to is not told of it, nor is a default where it applies.
    assert labels(ufm, RunConfig(depth=8)) == [
        "1: Architecture UFM, Solver L-BFGS, Budget 1000, Precision float64",
        "2: Architecture RN1, Depth L 8, Solver K-FAC L-BFGS, Budget 500, Precision float32",
    ]
    assert labels(RunConfig(seeds=1), RunConfig(seeds=(3, 5))) == ["1: Seeds 1", "2: Seeds 3,5"]
    # Of the same configuration, where each comes from.
    assert told_apart.labels([(ufm, "here"), (ufm, "gallery, other files")]) == [
        "1: here",
        "2: gallery, other files",
    ]


def test_what_lies_over_each_other_is_shared(opened, monkeypatch):
    """As a figure, as commands and as code."""
    monkeypatch.setattr(page, "_table", lambda kept: [row["key"] for row in kept])
    opened.run()
    assert_sound(opened)
    assert "Save figure" in [button.proto.label for button in opened.get("download_button")]
    assert opened.selectbox(key="figure:Librarync1").value == "nc1"
    opened.segmented_control(key="library:metric").set_value("gap").run()
    assert_sound(opened)
    assert opened.selectbox(key="figure:Librarygap").value == "gap"
    configs = [identity.config for identity in map(library.identity, map(_key, library.rows()))]
    shell, python = [block.value for block in opened.get("code")][-2:]
    assert python == code.several_python(configs).strip()
    assert shell.splitlines()[1:] == [code.command(config) for config in configs]
    assert all(f" {row['key']} " in shell for row in library.rows()) and "--of gap" in shell


def _key(row):
    return row["key"]


def test_the_chart_has_every_run(trained):
    named = {"1: a": trained.open(CONFIGS[0]), "2: b": trained.open(CONFIGS[2])}
    for metric in compare.METRICS:
        table = compare.table(named, metric).to_pandas()
        assert set(table["run"]) == set(named) and (table["value"] > 0).all()
    spec = compare.spec(list(named), "NC1")
    assert json.dumps(spec) and "datasets" not in spec


def test_a_run_trained_here_is_deleted_for_good(tmp_path, monkeypatch, trained):
    store = Store(tmp_path / "cache", trained.gallery)
    for config in CONFIGS[:2]:
        train(config, store=store)
    monkeypatch.setattr(runs, "store", lambda: store)
    before = store.bytes()
    assert library.delete([identify(SMALL).key, identify(CONFIGS[2]).key]) == [CONFIGS[2].title()]
    assert store.open(SMALL).status is Status.ABSENT
    assert [row["depth"] for row in library.rows() if row["from"] == "here"] == [3]
    assert store.bytes() < before - 10_000
    fresh = Store(store.root, Gallery(None))
    assert [entry["config"]["depth"] for entry in fresh.list()] == [3]
    assert not fresh.index.is_damaged
    # It can be trained again, and is listed again.
    train(SMALL, store=fresh)
    assert sorted(entry["config"]["depth"] for entry in fresh.list()) == [2, 3]


def test_what_somebody_trains_is_not_deleted(tmp_path, trained):
    store = Store(tmp_path / "cache", Gallery(None))
    with store.lock(SMALL) as held:
        assert held and not Store(store.root, Gallery(None)).delete(SMALL)


# Runs of the same configuration.


@pytest.fixture
def twice(tmp_path, trained):
    """A store whose gallery has a run of `SMALL` on other files, beside the one trained here."""
    store = Store(tmp_path / "cache", Gallery(tmp_path / "gallery"))
    other = replace(identify(SMALL), data_checksum="digits 0")
    store.gallery.add(other, trained.open(SMALL), ["mine"], {})
    own = train(SMALL, store=store)
    assert store.identity(own.key) == identify(SMALL) and store.identity(other.key) == other
    assert store.identity("0" * 20) is None
    return store, own.key, other.key


def test_of_two_runs_of_a_configuration_each_is_itself(twice, monkeypatch):
    store, own, shipped = twice
    monkeypatch.setattr(runs, "store", lambda: store)
    where = {row["key"]: row["from"] for row in library.rows()}
    assert where == {own: "here", shipped: "gallery, other files"}
    assert not runs.look(library.identity(own)).shipped
    assert runs.look(library.identity(shipped)).shipped
    drawn = {}
    monkeypatch.setattr(compare, "draw", lambda opened, metric: drawn.update(opened))
    overlaid.draw([(library.identity(key), where[key]) for key in where])
    assert {label: run.key for label, run in drawn.items()} == {
        f"{n + 1}: {where[key]}": key for n, key in enumerate(where)
    }
    assert library.delete([own]) == []
    assert [row["key"] for row in library.rows()] == [shipped]


def test_an_address_names_one_of_them(at, twice, monkeypatch):
    store, own, shipped = twice
    monkeypatch.setattr(runs, "store", lambda: store)
    at.query_params["run"] = shipped
    at.run()
    assert_sound(at)
    assert at.session_state["config"] == SMALL and at.query_params["run"] in (shipped, [shipped])
    assert "From the gallery" in texts(at) and "on other files of Digits" in texts(at)
    copied = [block.value for block in at.get("code")]
    assert f"ncengine export {shipped} --run run.npz" in copied
    # The other one is a click away, and has no need of a name.
    at.button(key="own").click().run()
    assert_sound(at)
    assert at.session_state["config"] == SMALL and "run" not in at.query_params
    assert "From the gallery" not in texts(at)
    copied = [block.value for block in at.get("code")]
    assert any(code.command(SMALL) in text for text in copied)


def test_who_trains_what_was_named_sees_its_training(at, twice, monkeypatch, jobs):
    store, own, shipped = twice
    monkeypatch.setattr(runs, "store", lambda: store)
    store.delete(library.identity(own))
    open_at(at, **SMALL.query(), run=shipped)
    at.button(key="anew").click().run()
    assert_sound(at)
    assert jobs.submitted == [SMALL] and "run" not in at.query_params


def test_a_name_goes_when_something_else_is_picked(at, twice, monkeypatch):
    store, _, shipped = twice
    monkeypatch.setattr(runs, "store", lambda: store)
    open_at(at, **SMALL.query(), run=shipped)
    at.button(key="preset_default").click().run()
    assert_sound(at)
    assert at.session_state["config"] == RunConfig() and "run" not in at.query_params


@pytest.mark.parametrize("query", [{"run": "nothing"}, {"depth": "8"}])
def test_a_name_of_no_run_of_the_configuration_is_told(at, twice, monkeypatch, query):
    store, own, _ = twice
    monkeypatch.setattr(runs, "store", lambda: store)
    open_at(at, **{"run": own, **query})
    assert not at.exception and "run" not in at.query_params
    assert "**Run**: `" in at.warning[0].value and "at hand" in at.warning[0].value


def test_a_run_that_was_deleted_is_not_looked_for(twice, monkeypatch):
    store, own, shipped = twice
    monkeypatch.setattr(runs, "store", lambda: store)
    named = library.identity(own)
    store.delete(named)
    assert runs.look(named).key == shipped


# Pictures.


def test_a_picture_is_small_and_shows_means_and_samples():
    run = make_run(RunConfig(width=16))
    text = pictured(run.geometry)
    classes, labels, places = read(text)
    assert classes == 10 and len(text) < 400
    assert labels[:10].tolist() == list(range(10)) and places.shape == (len(labels), 2)
    means = run.geometry.class_means[-1, 0].astype(float)
    centred = means - means.mean(axis=0)
    # Two axes of the class means: no other two show more of them.
    left, values, _ = np.linalg.svd(centred)
    flat = left[:, :2] * values[:2]
    distances = ((flat[:, None] - flat[None]) ** 2).sum(-1) ** 0.5
    drawn = places[:10].astype(float)
    ratio = ((drawn[:, None] - drawn[None]) ** 2).sum(-1) ** 0.5
    scale = ratio.sum() / distances.sum()
    assert abs(ratio - scale * distances).max() < 2.5


def test_there_is_a_picture_of_two_classes_and_none_of_nothing():
    two = make_run(RunConfig(classes=2, width=4))
    classes, _, places = read(pictured(two.geometry))
    assert classes == 2 and abs(places).max() == 127
    assert pictured(None) == ""
    assert (
        pictures.address("")
        == pictures.address("no picture")
        != pictures.address(pictured(two.geometry))
    )
    gone = replace(two.geometry, class_means=two.geometry.class_means * float("nan"))
    assert pictured(gone) == ""


def test_no_picture_can_do_more_than_be_seen():
    drawn = pictures.address(pictured(make_run(RunConfig()).geometry))
    assert "script" not in drawn and "href" not in drawn and "#" not in drawn


def test_two_thousand_runs_are_listed_from_the_index_alone(tmp_path, monkeypatch, trained):
    store = Store(tmp_path / "cache", Gallery(None))
    (entry,) = [trained.index.entry(identify(SMALL).key)]
    for n in range(2000):
        store.index.add({**entry, "key": f"{n:020d}"})
    monkeypatch.setattr(runs, "store", lambda: store)
    monkeypatch.setattr(store.results, "load", lambda identity: pytest.fail("a result was read"))
    monkeypatch.setattr(Path, "glob", lambda *_: pytest.fail("a folder was read"))
    assert len(library.rows()) == 2000


def test_what_is_0_is_0_everywhere_and_an_outcome_is_told():
    run = make_run(SMALL.with_(samples_per_class=1))
    run.curves["nc1"][-1] = 0.0
    found = library.row({**run.summary(), "date": None}, library.HERE)
    assert found["nc1"] == 0.0
    assert found["outcome"] == outcome_of(run.summary()).verdict == "Collapse cannot be told"
    assert json.loads(json.dumps(run.summary()))["seeds"][0]["nc1"] == 0.0
    assert [one.value for one in readouts.readouts(run) if one.label == "NC1"] == ["0"]
    run.curves["nc1"][-1] = np.inf
    assert library.row({**run.summary(), "date": None}, library.HERE)["nc1"] == np.inf


def test_times_are_those_of_the_viewers_clock(opened, monkeypatch):
    opened.run()
    (before,) = {moment.tzinfo.utcoffset(moment) for moment in frame(opened)["date"]}
    assert not before
    monkeypatch.setattr(clock, "zone", lambda: ZoneInfo("Asia/Kolkata"))
    opened.run()
    (offset,) = {moment.tzinfo.utcoffset(moment) for moment in frame(opened)["date"]}
    assert offset == timedelta(hours=5, minutes=30)
    (column,) = [one.proto.columns for one in opened.dataframe]
    assert "Asia/Kolkata" in column
    assert clock.day("2026-03-07T23:00:00+00:00") == "8 March 2026"


def test_the_comparison_has_a_band_of_one_deviation_over_seeds():
    runs_of = {str(n): make_run(SMALL.with_(seeds=n)) for n in (1, 3)}
    rows = compare.table(runs_of, "nc1").to_pylist()
    for label, run in runs_of.items():
        logs = np.log10(run.curves["nc1"])
        of_run = [row for row in rows if row["run"] == label]
        high = [row["high"] / row["value"] for row in of_run]
        low = [row["value"] / row["low"] for row in of_run]
        assert high == pytest.approx(10 ** logs.std(axis=1), rel=1e-5)
        assert low == pytest.approx(high, rel=1e-5)
    marks = [layer["mark"]["type"] for layer in compare.spec(["1", "3"], "NC1")["layer"]]
    # Those that nobody sees, or that are of single points, stand beside.
    assert [mark for mark in marks if mark in ("area", "line")] == ["area", "line"]


def test_the_same_with_more_seeds_is_offered(at, trained, monkeypatch):
    monkeypatch.setattr(runs, "store", lambda: trained)
    assert library.with_more_seeds(SMALL.with_(seeds=1)) == SMALL
    # Not what is the same, has other seeds, or differs in anything else.
    for other in (SMALL, SMALL.with_(seeds=(7,)), SMALL.with_(seeds=1, depth=5)):
        assert library.with_more_seeds(other) is None
    # What is shipped is at hand, too.
    assert library.with_more_seeds(CONFIGS[2].with_(seeds=(1,))) == CONFIGS[2]
    open_at(at, **SMALL.with_(seeds=1).query())
    assert_sound(at)
    at.button(key="more-seeds").click().run()
    assert_sound(at)
    assert "Nobody has trained" not in texts(at) and "× 2 seeds" in texts(at)


# Runs that came as files.


def test_an_imported_run_is_marked_opened_and_deleted(at, trained, tmp_path, monkeypatch):
    store = Store(tmp_path / "cache", Gallery(None))
    file = save(trained.open(SMALL), tmp_path / "run.npz")
    store.imported.add(file)
    monkeypatch.setattr(runs, "store", lambda: store)
    (row,) = library.rows()
    assert (row["from"], row["depth"], row["key"]) == ("imported", 2, identify(SMALL).key)
    assert row["picture"] and row["outcome"]
    open_at(at, run=row["key"])
    assert_sound(at)
    assert "Imported" in texts(at) and "From the gallery" not in texts(at)
    assert "anew" in [button.key for button in at.button]
    at._page_hash = calc_hash("library")
    (store.root / "imported" / "0a.npz").write_bytes(b"no run")
    library.disk.clear()
    at.run()
    assert not at.exception and "0a.npz" in at.warning[0].value
    assert frame(at)["from"].tolist() == ["imported"]
    assert library.delete([row["key"]]) == []
    assert library.rows() == [] and store.open(SMALL).status is Status.ABSENT


def test_of_an_imported_run_on_other_files_no_sample_is_shown(trained, monkeypatch):
    run = replace(trained.open(SMALL), imported=True)
    monkeypatch.setattr(data, "_data_at_hand", load)
    assert len(data.thumbnails(run, test=False)) == len(run.geometry.labels)
    assert data.thumbnails(replace(run, data_checksum="other"), test=False) is None


# A run that came as a file.


def test_a_run_is_taken_in_from_a_file_and_what_is_none_is_refused(
    opened, trained, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("elsewhere")
    theirs = train(SMALL.with_(depth=5), store=Store(folder, Gallery(None)))
    file = theirs.save(folder / "run.npz")
    open_at(opened)
    assert theirs.key not in {entry["key"] for entry in trained.at_hand()}
    upload = [("run.npz", file.read_bytes(), "application/octet-stream")]
    upload += [("<b>none</b>.npz", b"PK nothing", "application/octet-stream")]
    opened.get("file_uploader")[0].set_value(upload).run()
    assert not opened.exception
    (taken,), (refused,) = opened.success, opened.error
    assert taken.value.startswith(r"Taken in: 5\-RN1") and "marked as imported" in taken.value
    assert refused.value.startswith(r"**Not taken in.** \<b\>none")
    assert trained.open(SMALL.with_(depth=5)).imported
    assert "imported" in set(frame(opened)["from"])
    assert not set(opened.run().success)


def test_every_column_begins_with_a_capital():
    # But the letters of the paper, which stand for its quantities.
    letters = {param.letter for param in PARAMS.values()}
    shown = {library.heading(name) for name in library.COLUMNS} - letters
    assert len(shown) > 10 and all(name[0].isupper() for name in shown)
