"""Stories: those that are shipped, to be told; and one's own, to be made, saved and read."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from pydantic import ValidationError

from app.components import text
from app.engine.files import AsTyped
from app.export import button
from app.stage import presenting, stories
from app.stage.stories import OWN, Draft
from app.stage.story import (
    MOST_BYTES,
    MOST_CAPTION,
    MOST_NOTES,
    MOST_TITLE,
    NOTHING,
    PLAYS,
    Step,
    Story,
    StoryError,
    first_reason,
    read,
)

PLAYS_WORDS = {"nothing": "Nothing", "training": "Training", "layers": "Layers"}
# So many steps are drawn at once.
AT_ONCE = 20
_WRONG, _READ = "stories:wrong", "stories:read"


def draw() -> None:
    """The page."""
    st.header("Stories", anchor=False)
    st.markdown(
        "A story is what a speaker steps through: pages at certain moments, each with a caption. "
        "**Page Down** and **Page Up**, as clickers send them, go on and back, and so do arrows, "
        "space and a click; **F** is the full screen, **B** or **.** blacks it, **Escape** leaves."
    )
    for name, story in stories.shipped().items():
        _shipped(name, story)
    st.subheader("Your own", anchor=False)
    _own(stories.draft())


def _shipped(name: str, story: Story) -> None:
    with st.container(border=True, key=f"story-{name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{text.plain(story.title)}** · {_steps(story)}", width="stretch")
            st.button(
                "Present",
                key=f"tell-{name}",
                type="primary",
                on_click=presenting.begin,
                args=(name,),
            )
            st.button(
                "Make it mine",
                key=f"copy-{name}",
                on_click=stories.put,
                args=(Draft(story.title, story.steps),),
                help="Takes its steps into your own story, in place of what is there.",
            )
            button.draw_story(story, f"save-{name}")
        with st.expander("Its steps, with notes for the speaker"):
            for n, step in enumerate(story.steps, 1):
                st.markdown(_in_words(n, step))


def _steps(story: Story) -> str:
    return f"{len(story.steps)} step{'s' * (len(story.steps) > 1)}"


def _in_words(n: int, step: Step) -> str:
    caption = text.plain(" ".join(step.caption.split())) or "no caption"
    notes = f"  \n:gray[{text.plain(' '.join(step.notes.split()))}]" if step.notes else ""
    return f"{n}\\. {caption} :gray[({step.page})]{notes}"


def _own(draft: Draft) -> None:
    _title(draft)
    if not draft.steps:
        st.info(
            "It has no steps yet. **Story**, in the sidebar of any page with a picture, takes "
            "in what you see. Or read one from a file."
        )
    first = _first_shown(len(draft.steps))
    for n, step in list(enumerate(draft.steps))[first : first + AT_ONCE]:
        _step(n, step, len(draft.steps))
    _file(draft)


def _first_shown(count: int) -> int:
    """Of many steps the first that is drawn, from 0: all at once would take long."""
    if count <= AT_ONCE:
        return 0
    starts = range(0, count, AT_ONCE)
    return st.selectbox(
        "Steps",
        starts,
        format_func=lambda start: f"{start + 1} to {min(count, start + AT_ONCE)}",
        key="stories:first",
    )


def _title(draft: Draft) -> None:
    st.session_state["stories:title"] = draft.title
    st.text_input("Title", key="stories:title", max_chars=MOST_TITLE, on_change=_retitle)


def _retitle() -> None:
    stories.put(replace(stories.draft(), title=st.session_state["stories:title"].strip()))


def _step(n: int, step: Step, count: int) -> None:
    with st.container(border=True, key=f"own-step-{n}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f"**Step {n + 1}** · {step.page}", width="stretch")
            st.button("Try", key=f"try-{n}", on_click=presenting.begin, args=(OWN, n + 1))
            _move(n, -1, ":material/arrow_upward:", "Move up", n == 0)
            _move(n, 1, ":material/arrow_downward:", "Move down", n == count - 1)
            st.button(
                "Delete",
                key=f"delete-{n}",
                on_click=_changed,
                args=(stories.remove, n),
                type="tertiary",
            )
        left, middle, right = st.columns((2, 2, 1.2))
        for name in _EMPTY:
            st.session_state[_key(n, name)] = getattr(step, name)
        with left:
            _text(n, "caption", MOST_CAPTION)
        with middle:
            _text(n, "notes", MOST_NOTES)
        with right:
            st.selectbox(
                "The player plays",
                PLAYS,
                key=_key(n, "plays"),
                format_func=PLAYS_WORDS.__getitem__,
                help="As the step is come to: nothing, and it is shown as it stands; the training, "
                "from its beginning to this moment; or the way through the layers.",
                disabled=step.page != "Explore",
                on_change=_edit,
                args=(n, "plays"),
            )
        if wrong := st.session_state.get(_WRONG, {}).get(n):
            st.caption(f":red[{text.plain(wrong)}]")


def _text(n: int, name: str, most: int) -> None:
    st.text_area(
        name.capitalize(),
        key=_key(n, name),
        max_chars=most,
        height=112,
        on_change=_edit,
        args=(n, name),
    )


def _move(n: int, by: int, icon: str, words: str, disabled: bool) -> None:
    st.button(
        words,
        icon=icon,
        key=f"move-{n}-{by}",
        on_click=_changed,
        args=(stories.move, n, by),
        disabled=disabled,
        type="tertiary",
    )


def _changed(change: object, *args: object) -> None:
    st.session_state[_WRONG] = {}
    change(*args)  # type: ignore[operator]


def _key(n: int, name: str) -> str:
    return f"stories:{n}:{name}"


def _edit(n: int, name: str) -> None:
    step = stories.draft().steps[n]
    wrong = st.session_state.setdefault(_WRONG, {})
    wrong.pop(n, None)
    try:
        changed = {**step.model_dump(), name: st.session_state[_key(n, name)] or _EMPTY[name]}
        stories.change(n, Step(**changed))
    except ValidationError as error:
        wrong[n] = f"{name.capitalize()}: {first_reason(error)}. It stays as it was."


_EMPTY = {"caption": "", "notes": "", "plays": NOTHING}


def _file(draft: Draft) -> None:
    left, right = st.columns(2, vertical_alignment="bottom")
    story = draft.story
    with left:
        st.download_button(
            "Save it as a file",
            data="" if story is None else AsTyped(story.as_json),
            file_name="story.json",
            mime="application/json",
            key="save-story",
            on_click="ignore",
            disabled=story is None,
            help="It lives in this page and in the file that you save, and nowhere else.",
        )
        button.draw_story(story, "save-own")
    with right:
        st.file_uploader(
            "Read one from a file, in place of what is there",
            type="json",
            key=_READ,
            max_upload_size=1,
            on_change=_read,
        )
    if wrong := st.session_state.pop("stories:file", ""):
        st.error(f"**This file is not taken.** {text.plain(wrong)}")


def _read() -> None:
    file = st.session_state[_READ]
    if file is None:
        return
    try:
        story = read(file.read(MOST_BYTES + 1))
    except StoryError as error:
        st.session_state["stories:file"] = str(error)
        return
    st.session_state[_WRONG] = {}
    stories.put(Draft(story.title, story.steps))
