"""What trains a run, or several, anywhere: the command, and the code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

import streamlit as st

from app.engine.limits import limits
from ncengine.config import RunConfig, as_text
from ncengine.runs.identity import Identity
from ncengine.runs.places import CACHE_VARIABLE, cache_root


def tell_cache() -> None:
    """Where the app keeps its results, if command and code would look elsewhere by themselves."""
    if line := cache_line():
        st.markdown("This app keeps results in a folder of its own. For others to find them:")
        st.code(line, language="sh", wrap_lines=True)


def cache_line() -> str:
    """The line for a shell that names that folder; "" where it is the usual one, or the host's."""
    if not os.environ.get(CACHE_VARIABLE) or limits() is not None:
        return ""
    return f"export {CACHE_VARIABLE}={shlex.quote(str(cache_root()))}"


def draw(spec: RunConfig | Identity) -> None:
    """Both, to be copied, with how to take the run along."""
    tell_cache()
    if isinstance(spec, Identity):
        st.markdown("The command that writes this very run as a file:")
        st.code(getting(spec, "run"), language="sh", wrap_lines=True)
        st.markdown("What reads it in Python:")
    else:
        st.markdown("The command that trains it, and the one that writes it as a file:")
        both = f"{command(spec)}\n{command(spec, 'export')} --run run.npz"
        st.code(both, language="sh", wrap_lines=True)
        st.markdown("The same in Python:")
    st.code(python(spec), language="python", wrap_lines=True)


def draw_pair(left: RunConfig | Identity, right: RunConfig | Identity) -> None:
    """Both for two runs."""
    tell_cache()
    named = [isinstance(spec, Identity) for spec in (left, right)]
    st.markdown(
        "The commands that train the two, or write very runs as files:"
        if any(named)
        else "The commands that train the two:"
    )
    both = f"{getting(left, 'left')}\n{getting(right, 'right')}"
    st.code(both, language="sh", wrap_lines=True)
    st.markdown("The same in Python:")
    st.code(pair_python(left, right), language="python", wrap_lines=True)


def draw_recording(key: str) -> None:
    """How a recording is read in Python."""
    tell_cache()
    st.markdown("Its numbers in Python:")
    st.code(recording_python(key), language="python", wrap_lines=True)


def draw_several(picked: Sequence[tuple[RunConfig, str]], metric: str) -> None:
    """Both for several runs, of which `picked` are configurations and keys, and their figure."""
    tell_cache()
    configs = [config for config, _ in picked]
    st.markdown("The command that writes this chart as a figure, and those that train the runs:")
    told = [figure([key for _, key in picked], metric), *map(command, configs)]
    st.code("\n".join(told), language="sh", wrap_lines=True)
    st.markdown("The same runs in Python:")
    st.code(several_python(configs), language="python", wrap_lines=True)


def figure(keys: Sequence[str], metric: str) -> str:
    """`ncengine figure runs …` for the runs of these keys."""
    beside = " ".join(f"--beside {key}" for key in keys[1:])
    return f"ncengine figure runs {keys[0]} {beside} --of {metric} --out {metric}.pdf"


def getting(spec: RunConfig | Identity, name: str) -> str:
    """The command that trains it; of one very run, as which no other is, the one that writes it."""
    if isinstance(spec, Identity):
        return f"ncengine export {spec.key} --run {name}.npz"
    return command(spec)


def command(config: RunConfig, verb: str = "train") -> str:
    """`ncengine train …` with all that is not as it is by default; or another verb."""
    options = (
        f"--{name.replace('_', '-')} {shlex.quote(as_text(value))}"
        for name, value in config.set_fields().items()
    )
    return " ".join(["ncengine", verb, *options])


def python(spec: RunConfig | Identity) -> str:
    """The code that trains it, and keeps it as a file; of one very run that reads its file."""
    kept = "" if isinstance(spec, Identity) else 'run.save("run.npz")\n'
    return f"import ncengine\n\nrun = {_got(spec, 'run')}\n{kept}"


def pair_python(left: RunConfig | Identity, right: RunConfig | Identity) -> str:
    """The code that trains two runs, or reads their files."""
    return f"import ncengine\n\nleft = {_got(left, 'left')}\nright = {_got(right, 'right')}\n"


def recording_python(key: str) -> str:
    """The code that reads a recording."""
    return (
        f'import ncengine\n\nrecording = ncengine.recording("{key}")\n'
        'recording.steps, recording.figures["nc1"], recording.geometry\n'
    )


def several_python(configs: Sequence[RunConfig]) -> str:
    """The code that trains several runs."""
    lines = "".join(f"    {_run(config)},\n" for config in configs)
    return f"import ncengine\n\nruns = [\n{lines}]\n"


def _got(spec: RunConfig | Identity, name: str) -> str:
    return f'ncengine.load("{name}.npz")' if isinstance(spec, Identity) else _run(spec)


def _run(config: RunConfig) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in config.set_fields().items())
    return f"ncengine.run(ncengine.RunConfig({given}))"
