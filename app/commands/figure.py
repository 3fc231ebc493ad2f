"""`ncengine figure`: a chart, or the player's view, as a file for a paper."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Mapping
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.in_vain import said_in_vain
from app.commands.quiet import quieten
from ncengine.catalogue.architectures import architecture_info
from ncengine.cli.options import add_experiment_options, config_of, given
from ncengine.cli.parser import Once, did_you_mean
from ncengine.config import PARAMS, RunConfig
from ncengine.config.sweeps import SWEEPS

if TYPE_CHECKING:
    from app.export.printable import Printable
    from app.player.view import View
    from ncengine.runs.run import Run
    from ncengine.runs.store import Store

KINDS = {
    "depth": "a metric over depth or weight decay, of several networks",
    "curves": "curves over passes",
    "layers": "a metric over the layers",
    "map": "a metric over layers and passes",
    "blocks": "what each block pays, or turns a sample by",
    "cosines": "cosines between class means",
    "compare": "curves of two runs over each other",
    "runs": "a metric of up to six runs over each other",
    "player": "the player's view",
}
# By kind, what --of can be; the first is what it is by default.
_OF = {
    "curves": ("collapse", "objective", "accuracy"),
    "blocks": ("decay", "movement"),
    "compare": ("collapse", "objective"),
}
ENDINGS = ("svg", "png", "pdf")
COLUMNS = ("single", "double")
# Options that say how a run is looked at, and what an address calls it.
_LOOKED_AT = {
    "at": "epoch", "seed": "seed", "layer": "layer", "view": "view", "camera": "camera",
    "drawn": "drawn", "hidden": "hidden", "basis": "basis", "focus": "focus",
}  # fmt: skip


# What an address calls otherwise.
_OPTIONS = {"Pass": "--at", "Depths": "--depth", "Decays": "--weight-decay"}


class _Wrong(ValueError):
    """What was asked for cannot be."""


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    kinds = "; ".join(f"{name}: {what}" for name, what in KINDS.items())
    parser = commands.add_parser(
        "figure",
        help="write a chart, or the player's view, as a figure for a paper",
        description=f"Write a figure for a paper. {kinds}. The run is named by its key, or by its "
        "options, as for `ncengine train`; networks of `depth` by a preset, or by options of "
        "which --depth and --weight-decay take several, separated by commas.",
    )
    parser.set_defaults(command=_figure)
    # Looked at when all is read: what is misspelt among the options is told first.
    parser.add_argument("kind", metavar="KIND", help=" | ".join(KINDS))
    parser.add_argument(
        "key",
        nargs="?",
        metavar="KEY",
        help="the key of a run, or how one begins and no other; of depth one of "
        + ", ".join(SWEEPS),
    )
    _add_how(parser.add_argument_group("the figure"))
    _add_looked_at(parser.add_argument_group("what is looked at"))
    add_experiment_options(parser)


def _add_how(group: Any) -> None:
    group.add_argument(
        "--out",
        action=Once,
        type=expanduser,
        metavar="FILE",
        help="where to; ends in .svg, .png or .pdf",
    )
    group.add_argument(
        "--column",
        choices=COLUMNS,
        default="single",
        help="as wide as one column of a paper (85 mm) or two (178 mm) (default single)",
    )
    group.add_argument("--no-title", action="store_true", help="without the title above it")
    group.add_argument(
        "--pixels",
        metavar="INT",
        help="of a .png: pixels across, 200 to 3840 (default 600 an inch, or 3840)",
    )


def _add_looked_at(group: Any) -> None:
    of = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in _OF.items())
    group.add_argument("--of", metavar="WHAT", help=f"what it is of ({of}; else a metric)")
    group.add_argument(
        "--at", metavar="PASS", help="the moment, or what was kept nearest to it (default the last)"
    )
    group.add_argument("--seed", metavar="INT", help="which of its networks (default the first)")
    group.add_argument("--test", action="store_true", help="with test samples")
    group.add_argument("--layer", metavar="INT", help="of player: a layer (default the last)")
    group.add_argument("--view", metavar="2d|3d", help="of player (default 3d)")
    group.add_argument("--camera", metavar="POSE", help="of player: as the page's address has it")
    group.add_argument("--drawn", metavar="LIST", help="of player: what is drawn")
    group.add_argument("--hidden", metavar="LIST", help="of player: classes left out")
    group.add_argument("--focus", metavar="LIST", help="of player: 3 or 4 classes")
    group.add_argument("--basis", metavar="last|each", help="of player: axes of which snapshot")
    group.add_argument(
        "--beside",
        metavar="KEY",
        action="append",
        help="of compare and runs: another run, by its key or by what is different: "
        "depth=13;norm=pre; of runs once for each",
    )
    group.add_argument(
        "--address", metavar="URL", help="all of this, as the address of the page has it"
    )


def _figure(options: argparse.Namespace) -> int:
    try:
        path = _file(options)
        _taken_from_address(options)
        _begin(options)
        drawn = _printable(options)
        from ncengine.runs.journal import write_atomically

        write_atomically(path, _pressed(drawn, path, options))
    except _Wrong as error:
        print(f"ncengine: {error}", file=sys.stderr)
        return 2
    print(path)
    return 0


def _begin(options: argparse.Namespace) -> None:
    """What takes a moment goes on while the app's modules are loaded."""
    # They stay until the end: to look through them for garbage again and again takes a tenth of it.
    gc.disable()
    from app.export import press

    if options.kind != "player":
        press.warm_up()
    quieten()


def _file(options: argparse.Namespace) -> Path:
    """Where it is written to; refused before anything is drawn."""
    _one_of("KIND =", options.kind, list(KINDS))
    if options.out is None:
        raise _Wrong("nothing to write to: --out says where to")
    path = Path(options.out)
    if vain := said_in_vain(options):
        raise _Wrong(vain)
    if path.suffix.lower()[1:] not in ENDINGS:
        raise _Wrong(f"--out {options.out}: must end in .svg, .png or .pdf")
    if not path.parent.is_dir():
        raise _Wrong(f"--out {options.out}: there is no folder {path.parent}")
    if options.pixels is not None and path.suffix.lower() != ".png":
        raise _Wrong("--pixels: goes with a file that ends in .png")
    return path


def _pressed(drawn: Printable, path: Path, options: argparse.Namespace) -> bytes:
    from app.export import press
    from ncengine.config.numbers import whole

    form, pixels = path.suffix.lower()[1:], None
    if options.pixels is not None:
        least, most = press.LEAST_PIXELS, press.MOST_PIXELS
        try:
            pixels = whole(options.pixels)
        except ValueError:
            pixels = 0
        if not least <= pixels <= most:
            raise _Wrong(
                f"--pixels {options.pixels}: must be a whole number from {least} to {most}"
            )
    svg = drawn.svg(options.column, not options.no_title)
    return press.pressed(svg, form, pixels, drawn.told)


# What is meant.


def _taken_from_address(options: argparse.Namespace) -> None:
    """Put what an address says where the options would have said it."""
    if options.address is None:
        return
    from urllib.parse import parse_qsl, urlsplit

    if options.key is not None or given(options) or options.preset:
        raise _Wrong("--address names what is drawn, and so do KEY or options: give one of both")
    options.query = query = dict(parse_qsl(urlsplit(options.address).query))
    options.key = (query.get("run") or None) if options.kind != "depth" else None
    fields = {name: query[name] for name in PARAMS if name in query}
    if not fields and not options.key:
        raise _Wrong(f"--address {options.address}: says nothing of a run")
    for name, value in ({} if options.key else fields).items():
        setattr(options, name, value)


def _printable(options: argparse.Namespace) -> Printable:
    from app.export import printable
    from ncengine.cli.exchange import Unknown, run_of
    from ncengine.runs.store import Store

    if options.kind == "depth":
        return _of_depth(options)
    store = Store()
    try:
        run = run_of(store, options)
    except Unknown as error:
        raise _Wrong(str(error)) from error
    if options.kind == "compare":
        return printable.of_pair(run, _beside(store, run, options), _of(options))
    if options.kind == "runs":
        return _of_several(store, run, options)
    name, of = _named(options)
    looked_at = _looked_at(run, options, of)
    if name not in printable.titles(run):
        raise ValueError(f"{run.config.full_title()}: it has nothing to show of {options.kind}")
    return printable.of_run(run, name, looked_at)


def _named(options: argparse.Namespace) -> tuple[str, str]:
    """What it is called among what can be printed, and of which metric of the layers it is."""
    if options.kind in ("layers", "map"):
        return options.kind, options.of or getattr(options, "query", {}).get("of", "")
    return (_of(options) if options.kind in _OF else options.kind), ""


def _of(options: argparse.Namespace) -> str:
    allowed = _OF[options.kind]
    return _one_of("--of", options.of, allowed) if options.of else allowed[0]


def _one_of(option: str, value: str, allowed: Any) -> str:
    if value not in allowed:
        meant = did_you_mean(value, allowed)
        raise _Wrong(f"{option} {value}: must be one of {', '.join(allowed)}{meant}")
    return value


def _looked_at(run: Run, options: argparse.Namespace, of: str) -> View:
    """How the run is looked at, as options and address say."""
    from app.player import view

    query = {**getattr(options, "query", {})}
    for option, name in _LOOKED_AT.items():
        if getattr(options, option) is not None:
            query[name] = getattr(options, option)
    query |= {"test": "1"} if options.test else {}
    query |= {"of": of} if of else {}
    own = {name: query[name] for name in view.NAMES if name in query}
    start = {name: query[name] for name in view.PLAYER_NAMES if name in query}
    looked_at, wrong = view.parse(own, view.of_run(run))
    wrong += view.wrong_start(start, run.config.classes)
    if wrong:
        raise _Wrong("; ".join(map(_plain, wrong)))
    if options.layer is not None:
        _check_layer(run, options.layer)
    if options.focus is not None and len(looked_at.picked) < 3:
        # On a page it is what a user picks from next.
        raise _Wrong(f"--focus {options.focus}: must be 3 or 4 classes")
    fitted = view.fit(looked_at, view.of_run(run))
    return view.at(fitted, start)


def _check_layer(run: Run, layer: str) -> None:
    """That the network has that layer, and that it was kept. Raises _Wrong."""
    if run.layers is None or not architecture_info(run.config.architecture).has_network:
        raise _Wrong(f"--layer {layer}: there is nothing of this run but its last features")
    count = run.layers.nc1.shape[-1]
    if int(layer) > count:
        raise _Wrong(f"--layer {layer}: must be the number of a layer, from 1 to {count}")


def _plain(sentence: str) -> str:
    """What was wrong with an address, for a terminal, in which nothing is shown instead."""
    told = sentence.partition("; showing ")[0].replace("**", "").replace("`", "")
    label, _, rest = told.partition(": ")
    value, _, allowed = rest.partition(" must be ")
    return f"{_OPTIONS.get(label, f'--{label.lower()}')} {value}: must be {allowed}"


def _beside(store: Store, run: Run, options: argparse.Namespace) -> Run:
    """The run at the right of a pair."""
    query: Mapping[str, str] = getattr(options, "query", {})
    typed = options.beside or []
    if len(typed) > 1:
        raise _Wrong("--beside: compare takes one; `ncengine figure runs` takes several")
    if typed:
        return _other(store, run, typed[0])
    said = query.get("other_run") or query.get("other", "")
    if not said:
        raise _Wrong("compare: --beside names the other run")
    return _other(store, run, said, whole=True)


def _of_several(store: Store, run: Run, options: argparse.Namespace) -> Printable:
    from app.charts import compare
    from app.components import told_apart
    from app.export import printable

    metric = _one_of("--of", options.of or "nc1", list(compare.METRICS))
    typed = options.beside or []
    if not 1 <= len(typed) < compare.MOST:
        raise _Wrong(f"runs: --beside names another run, 1 to {compare.MOST - 1} times")
    several = [run, *(_other(store, run, said) for said in typed)]
    labels = told_apart.labels([(one.config, told_apart.where(one)) for one in several])
    return printable.of_several(dict(zip(labels, several, strict=True)), metric)


def _other(store: Store, run: Run, said: str, *, whole: bool = False) -> Run:
    """The run that is meant beside one: by its key, or by what of it is different.

    What a page writes is `whole`; of what is typed the rest is as in the first.
    """
    from ncengine.cli.exchange import Unknown, run_of

    asked = argparse.Namespace(**dict.fromkeys(PARAMS), preset=None, key=None)
    if "=" not in said:
        asked.key = said
    else:
        from app.components.address import parted

        base = {} if whole else run.config.set_fields()
        try:
            changed = parted(said)
        except ValueError:
            changed = {said: ""}
        unknown = [name for name in changed if name not in PARAMS]
        if unknown:
            raise _Wrong(f"--beside {said}: {unknown[0]} is no field of a configuration")
        for name, value in {**base, **changed}.items():
            setattr(asked, name, value)
    try:
        return run_of(store, asked)
    except Unknown as error:
        raise _Wrong(f"--beside: {error}") from error


def _of_depth(options: argparse.Namespace) -> Printable:
    from app.components import series
    from app.export import printable
    from app.views import presets

    query = getattr(options, "query", {})
    if options.key is not None:
        if given(options) or options.preset:
            raise _Wrong("KEY names a preset, and options say what is drawn: give one of both")
        base, picture = presets.of(_one_of("KEY =", options.key, list(SWEEPS)), False)
    elif query:
        base = config_of(options)
        own = {name: query[name] for name in series.NAMES if name in query}
        picture, wrong = series.parse(own)
        if wrong:
            raise _Wrong("; ".join(map(_plain, wrong)))
    else:
        base, picture = _of_options(options)
    shown = picture.series(base)
    metric = options.of or ""
    if metric:
        _one_of("--of", metric, list(printable.panels(shown)))
    return printable.of_picture(shown, picture, metric)


def _of_options(options: argparse.Namespace) -> tuple[RunConfig, Any]:
    """The networks that options of several depths, or weight decays, name."""
    from app.components import series

    several: dict[str, str] = {}
    for name, axis in (("depth", "depths"), ("weight_decay", "decays")):
        text = getattr(options, name)
        if text is not None and ("," in text or name == "depth"):
            several[axis] = text
            setattr(options, name, None)
    picture, wrong = series.parse(several)
    if wrong:
        raise _Wrong("; ".join(map(_plain, wrong)))
    return config_of(options), picture
