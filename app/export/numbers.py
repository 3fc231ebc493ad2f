"""The numbers of a run, to be saved from the page: the whole run, its tables, its parameters."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import streamlit as st

from app.engine import runs
from app.export import page
from app.export.shown import shown
from ncengine.config import RunConfig
from ncengine.costs.memory import keeps_parameters
from ncengine.exchange import write_tables
from ncengine.exchange.parameters import save_parameters
from ncengine.exchange.recordings import write_recording
from ncengine.runs.glance import Glance
from ncengine.runs.identity import Identity
from ncengine.runs.recorded import Recording
from ncengine.runs.run import Run
from ncengine.runs.whole import save

# What is written of a run into a folder, and the paths of it.
Write = Callable[[Run, Path], Iterable[Path]]


def whole(run: Run, folder: Path) -> Iterable[Path]:
    """All of it as one file, which `ncengine import` and the Library take in."""
    return [save(run, folder / "run.npz")]


def tables(form: str, run: Run, folder: Path) -> Iterable[Path]:
    """Its tables, in the form "csv" or "parquet"."""
    return write_tables(run, folder, form)


def parameters(run: Run, folder: Path) -> Iterable[Path]:
    """The trained parameters of all seeds, as a file of safetensors."""
    return [save_parameters(run, folder / "parameters.safetensors")]


# The label of each button, what it is, the ending of the file that it saves, what writes that.
_BUTTONS: tuple[tuple[str, str, str, Write], ...] = (
    (
        "Whole run",
        "All of it to the bit, as one file that `ncengine import`, the Library and numpy read.",
        "npz",
        whole,
    ),
    ("Tables, CSV", "Curves, layers, geometry and a summary.", "zip", partial(tables, "csv")),
    (
        "Tables, Parquet",
        "The same with all digits, for pandas, Polars or R.",
        "zip",
        partial(tables, "parquet"),
    ),
    (
        "Parameters",
        "What was trained, of all seeds, as a file of safetensors.",
        "safetensors",
        parameters,
    ),
)


def draw(spec: RunConfig | Identity) -> None:
    """A button each for the run that Explore shows."""
    config = spec.config if isinstance(spec, Identity) else spec
    now = runs.glance(config)
    st.markdown("Its numbers:")
    with st.container(horizontal=True, gap="xsmall", key="save_numbers"):
        for label, what, ending, write in _BUTTONS:
            why = "" if now.status.finished else "Once it is finished."
            if not why and write is parameters:
                why = _without_parameters(spec, now)
            st.download_button(
                label,
                data="" if why else partial(_file, spec, write),
                file_name=page.file_name(config.title(), ending),
                mime="application/octet-stream",
                key=f"save_{label}",
                on_click="ignore",
                disabled=bool(why),
                help=why or what,
            )


# The same of a recording, which is written whole by its ending.
_OF_RECORDING = (
    ("Figures, CSV", "Every figure that was measured, a row a step.", "csv"),
    ("Figures, Parquet", "The same with all digits, for pandas, Polars or R.", "parquet"),
    ("All, npz", "Figures, class means, classifier and the samples kept, for numpy.", "npz"),
)


def draw_recording() -> None:
    """A button each for the recording that Recorded shows."""
    seen = shown().recorded
    if seen is None:
        return
    recording = seen.recording
    st.markdown("Its numbers:")
    with st.container(horizontal=True, gap="xsmall", key="save_numbers"):
        for label, what, ending in _OF_RECORDING:
            why = "" if len(recording.steps) else "Once something is recorded."
            st.download_button(
                label,
                data="" if why else partial(_recording, recording, ending),
                file_name=page.file_name(recording.about.name, ending),
                mime="application/octet-stream",
                key=f"save_{label}",
                on_click="ignore",
                disabled=bool(why),
                help=why or what,
            )


def _recording(recording: Recording, ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_recording(recording, Path(folder) / f"recording.{ending}").read_bytes()


def packed(run: Run, write: Write) -> bytes:
    """What is written of a run: the file, or several of them in an archive.

    Raises:
        ValueError: there is no such thing of this run; says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = list(write(run, Path(folder)))
        if len(files) == 1:
            return files[0].read_bytes()
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packing:
            for file in files:
                packing.write(file, file.name)
        return archive.getvalue()


def _file(spec: RunConfig | Identity, write: Write) -> bytes:
    return packed(runs.look(spec), write)


def _without_parameters(spec: RunConfig | Identity, now: Glance) -> str:
    """Why there is nothing to save, where it can be, without opening the run; "" where there is."""
    config = spec.config if isinstance(spec, Identity) else spec
    if now.shipped:
        return "The gallery ships none; trained here, a run keeps them."
    if not keeps_parameters(config):
        return "So many are not kept."
    # A file may have left them out.
    absent = now.imported and runs.look(spec).parameters is None
    return "The file that was taken in has none." if absent else ""
