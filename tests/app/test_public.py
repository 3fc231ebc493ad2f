"""A public server: what visitors may do, and that nothing else gets by, however it is asked for."""

from __future__ import annotations

import ast
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.components import automatic, requests
from app.engine import admission, data, library, runs, server, shared, sweep, viewers, visitors
from app.engine import limits as policy
from app.engine.admission import PublicQueue
from app.engine.limits import Deed, Limits, Refused, Standing, limits, refused
from app.engine.visitors import Asked, Seen, Visitor, of_one_host
from app.views import library as page
from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.jobs.foreground import run
from ncengine.jobs.queue import enqueue
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.runs.whole import arrays_of
from tests.app.conftest import MAIN, assert_sound, open_at, texts

SMALL = RunConfig(classes=2, samples_per_class=8, width=2, depth=2, epochs=6, warmup=0, seeds=1)
LONG = SMALL.with_(epochs=50_000)
MOST = Limits(seconds=100.0, waiting=2, address=20, disk=10**9)
PREFIX = "This is a public server: "


# What the limits are.


def test_a_server_is_public_where_the_host_says_so():
    assert limits({}) is None
    assert limits({policy.PUBLIC: "0", policy.WAITING: "3"}) is None
    assert limits({policy.PUBLIC: " 1 "}) == Limits(120.0, 2, 20, 2_000_000_000)
    set_all = {policy.SECONDS: "1.5", policy.WAITING: "3", policy.DISK: "7"}
    assert limits({policy.PUBLIC: "1", **set_all}) == Limits(1.5, 3, 30, 7_000_000)
    assert limits({policy.PUBLIC: "1", policy.ADDRESS: "4"}) == Limits(address=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((policy.PUBLIC, value) for value in ("yes", "true", "2", "-1", "١")),
        *((policy.SECONDS, value) for value in ("0", "-1", "nan", "inf", "1 minute")),
        *((policy.WAITING, value) for value in ("0", "-2", "1.5", "many", "²", "9" * 5000)),
        (policy.ADDRESS, "0"),
        (policy.DISK, "0"),
    ],
)
def test_what_the_host_sets_wrongly_is_refused_in_words(name, value, monkeypatch):
    with pytest.raises(ValueError, match=f"^{name} = ") as error:
        limits({name: value})
    assert repr(value) in str(error.value) and "must be" in str(error.value)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"^{name} = "):
        server.guard()


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "9" * 5000])
@pytest.mark.parametrize("public", ["0", "1"])
def test_a_queue_of_no_length_is_refused_when_the_server_starts(public, value, monkeypatch):
    monkeypatch.setenv(policy.PUBLIC, public)
    monkeypatch.setenv("NCENGINE_QUEUE", value)
    with pytest.raises(SystemExit, match="^NCENGINE_QUEUE = .* must be a whole number from 1 to"):
        server.guard()


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing(wanted=1, seconds=[100.0], own=1, of_address=19, free=1), ""),
        (Standing(wanted=2, seconds=[1.0, 100.0], of_address=18, free=2), ""),
        (Standing(wanted=0, own=2, of_address=20, free=0, has_room=False), ""),
        (Standing(wanted=1, seconds=[100.1]), "would take about 100 s"),
        (Standing(wanted=2, seconds=[1.0, 500.0]), "one of these would take about 500 s"),
        (Standing(wanted=1, seconds=[float("nan")]), "a run may take about 100 s"),
        (Standing(wanted=1, seconds=[None]), "nobody can tell how long this one takes"),
        (Standing(wanted=2, seconds=[1.0, None]), "nobody can tell how long each of these takes"),
        (Standing(wanted=1, seconds=[1.0], own=2), "you have 2. Wait until one has ended"),
        (Standing(wanted=3, seconds=[1.0] * 3), "train, and this asks for 3. Ask"),
        (
            Standing(wanted=2, seconds=[1.0] * 2, own=1),
            "you have 1, and this asks for 2 more. Wait",
        ),
        (Standing(wanted=1, seconds=[1.0], of_address=20), "visitors of one address"),
        (Standing(wanted=1, seconds=[1.0], free=0), "so many runs wait already"),
        (Standing(wanted=1, seconds=[1.0], has_room=False), "take all of the disk"),
    ],
)
def test_what_is_trained_and_what_is_refused_says_why(standing, why):
    said = refused(Deed.TRAIN, MOST, standing)
    assert why in said and bool(said) == bool(why)
    assert not said or said.startswith(PREFIX)
    assert refused(Deed.TRAIN, None, standing) == ""


def test_only_ones_own_is_stopped_and_nothing_is_deleted_fetched_or_imported():
    assert refused(Deed.STOP, MOST, Standing(is_theirs=True)) == ""
    assert refused(Deed.STOP, MOST, Standing()).startswith(PREFIX)
    for deed in (Deed.DELETE, Deed.DOWNLOAD, Deed.IMPORT):
        assert refused(deed, MOST, Standing(is_theirs=True)).startswith(PREFIX)
        assert refused(deed, None) == ""


# Who visits.


def test_a_host_has_one_address():
    assert of_one_host("192.0.2.7") == of_one_host("::ffff:192.0.2.7") == "192.0.2.7"
    assert of_one_host("2001:db8:1:2:3::4") == of_one_host("2001:db8:1:2:ffff::")
    assert of_one_host("2001:db8:1:2::") != of_one_host("2001:db8:1:3::")
    assert of_one_host("fe80::1%eth0") == of_one_host("fe80::2")
    assert of_one_host("") == ""


def test_what_two_asked_for_is_neithers_to_stop():
    asked, one, other = Asked(), Visitor("one", "a"), Visitor("other", "a")
    for key, visitor in (("x", one), ("y", one), ("y", other), ("z", other)):
        asked.add(key, visitor)
    assert [asked.is_alone(key, one) for key in "xyz"] == [True, False, False]
    assert (asked.of(one), asked.of(other), asked.of_address(one)) == (2, 1, 3)
    asked.forget("x")
    assert (asked.of(one), asked.of_address(one), asked.is_alone("x", one)) == (1, 2, False)


def test_a_page_is_looked_at_for_as_long_as_it_is_open():
    now, open_now = [0.0], {"one"}
    seen = Seen(lambda session: session in open_now, lambda: now[0])
    seen.sees("one", ["a"])
    seen.sees("one", ["b"])
    seen.sees("gone", ["c"])
    assert seen.taken() == {"a", "b", "c"}
    assert seen.taken() == {"a", "b"}
    open_now.clear()  # for a moment
    assert seen.taken() == set()
    open_now.add("one")
    assert seen.taken() == {"a", "b"}
    seen.begins("one")
    seen.sees("one", ["d"])
    assert seen.taken() == {"d"}
    open_now.clear()
    now[0] += 10_000
    seen.taken()
    open_now.add("one")
    assert seen.taken() == set()


# What gets by.


class Unmanned(PublicQueue):
    """A queue without workers: what is taken waits. Who asks is what its thread says."""

    def __init__(self, store: Store, most: Limits = MOST):
        self.asking = threading.local()
        self.sent, self.asking_on_pages = [], ["me"]
        super().__init__(store, most, lambda: self.asking.visitor, lambda: ())

    def _send(self, identity):
        self.sent.append(identity.key)

    def estimate(self, config):
        return None if config.loss == "MSE" else config.epochs / 100

    def by(self, session: str, address: str = "") -> Unmanned:
        self.asking.visitor = Visitor(session, address or f"address of {session}")
        return self


@pytest.fixture
def kept(tmp_path):
    return Store(tmp_path / "cache", Gallery(None))


@pytest.fixture
def queue(kept):
    queue = Unmanned(kept)
    yield queue
    queue.close(patience=0.0)


def network(number: int, **changed) -> RunConfig:
    """One that nobody else asks for."""
    return SMALL.with_(data_seed=number, **changed)


def waiting(store: Store) -> set[str]:
    return {i.key for i, _ in store.journals() if store.standing(i) is Status.QUEUED}


def test_visitors_train_within_their_limits_and_stop_their_own(queue, kept):
    queue.by("one").submit(network(1))
    queue.submit(network(1))  # is there already
    queue.submit(network(2))
    with pytest.raises(Refused, match="may have 2 runs"):
        queue.submit(network(3))
    assert queue.why_not_train([network(3)]).startswith(PREFIX)
    assert queue.why_not_train([network(2)]) == ""
    queue.by("other").submit(network(3))
    with pytest.raises(Refused, match="stopped by the visitor who began it"):
        queue.cancel(network(1))
    queue.by("one").cancel(network(1))
    assert waiting(kept) == {identify(network(n)).key for n in (2, 3)}
    queue.submit(network(4))
    assert queue.sent == [identify(network(n)).key for n in (1, 2, 3, 4)]


def test_a_sweep_is_taken_whole_or_not_at_all(queue, kept):
    for asked in ([network(n) for n in range(3)], [network(1), network(2, epochs=50_000)]):
        with pytest.raises(Refused):
            queue.by("one").submit_all(asked)
    with pytest.raises(Refused, match="nobody can tell"):
        queue.submit_all([network(1), network(2, loss="MSE")])
    assert waiting(kept) == set()
    queue.submit_all([network(1), network(2), network(1)])
    assert len(waiting(kept)) == 2


def test_windows_of_one_address_share_a_limit(queue, kept):
    for number in range(20):
        queue.by(f"window {number}", "one host").submit(network(number))
    with pytest.raises(Refused, match="one address may have 20 runs together"):
        queue.by("another window", "one host").submit(network(99))
    queue.by("another window", "another host").submit(network(99))
    assert len(waiting(kept)) == 21


def test_what_has_ended_counts_no_more_and_is_nobodys(queue, kept):
    for number, event in ((1, Event.WITHDRAWN), (2, Event.GIVEN_UP)):
        queue.by("one").submit(network(number))
        kept.tell(network(number), event)
    assert queue.why_not_train([network(3), network(4)]) == ""
    queue.by("other").submit(network(1))  # goes on
    with pytest.raises(Refused):
        queue.by("one").cancel(network(1))


def test_what_the_host_trains_or_an_earlier_server_took_is_not_for_visitors_to_stop(queue, kept):
    for config in (network(1), network(2)):
        enqueue(kept, config)
    queue.by("one").submit(network(1))
    for config in (network(1), network(2)):
        with pytest.raises(Refused):
            queue.cancel(config)
    assert len(waiting(kept)) == 2


def test_what_two_runs_start_from_goes_on_for_the_other(queue, kept):
    first, second = (SMALL.with_(depth=L, start="neighbour", via="2") for L in (3, 4))
    rung = identify(first).origin
    assert rung == identify(second).origin
    queue.by("one").submit(first)
    queue.by("other").submit(second)
    queue._futures = {identify(c).key: [Going()] for c in (first, second)}
    enqueue(kept, rung)
    queue.by("one").cancel(first)
    assert kept.journal(rung).requested() is None
    queue._futures.pop(identify(first).key)
    queue.by("other").cancel(second)
    assert kept.journal(rung).requested() == "cancel"


class Going:
    """Work that goes on, and is not to be taken back."""

    def done(self) -> bool:
        return False

    def cancel(self) -> None:
        pass

    running = done


def test_what_takes_longer_than_it_may_is_stopped_and_its_page_says_so(queue, kept, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=lambda: now[0]))
    queue.by("one").submit(network(1))
    enqueue(kept, network(2))
    queue._stop_what_takes_too_long()
    with kept.lock(network(1), 0), kept.lock(network(2), 0):
        for number in (1, 2):
            kept.tell(network(number), Event.BEGUN)
        for now[0] in (10_000.0, 10_000.0 + admission.OVERRUN * MOST.seconds):
            queue._stop_what_takes_too_long()
            assert kept.journal(network(1)).requested() is None
        now[0] += 1.0
        queue._stop_what_takes_too_long()
    assert kept.journal(network(1)).requested() == "cancel"
    assert kept.journal(network(2)).requested() is None  # the host's
    assert queue.overran(identify(network(1)).key).startswith(PREFIX)
    assert queue.overran(identify(network(2)).key) == ""


def test_where_there_is_no_room_and_none_can_be_made_nothing_is_trained(kept):
    run(SMALL, store=kept)
    queue = Unmanned(kept, Limits(disk=1))
    try:
        with pytest.raises(Refused, match="take all of the disk"):
            queue.by("one").submit(network(1))
        assert kept.open(SMALL).status is Status.DONE  # has just ended
    finally:
        queue.close(patience=0.0)


def test_what_is_on_a_page_stays_and_the_rest_makes_room(kept, monkeypatch):
    for config in (SMALL, network(1), network(2)):
        run(config, store=kept)
    queue = Unmanned(kept, Limits(disk=5_000))
    try:
        in_a_year = time.time() + 3e7
        monkeypatch.setattr(queue._last_seen, "now", lambda: in_a_year)
        monkeypatch.setattr(queue, "_seen", lambda: [identify(network(1)).key])
        queue.by("one")
        with pytest.raises(Refused, match="take all of the disk"):
            queue.submit(network(3))
        assert [entry["key"] for entry in kept.list()] == [identify(network(1)).key]
        assert kept.open(network(1)).status is Status.DONE
        monkeypatch.setattr(queue, "_seen", lambda: [])
        monkeypatch.setattr(queue._last_seen, "now", lambda: 2 * in_a_year)
        queue.submit(network(3))
        assert not kept.list() and waiting(kept) == {identify(network(3)).key}
    finally:
        queue.close(patience=0.0)


# Two hundred at once.

VISITORS, OF_ALL = 200, 300


def test_two_hundred_visitors_ask_for_too_much_and_nothing_gets_by(kept, monkeypatch):
    monkeypatch.setenv(policy.PUBLIC, "1")
    monkeypatch.setenv("NCENGINE_QUEUE", str(OF_ALL))
    hosts, trains = [SMALL.with_(data_seed=n) for n in (10**6, 10**6 + 1)], network(10**6 + 2)
    for config in hosts:
        run(config, store=kept)
    before = [arrays_of(kept.open(config)) for config in hosts]
    enqueue(kept, trains)
    queue, other_server = Unmanned(kept), Unmanned(kept)
    monkeypatch.setattr(runs, "store", lambda: kept)
    monkeypatch.setattr(runs, "jobs", lambda: queue)
    wants = {n: [network(10 * n + m) for m in range(5)] for n in range(VISITORS)}
    passed, said, unforeseen = Counter(), [], []
    gate = threading.Barrier(20)

    def visit(number: int) -> None:
        mine = queue if number % 2 else other_server
        mine.by(str(number), f"address {number % 50}")  # four windows each
        others = [config for n in (number - 1, number + 1) for config in wants.get(n, ())]
        own, key = wants[number], identify(hosts[0]).key
        tried = {
            "long": lambda: mine.submit(network(number, epochs=50_000)),
            "unknown": lambda: mine.submit(network(number, loss="MSE")),
            "sweep": lambda: mine.submit_all(own[:3]),
            "long sweep": lambda: mine.submit_all([own[0], network(number, epochs=50_000)]),
            "stop": lambda: [mine.cancel(config) for config in others[:1]],
            "stop another's": lambda: mine.cancel(others[-1]),
            "stop the host's": lambda: mine.cancel(trains),
            "delete": lambda: library.delete([key]),
            "download": lambda: data.download("mnist", lambda *_: None),
            "import": lambda: policy.refuse(Deed.IMPORT),
            **{
                f"own {n}": lambda config=config: mine.submit(config)
                for n, config in enumerate(own)
            },
        }
        order = [*tried]
        random.Random(number).shuffle(order)
        gate.wait(300)
        for name in order:
            try:
                tried[name]()
                passed[name.split()[0], number] += 1
            except Refused as error:
                said.append(str(error))
            except Exception as error:
                unforeseen.append(error)

    with ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(visit, number) for number in range(VISITORS)]:
            done.result()
    for each in (queue, other_server):
        each.close(patience=0.0)
    assert not unforeseen
    # Of all that was tried, what passed are runs within the limits, and nothing else.
    assert {name for name, _ in passed} == {"own"}
    assert all(text.startswith(PREFIX) for text in said)
    whose = {identify(config).key: n for n, own in wants.items() for config in own}
    taken = waiting(kept) - {identify(trains).key}
    assert taken <= whose.keys()
    each = Counter(whose[key] for key in taken)
    assert each == Counter({n: count for (_, n), count in passed.items()})
    assert max(each.values()) == MOST.waiting
    assert len(taken) == OF_ALL - 1  # with the host's own
    sent = [key for key in queue.sent + other_server.sent if key != identify(trains).key]
    assert sorted(sent) == sorted(taken)
    # And nothing of another's is lost.
    assert kept.standing(trains) is Status.QUEUED
    for config, arrays in zip(hosts, before, strict=True):
        now = arrays_of(kept.open(config))
        assert now.keys() == arrays.keys()
        assert all(now[name].tobytes() == array.tobytes() for name, array in arrays.items())
    assert {entry["key"] for entry in kept.list()} == {identify(config).key for config in hosts}


# The pages.


@pytest.fixture
def opened(queue, kept, monkeypatch):
    """A page of that title on a public server, whose visitor is "me"."""
    monkeypatch.setenv(policy.PUBLIC, "1")
    monkeypatch.setattr(runs, "store", lambda: kept)
    monkeypatch.setattr(runs, "jobs", lambda: queue)
    monkeypatch.setattr(queue, "_who", lambda: Visitor(*queue.asking_on_pages))
    monkeypatch.setattr(requests, "LOOKS", 1)
    shared.made.cache_clear()
    for cached in (runs.titles_of_running, library.disk, sweep.seconds_left):
        cached.clear()

    def opened(page: str, config: RunConfig = SMALL, **query: str) -> AppTest:
        at = AppTest.from_file(MAIN, default_timeout=20)
        at._page_hash = calc_hash(page) if page != "explore" else ""
        open_at(at, **config.query(), **query)
        assert_sound(at)
        return at

    return opened


def as_if(queue: Unmanned, session: str) -> Unmanned:
    """From now on pages are that visitor's."""
    queue.asking_on_pages[:] = [session]
    return queue


def button(at: AppTest, key: str):
    return next(button for button in at.button if button.key == key)


def press(at: AppTest, key: str) -> list[str]:
    """Press a button, as drawn or, where it is disabled, as who sends the server what they like.

    Gives what went wrong.
    """
    pressed = button(at, key)
    pressed.proto.disabled = False
    pressed.click().run()
    assert not at.exception
    return [error.value.replace("\\", "") for error in at.error]


def plain(at: AppTest) -> str:
    return texts(at).replace("\\", "")


def test_explore_trains_within_the_limits(opened, kept):
    at = opened("explore")
    assert not button(at, "train").disabled
    assert press(at, "train") == []
    assert waiting(kept) == {identify(SMALL).key}
    assert not button(at, "stop").disabled
    assert press(at, "stop") == []
    assert waiting(kept) == set()


def test_explore_says_why_it_does_not_train(opened, kept):
    for config in (SMALL.with_(epochs=50_000), SMALL.with_(loss="MSE")):
        at = opened("explore", config)
        assert button(at, "train").disabled
        assert PREFIX in button(at, "train").help.replace("\\", "") and PREFIX in plain(at)
        press(at, "train")
    assert waiting(kept) == set()


def test_a_button_that_was_drawn_before_says_why_as_well(opened, queue, kept):
    at = opened("explore")
    queue.submit_all([network(1), network(2)])
    (said,) = press(at, "train")
    assert PREFIX in said and "you have 2" in said
    assert identify(SMALL).key not in waiting(kept)
    at = opened("explore", network(1))
    as_if(queue, "other").submit(network(1))
    as_if(queue, "me")
    (said,) = press(at, "stop")
    assert PREFIX in said
    assert identify(network(1)).key in waiting(kept)


def test_explore_does_not_stop_anothers(opened, queue, kept):
    as_if(queue, "other").submit(SMALL)
    as_if(queue, "me")
    at = opened("explore")
    assert button(at, "stop").disabled and PREFIX in button(at, "stop").help.replace("\\", "")
    press(at, "stop")
    assert waiting(kept) == {identify(SMALL).key}


def test_a_training_does_not_begin_by_itself_beyond_the_limits(opened, queue, kept):
    queue.submit_all([network(1), network(2)])
    at = opened("explore")
    st = {automatic._WANTED: True, automatic._PICKED: (SMALL, -1e9)}
    for name, value in st.items():
        at.session_state[name] = value
    at.run()
    assert_sound(at)
    assert identify(SMALL).key not in waiting(kept)


def test_what_is_not_at_hand_is_not_fetched(opened, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: True)
    fetched = []
    monkeypatch.setattr(datasets, "download", lambda *_, **__: fetched.append(1))
    at = opened("explore")
    assert not [button for button in at.button if "ownload" in button.label]
    assert "no data sets are fetched for visitors" in plain(at)
    with pytest.raises(Refused):
        data.download("mnist", lambda *_: None)
    assert not fetched


def test_depth_says_why_it_does_not_train_so_many(opened, kept):
    at = opened("depth", depths="2,3,5")
    assert button(at, "train").disabled
    assert "and this asks for 3." in plain(at)
    press(at, "train")
    assert waiting(kept) == set()
    at = opened("depth", depths="2,3")
    assert press(at, "train") == []
    assert len(waiting(kept)) == 2


def test_who_is_refused_a_sweep_keeps_nothing_going_that_began_by_itself(
    opened, queue, kept, monkeypatch
):
    first, asked = SMALL.with_(depth=2), []
    monkeypatch.setattr(viewers, "asked", asked.append)
    drawn = opened("depth", depths="2,3,5,8")
    as_if(queue, "other").submit(first)
    as_if(queue, "me")
    press(drawn, "train")
    assert waiting(kept) == {identify(first).key} and not asked
    queue.stop_unasked(first)
    drawn = opened("depth", depths="2,3")
    as_if(queue, "other").submit(first)
    as_if(queue, "me")
    assert press(drawn, "train") == []
    assert asked == [first, first.with_(depth=3)]


def test_depth_stops_ones_own_alone(opened, queue, kept):
    as_if(queue, "other").submit(SMALL)
    as_if(queue, "me")
    at = opened("depth", depths="2,3")
    assert button(at, "stop").disabled
    press(at, "stop")
    assert waiting(kept) == {identify(SMALL).key}
    queue.submit(SMALL.with_(depth=3))
    at = opened("depth", depths="2,3")
    assert not button(at, "stop").disabled
    assert press(at, "stop") == []
    assert waiting(kept) == {identify(SMALL).key}


def test_the_library_deletes_nothing_and_stops_ones_own_alone(opened, queue, kept):
    run(network(9), store=kept)
    enqueue(kept, network(1))
    queue.submit(network(2))
    at = opened("library")
    assert not [button for button in at.button if button.key == "library:delete"]
    assert button(at, "library:none").disabled
    own, hosts = (f"library:stop:{identify(network(n)).key}" for n in (2, 1))
    assert button(at, hosts).disabled and not button(at, own).disabled
    press(at, hosts)
    with pytest.raises(Refused):
        library.stop(identify(network(1)))
    assert press(at, own) == []
    assert waiting(kept) == {identify(network(1)).key}
    page._delete([identify(network(9)).key])
    assert kept.open(network(9)).status is Status.DONE


def test_what_is_looked_at_is_known(opened, queue, kept):
    run(SMALL, store=kept)
    visitors.seen()
    opened("explore")
    assert identify(SMALL).key in visitors.seen()


def test_every_page_says_that_the_server_is_public(opened):
    for title in ("explore", "compare", "depth", "library", "stories"):
        at = opened(title)
        assert "This is a public server" in [part.label for part in at.sidebar.expander]
        assert "up to 100 s" not in plain(at) and "up to 120 s, 2 runs at a time" in plain(at)


@pytest.mark.parametrize(
    ("address", "beyond"),
    [
        *((address, False) for address in ("127.0.0.1", "127.1.2.3", "localhost", "::1")),
        *((address, True) for address in (None, "", "0.0.0.0", "::", "192.0.2.1", "example.org")),
    ],
)
def test_an_address_of_this_machine_alone_is_told_apart(monkeypatch, address, beyond):
    monkeypatch.setattr(server.config, "get_option", lambda name: {"server.address": address}[name])
    assert server.reaches_beyond() is beyond


def test_who_reaches_a_server_that_is_not_public_is_said_on_the_page(at, monkeypatch):
    for beyond in (True, False):
        monkeypatch.setattr(server, "reaches_beyond", lambda beyond=beyond: beyond)
        at.run()
        assert_sound(at)
        assert [said.value for said in at.sidebar.warning] == [server.WARNING] * beyond
    assert not at.sidebar.expander or at.sidebar.expander[0].label != "This is a public server"


# What a page names: all that changes anything goes by `app/engine/`.

READERS = {"gallery", "imported", "identity", "newer"}
CHANGES = ("ncengine.jobs.queue", "ncengine.jobs.stop.stop", "ncengine.datasets.download")


def test_a_page_has_no_way_to_the_store_but_to_look():
    root = Path(MAIN).parent
    pages = [p for p in root.rglob("*.py") if p.relative_to(root).parts[0] not in OF_THE_SERVER]
    asked = set()
    for path in pages:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "runs.store()":
                asked.add(node.attr)
            if isinstance(node, ast.ImportFrom):
                named = {f"{node.module}.{alias.name}" for alias in node.names}
                assert not [name for name in named if name.startswith(CHANGES)], path
    assert {"gallery", "identity"} <= asked <= READERS


OF_THE_SERVER = ("engine", "commands")
