"""The page on synthetic runs: nothing is trained, nothing is read from a cache."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from app.engine import best_known, data, runs, shared
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.runs.gallery import Gallery
from ncengine.runs.glance import Glance
from ncengine.runs.identity import Identity, identify
from ncengine.runs.imported import Imported
from ncengine.runs.run import Geometry, Layers, Run, Status
from ncengine.snapshots.names import BLOCKS, LAYERS, OF_TEST, PER_SEED
from ncengine.theory.optimum import asked_of_figures, figure_of, why_no_figure
from ncengine.version import EARLIER_VERSIONS

MAIN = str(Path(__file__).resolve().parents[2] / "app" / "main.py")
FLOOR = 0.0123
POINTS = 7


class FakeStore:
    """Answers with the run that was put in; absent otherwise."""

    def __init__(self):
        self.root = Path("/a/cache")
        self.runs = {}
        self.not_put_away = set()
        self.opened, self.glances = 0, 0
        self.gallery = Gallery(None)
        self.imported = Imported(self.root / "imported")
        self.ends = FakeEnds()

    def list(self) -> list:
        return []

    def at_hand(self) -> list:
        return self.list()

    def put(self, run: Run) -> None:
        self.runs[identify(run.config).key] = run

    def open(self, what: RunConfig | Identity, *, shipped: bool = True) -> Run:
        identity = identify(what)
        self.opened += 1
        return self.runs.get(identity.key, Run(identity.config, Status.ABSENT))

    def stand_in(self, what: RunConfig | Identity) -> Identity | None:
        older = replace(identify(what), engine_version=EARLIER_VERSIONS[0])
        return older if older.key in self.runs else None

    def identity(self, key: str) -> Identity | None:
        return None

    def put_earlier(self, run: Run) -> None:
        """A result of an earlier engine, which did not look at layers."""
        older = replace(identify(run.config), engine_version=EARLIER_VERSIONS[0])
        machine = {**run.machine, "version": EARLIER_VERSIONS[0]}
        self.runs[older.key] = replace(run, key=older.key, layers=None, machine=machine)

    def glance(self, what: RunConfig | Identity, *, shipped: bool = True) -> Glance:
        self.glances += 1
        run = self.runs.get(identify(what).key)
        if run is None:
            return Glance(Status.ABSENT)
        finished = run.status in (Status.DONE, Status.DIVERGED)
        entry = {**run.summary(), **run.machine} if finished else None
        return Glance(run.status, run.passes, run.error, entry, run.shipped)

    def journal(self, identity: Identity) -> SimpleNamespace:
        return SimpleNamespace(exists=identity.key in self.not_put_away)

    def journals(self) -> list[tuple[Identity, None]]:
        unfinished = [run for run in self.runs.values() if run.status is not Status.DONE]
        return [(identify(run.config), None) for run in unfinished]


class FakeEnds:
    """What shorter runs left: passes, of any of them."""

    passes = 0

    def passes_before(self, identity: Identity) -> int:
        return self.passes if identity.config.epochs > self.passes else 0


class FakeJobs:
    """Remembers what it was asked."""

    def __init__(self):
        self.seconds = None
        self.busy = False
        self.waits_for = ""
        self.in_the_way = ""
        self.submitted = []
        self.cancelled = []

    def submit(self, config: RunConfig) -> None:
        self.submitted.append(config)

    def submit_all(self, configs: list[RunConfig]) -> None:
        self.submitted += configs

    def cancel(self, config: RunConfig) -> None:
        self.cancelled.append(config)

    def estimate(self, config: RunConfig) -> float | None:
        return self.seconds

    def waits_for_room(self, key: str) -> str:
        return self.in_the_way

    def device(self) -> str | None:
        return "CPU, 2 threads"

    def warm_up(self) -> None:
        pass


def make_run(config: RunConfig, status: Status = Status.DONE, **changed) -> Run:
    """A run with curves and two snapshots made of random numbers."""
    rng = np.random.default_rng(0)
    seeds, classes, width = len(config.seeds), config.classes, config.width
    curves = {"epoch": np.geomspace(1, config.epochs, POINTS).round()}
    for name in PER_SEED:
        curves[name] = rng.uniform(0.02, 0.9, size=(POINTS, seeds))
    labels = np.repeat(np.arange(classes), 2)
    passes = np.array([1, config.epochs])
    count = architecture_info(config.architecture).layers(config.depth)
    layers = Layers(
        measured={
            **{name: rng.uniform(0.02, 0.9, size=(2, seeds, count)) for name in LAYERS},
            **{name: rng.uniform(0.001, 1.0, size=(2, seeds, count - 1)) for name in BLOCKS},
        },
        epoch=passes,
        means_epoch=passes,
        class_means=rng.normal(size=(2, seeds, count, classes, width)).astype(np.float16),
        features_epoch=passes,
        features=rng.normal(size=(2, seeds, count, classes, width)).astype(np.float16),
        index=2 * np.arange(classes),
    )
    tested = np.arange(0 if config.architecture == "UFM" else classes)
    for name in OF_TEST:
        # Taken at every third point, or for free features at none.
        curves[name][np.arange(POINTS) % 3 != 0 if len(tested) else slice(None)] = np.nan
    geometry = Geometry(
        epoch=np.array([1, config.epochs]),
        class_means=rng.normal(size=(2, seeds, classes, width)).astype(np.float32),
        classifier=rng.normal(size=(2, seeds, classes, width)).astype(np.float32),
        features=rng.normal(size=(2, seeds, len(labels), width)).astype(np.float16),
        labels=labels,
        sample_index=np.arange(len(labels)),
        test_features=rng.normal(size=(2, seeds, len(tested), width)).astype(np.float16),
        test_labels=tested,
        test_index=tested,
    )
    fields = {
        "curves": curves,
        "geometry": geometry,
        "layers": layers,
        "diverged": np.zeros(seeds, bool),
        "floor": FLOOR,
        "passes": config.epochs,
        "seconds": 12.0,
        "machine": {"device": "CPU, 2 threads"},
    }
    return Run(config, status, **{**fields, **changed})


@pytest.fixture(autouse=True)
def examined(monkeypatch) -> list[RunConfig]:
    """The data are read at once, and not in a thread; what was read."""
    read = []

    def examine(config: RunConfig) -> data.Examination:
        read.append(config)
        return data._examine(config, data.needs_download(config))

    monkeypatch.setattr(data, "examine", examine)
    return read


@pytest.fixture(scope="session", autouse=True)
def _no_foreign_components() -> Iterator[None]:
    """Streamlit looks for components in all that is installed, for each page of a test anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda *_, **__: [])
        yield


@pytest.fixture
def store(monkeypatch) -> FakeStore:
    fake = FakeStore()
    # Made-up runs of one configuration differ from test to test.
    shared.made.cache_clear()
    runs.titles_of_running.clear()
    monkeypatch.setattr(runs, "store", lambda: fake)
    return fake


@pytest.fixture
def jobs(monkeypatch) -> FakeJobs:
    fake = FakeJobs()
    monkeypatch.setattr(runs, "jobs", lambda: fake)
    return fake


@pytest.fixture
def unknown_figures(monkeypatch) -> dict[tuple, Future]:
    """No best figure is found before a test says so: the searches, by what they are of."""
    searches: dict[tuple, Future] = {}

    def search_of(config: RunConfig) -> Future | None:
        if not why_no_figure(config):
            return None
        return searches.setdefault(asked_of_figures(config), Future())

    monkeypatch.setattr(best_known, "_search_of", search_of)
    return searches


@pytest.fixture
def known_figures(monkeypatch) -> None:
    """All best figures are found at once."""

    def search_of(config: RunConfig) -> Future | None:
        found: Future = Future()
        found.set_result(figure_of(config))
        return found if why_no_figure(config) else None

    monkeypatch.setattr(best_known, "_search_of", search_of)


@pytest.fixture
def at(store, jobs) -> AppTest:
    return AppTest.from_file(MAIN, default_timeout=20)


def open_at(at: AppTest, /, **query: str) -> AppTest:
    """The page opened at an address."""
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def texts(at: AppTest) -> str:
    """All that the page says in words."""
    kinds = ("markdown", "caption", "header", "subheader", "warning", "error", "title")
    said = [element.value for kind in kinds for element in getattr(at, kind)]
    said += [element.proto.text for element in at.get("progress")]
    said += [element.proto.body for element in at.get("html")]
    return "\n".join(said)


def assert_sound(at: AppTest) -> None:
    """Nothing on the page went wrong."""
    assert not at.exception
    assert not at.error, [element.value for element in at.error]
