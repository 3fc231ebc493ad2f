"""`ncengine delete` deletes finished runs by their keys, and nothing else."""

from __future__ import annotations

import pytest

from ncengine.cli.main import main
from ncengine.jobs.foreground import run
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.runs.whole import save
from tests.engine.test_store import QUICK

OTHER = QUICK.with_(depth=2)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A file of a finished run."""
    folder = tmp_path_factory.mktemp("delete")
    return save(run(OTHER, store=Store(folder / "cache")), folder / "other.npz")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    return Store(tmp_path)


def listed(capsys) -> list[str]:
    capsys.readouterr()
    main(["list"])
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()]


def test_those_that_are_named_go_and_others_stay(store, kept, capsys):
    run(QUICK, store=store)
    store.imported.add(kept)
    one, other = identify(QUICK).key, identify(OTHER).key
    assert sorted(listed(capsys)) == sorted([one, other])
    assert main(["delete", f" {one.upper()[:8]}"]) == 0
    assert f"{one}  deleted  {QUICK.full_title()}" in capsys.readouterr().out
    assert listed(capsys) == [other]
    assert Store(store.root).open(QUICK).status is Status.ABSENT
    # One that was imported, and named twice.
    assert main(["delete", other, other[:6]]) == 0
    assert listed(capsys) == []


def test_of_a_wrong_key_nothing_is_deleted(store, kept, capsys):
    store.imported.add(kept)
    key = identify(OTHER).key
    for wrong in ("0" * 20, "", " ", "no such"):
        assert main(["delete", key, wrong]) == 2
        told = capsys.readouterr()
        assert told.out == "" and told.err.startswith(f"ncengine: KEY = {wrong!r}: no run that ")
    assert listed(capsys) == [key]


def test_what_begins_alike_is_not_guessed(store, kept, capsys):
    store.imported.add(kept)
    one, n = identify(OTHER).key, 1
    while (config := QUICK.with_(data_seed=n)) and identify(config).key[0] != one[0]:
        n += 1
    run(config, store=store)
    assert main(["delete", one[0]]) == 2
    assert (
        f"must be how one key alone begins, not {', '.join(sorted((one, identify(config).key)))}"
        in (capsys.readouterr().err)
    )


def test_what_is_shipped_stays(store, monkeypatch, capsys):
    monkeypatch.delenv("NCENGINE_GALLERY")  # by which tests have none
    shipped = Store(store.root).gallery.entries()
    assert main(["delete", shipped[0]["key"]]) == 2
    assert "that run is shipped, and stays" in capsys.readouterr().err


def test_one_that_is_trained_again_stays(store, capsys):
    run(QUICK, store=store)
    identity = identify(QUICK)
    with store.lock(identity) as held:
        assert held and main(["delete", identity.key]) == 1
    said = capsys.readouterr().err
    assert said == f"ncengine: {identity.key}, {QUICK.full_title()}: is being trained; " + (
        "`ncengine stop` ends that\n"
    )
    assert listed(capsys) == [identity.key]
