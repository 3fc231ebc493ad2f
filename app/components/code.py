"""What trains a run, or two, anywhere: the command, and the code."""

from __future__ import annotations

import shlex

import streamlit as st

from ncengine.config import RunConfig, as_text


def draw(config: RunConfig) -> None:
    """Both, to be copied, with how to take the run along."""
    st.markdown("The command that trains it, and the one that writes it as a file:")
    st.code(
        f"{command(config)}\n{command(config, 'export')} --run run.npz",
        language="sh",
        wrap_lines=True,
    )
    st.markdown("The same in Python:")
    st.code(python(config), language="python", wrap_lines=True)


def draw_pair(left: RunConfig, right: RunConfig) -> None:
    """Both for two runs."""
    st.markdown("The commands that train the two:")
    st.code(f"{command(left)}\n{command(right)}", language="sh", wrap_lines=True)
    st.markdown("The same in Python:")
    st.code(pair_python(left, right), language="python", wrap_lines=True)


def command(config: RunConfig, verb: str = "train") -> str:
    """`ncengine train …` with all that is not as it is by default; or another verb."""
    options = (
        f"--{name.replace('_', '-')} {shlex.quote(as_text(value))}"
        for name, value in config.set_fields().items()
    )
    return " ".join(["ncengine", verb, *options])


def python(config: RunConfig) -> str:
    """The code that trains it, and keeps it as a file."""
    return f'import ncengine\n\nrun = {_run(config)}\nrun.save("run.npz")\n'


def pair_python(left: RunConfig, right: RunConfig) -> str:
    """The code that trains two runs."""
    return f"import ncengine\n\nleft = {_run(left)}\nright = {_run(right)}\n"


def _run(config: RunConfig) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in config.set_fields().items())
    return f"ncengine.run(ncengine.RunConfig({given}))"
