"""A run's identity: made where it is asked for, and the same wherever it goes."""

import json
import os
import pickle
from dataclasses import replace

import pytest

from ncengine.config import RunConfig
from ncengine.jobs.job import run_job
from ncengine.runs.identity import Identity, identify
from ncengine.runs.job_status import JobStatus
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.version import ENGINE_VERSION

QUICK = RunConfig(classes=3, samples_per_class=5, width=8, depth=2, epochs=5, warmup=2, seeds=1)
OTHER_FILES = "./subset " + " ".join(["sha256:" + "ab" * 32] * 4)


def test_a_configuration_reads_no_environment(monkeypatch):
    def refuse(*_):
        raise AssertionError("the environment was read")

    refusing = type("Refusing", (), {"get": refuse, "__getitem__": refuse, "__contains__": refuse})
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", refusing())
        config = RunConfig(dataset="mnist", depth=8)
        for read in (config.title, config.query, config.canonical_json):
            assert read()
        # The refusal is one: who does read it is found out.
        with pytest.raises(AssertionError, match="environment was read"):
            identify(config)


def test_an_identity_stays_what_it_was_whatever_is_set_later(monkeypatch):
    config = RunConfig(dataset="mnist")
    before = identify(config)
    monkeypatch.setenv("NCENGINE_MIRROR_MNIST", OTHER_FILES)
    assert identify(config).key != before.key
    assert identify(before) is before
    for sent in (pickle.loads(pickle.dumps(before)), Identity.from_dict(_through_json(before))):
        assert sent == before
        assert sent.key == before.key


def _through_json(identity):
    return json.loads(json.dumps(identity.as_dict()))


@pytest.mark.parametrize("part", ["data_checksum", "engine_version"])
def test_a_machine_that_means_another_run_says_so_and_computes_nothing(tmp_path, part):
    store = Store(tmp_path)
    foreign = replace(identify(QUICK), **{part: "another one"})
    run_job(foreign, store)
    run = store.open(foreign)
    assert run.status is Status.FAILED
    assert "another one" in run.error
    assert ENGINE_VERSION in run.error
    assert not run.points
    assert store.open(QUICK).status is Status.ABSENT


def test_a_run_is_read_from_its_result_once(tmp_path, monkeypatch):
    from ncengine.runs import store as module

    built = []
    before = module.finished_run
    monkeypatch.setattr(module, "finished_run", lambda *a: built.append(1) or before(*a))
    store = Store(tmp_path)
    run_job(identify(QUICK), store)
    first = store.open(QUICK)
    assert store.open(QUICK) is first
    assert built == [1]


def test_a_job_status_survives_the_way_through_json():
    status = JobStatus(
        Status.RUNNING, passes=3, seconds=1.5, seconds_left=2.0, attempts=2, machine={"host": "x"}
    )
    assert JobStatus.from_dict(json.loads(json.dumps(status.as_dict()))) == status
    assert JobStatus.from_dict({"status": "queued", "unheard_of": 1}) == JobStatus(Status.QUEUED)
