"""Files of visitors: what is made for a download stays for a while, and no more than so many do."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from app.engine import files
from app.engine.channel import may_be_sent
from app.engine.files import (
    MOST_BYTES,
    MOST_DROPPED,
    STALE_SECONDS,
    WANTED_SECONDS,
    AsTyped,
    Dropped,
    Wanted,
)


def test_what_is_wanted_stays_for_a_while():
    now = [0.0]
    wanted = Wanted(now=lambda: now[0])
    wanted.add("a", 1)
    now[0] = WANTED_SECONDS - 1
    wanted.add("b", 1)
    assert wanted.held() == {"a", "b"}
    now[0] = WANTED_SECONDS + 1
    assert wanted.held() == {"b"}
    wanted.add("a", 1)
    now[0] = 2 * WANTED_SECONDS + 0.5
    assert wanted.held() == {"a"}


def test_the_oldest_go_where_all_take_too_much_but_never_the_last():
    wanted = Wanted(now=lambda: 0.0)
    half = MOST_BYTES // 2
    for name in "abc":
        wanted.add(name, half)
    assert wanted.held() == {"b", "c"}
    wanted.add("b", half)  # made anew
    wanted.add("d", half)
    assert wanted.held() == {"b", "d"}
    wanted.add("large", 3 * MOST_BYTES)
    assert wanted.held() == {"large"}


def test_what_was_dropped_is_there_for_a_moment():
    now = [0.0]
    dropped = Dropped[str](now=lambda: now[0])
    dropped.add("a", "A")
    now[0] = STALE_SECONDS - 1
    dropped.add("b", "B")
    assert (dropped.get("a"), dropped.get("b"), dropped.get("c")) == ("A", "B", None)
    now[0] = STALE_SECONDS - 0.5
    dropped.add("a", "A again")
    assert (dropped.get("a"), dropped.get("b")) == ("A again", "B")
    now[0] = 2 * STALE_SECONDS - 0.75
    assert (dropped.get("a"), dropped.get("b")) == ("A again", None)
    for n in range(MOST_DROPPED):
        dropped.add(str(n), "")
    assert dropped.get("a") is None and dropped.get("0") == ""


def test_a_button_of_the_page_before_still_saves_what_it_was_for():
    """A page that is drawn anew has new buttons on the server before it has them in the browser."""
    files.hold_what_is_wanted()
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    ids = []
    for n in range(2):  # a script's two runs
        manager.clear_session_refs()
        ids.append(manager.add_deferred(f"file {n}".encode, "text/plain", "place", "name.txt"))
        manager.remove_orphaned_files()
    for n, made in enumerate(ids):
        url = manager.execute_deferred(made)
        file = manager.read_file(url.rpartition("/")[2].partition(".")[0])
        assert file.content == f"file {n}".encode()
    with pytest.raises(MediaFileStorageError):
        manager.execute_deferred("of nobody")


def test_a_file_of_what_was_typed_is_of_what_the_page_has_heard_since():
    files.hold_what_is_wanted()
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))

    def drawn(n, button):
        text = AsTyped(f"typed {n}".encode)
        return manager.add_deferred(text, "text/plain", button, f"{n}.txt", element_id=button)

    def saved(made):
        url = manager.execute_deferred(made)
        file = manager.read_file(url.rpartition("/")[2].partition(".")[0])
        return file.content, file.filename

    def anew():
        manager.clear_session_refs()
        manager.remove_orphaned_files()

    first, other = drawn(0, "a"), drawn(0, "b")
    assert saved(first) == (b"typed 0", "0.txt")
    anew()
    second = drawn(1, "a")
    for _ in range(2):
        assert saved(first) == saved(second) == (b"typed 1", "1.txt")
    # A button that is no more saves what it was for.
    assert saved(other) == (b"typed 0", "0.txt")


@pytest.mark.parametrize("fragments", [None, ["a part of the page"]])
def test_the_answer_to_a_click_is_sent_though_the_page_is_drawn_anew(fragments):
    files.hold_answers()
    queue = ForwardMsgQueue()
    answer, drawn, begun = ForwardMsg(), ForwardMsg(), ForwardMsg()
    answer.backend_operation_response.request_id = "a click"
    drawn.delta.new_element.markdown.body = "of the page before"
    drawn.delta.fragment_id = "a part of the page"
    drawn.metadata.delta_path[:] = [0, 0]
    begun.new_session.name = "the page before"
    for message in (drawn, answer, begun):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragments)
    sent = queue.flush()
    assert sorted(one.WhichOneof("type") for one in sent) == [
        "backend_operation_response",
        "new_session",
    ]
    assert queue.is_empty()


def test_what_was_changed_of_streamlit_is_changed_once():
    for change in (files.hold_what_is_wanted, files.hold_answers):
        change()
        before = files.MediaFileManager.execute_deferred, files.ForwardMsgQueue.clear
        change()
        assert before == (files.MediaFileManager.execute_deferred, files.ForwardMsgQueue.clear)


@pytest.mark.parametrize(
    ("content", "may"),
    [
        # As the protocol writes them: the number of a field and its kind, and what it holds.
        (b"\x28\x01", False),  # 5: clear_cache
        (b"\x30\x01", False),  # 6: set_run_on_save
        (b"\x38\x01", True),  # 7: stop_script
        (b"\x5a\x00", True),  # 11: rerun_script
        (b"\x60\x01", False),  # 12: load_git_info
        (b"\x82\x01\x00", True),  # 16: file_urls_request
        (b"\x88\x01\x01", True),  # 17: app_heartbeat
        (b"\x9a\x01\x02\x1a\x00", True),  # 19, and of it 3: deferred_file
        (b"\x9a\x01\x02\x22\x00", False),  # 4: install_skills
        (b"\x9a\x01\x02\x2a\x00", False),  # 5: dismiss_skills_nudge
        (b"\x9a\x01\x02\x32\x00", True),  # 6: dataframe_chunk
        (b"\xff\xff", True),  # none at all: for Streamlit to refuse
    ],
)
def test_only_what_pages_send_is_let_through(content, may):
    assert may_be_sent(content) == may
