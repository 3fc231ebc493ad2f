"""What trains a configuration anywhere: the command, and the code."""

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


def command(config: RunConfig, verb: str = "train") -> str:
    """`ncengine train …` with all that is not as it is by default; or another verb."""
    options = (
        f"--{name.replace('_', '-')} {shlex.quote(as_text(value))}"
        for name, value in config.set_fields().items()
    )
    return " ".join(["ncengine", verb, *options])


def python(config: RunConfig) -> str:
    """The code that trains it, and keeps it as a file."""
    given = ", ".join(f"{name}={value!r}" for name, value in config.set_fields().items())
    return (
        "import ncengine\n\n"
        f"run = ncengine.run(ncengine.RunConfig({given}))\n"
        'ncengine.save(run, "run.npz")\n'
    )
