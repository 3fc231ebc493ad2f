"""Many viewers of one live run: how often each sees a change, and what that costs the server.

Viewers are websockets that speak Streamlit's protocol and beat as the page's pulse does; browsers
would take the processor that is to be measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.table import show
from tests.e2e.live_app import ROOT, LiveApp

VIEWERS = (1, 4, 8, 20)
SECONDS = 20
# The first looks import what later ones have.
SETTLING = 6
LIVE = {"solver": "Adam", "epochs": 100_000}


def main() -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times"
        script = Path(__file__).with_name("timed_app.py")
        app = LiveApp(Path(folder) / "cache", script=script, env={"PAGE_TIMES": str(times)})
        app.start().wait()
        options = [f"--{name}={value}" for name, value in LIVE.items()]
        command = [sys.executable, "-m", "ncengine.cli", "train", *options]
        training = subprocess.Popen(command, cwd=ROOT, env=app.env, stderr=subprocess.DEVNULL)
        try:
            rows = [_watched(app, times, viewers) for viewers in VIEWERS]
        finally:
            training.terminate()
            training.wait()
            app.end()
    head = (
        "viewers",
        "longest without a change",
        "median time between changes",
        "CPU of a refresh, median (mean)",
        "server's share of a core",
    )
    show("Viewers of one live run. Wanted of 20: 3 s, 15 ms", head, rows)


def _watched(app: LiveApp, times: Path, viewers: int) -> tuple:
    waits, share = asyncio.run(_watch(app, times, viewers))
    costs = [1000 * float(line.split()[0]) for line in times.read_text().splitlines()]
    return (
        viewers,
        f"{max(waits):.1f} s",
        f"{median(waits):.2f} s",
        f"{median(costs):.1f} ms ({sum(costs) / len(costs):.1f} ms)",
        f"{share:.0%}",
    )


async def _watch(app: LiveApp, times: Path, viewers: int) -> tuple[list[float], float]:
    """Seconds between changes, of all viewers, and the share of a core that the server took."""
    changes: list[list[float]] = [[] for _ in range(viewers)]
    watching = [asyncio.create_task(_viewer(app, seen)) for seen in changes]
    try:
        await asyncio.sleep(SETTLING)
        times.write_text("")
        worked, start = _worked(app.process.pid), time.monotonic()
        await asyncio.sleep(SECONDS)
        end = time.monotonic()
        share = (_worked(app.process.pid) - worked) / (end - start)
    finally:
        for task in watching:
            task.cancel()
        ended = await asyncio.gather(*watching, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    waits = []
    for seen in changes:
        moments = [start, *(moment for moment in seen if start < moment < end), end]
        waits += [b - a for a, b in zip(moments, moments[1:])]
    return waits, share


async def _viewer(app: LiveApp, changes: list[float]) -> None:
    """One page that beats for ever; notes when another progress arrived."""
    address = app.base.replace("http", "ws") + "/_stcore/stream"
    query = "&".join(f"{name}={value}" for name, value in LIVE.items())
    progress, beating = "", None
    async with websockets.connect(
        address, subprotocols=["streamlit"], origin=app.base, max_size=None
    ) as socket:
        hello = BackMsg()
        hello.rerun_script.query_string = query
        await socket.send(hello.SerializeToString())
        async for data in socket:
            message = ForwardMsg()
            message.ParseFromString(data)
            element = message.delta.new_element
            if element.HasField("progress") and element.progress.text != progress:
                progress = element.progress.text
                changes.append(time.monotonic())
            pulse = element.bidi_component
            if pulse.component_name.endswith("pulse"):
                if beating:
                    beating.cancel()
                fragment = message.delta.fragment_id
                beating = asyncio.create_task(_beat(socket, pulse, fragment, query))


async def _beat(socket, pulse, fragment: str, query: str) -> None:
    """Wait as long as the server asks for, then fire the pulse's trigger."""
    await asyncio.sleep(json.loads(pulse.json)["seconds"])
    beat = BackMsg()
    asked = beat.rerun_script
    asked.query_string, asked.fragment_id = query, fragment
    state = asked.widget_states.widgets.add()
    state.id = f"$$STREAMLIT_INTERNAL_KEY_{pulse.id}__events"
    state.json_trigger_value = json.dumps([{"event": "beat", "value": 1}])
    await socket.send(beat.SerializeToString())


def _worked(pid: int) -> float:
    """Seconds of processor time that the process took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
