"""Command-line options for the fields of `RunConfig`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import cache
from typing import Any

from ncengine.catalogue.architectures import ARCHITECTURES, architectures
from ncengine.catalogue.datasets import DATASETS
from ncengine.config import PARAMS, PARAMS_DEFAULTS, RunConfig
from ncengine.config.defaults import defaults_of
from ncengine.config.numbers import whole
from ncengine.config.param import Param, as_text
from ncengine.config.presets import paper_preset


def add_experiment_options(parser: argparse.ArgumentParser) -> None:
    """The options by which one experiment is asked for; `config_of` reads them."""
    add_config_options(parser)
    parser.add_argument("--preset", choices=["paper"], help="start from the paper's training")


def given(options: argparse.Namespace) -> dict[str, str]:
    """The fields that were given, as text."""
    return {n: v for n, v in vars(options).items() if n in PARAMS and v is not None}


def config_of(options: argparse.Namespace) -> RunConfig:
    """The experiment that `add_experiment_options` asks for. Raises ConfigError."""
    # What is not given takes the default of the data set and the architecture that are.
    config = RunConfig(**given(options))
    if options.preset == "paper":
        # What is said on the command line goes before what the preset says.
        preset = paper_preset(config).model_dump()
        config = RunConfig(**{**preset, **given(options)})
    return config


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """One option a field, in the groups of the schema. Values stay text; `RunConfig` reads them."""
    groups: dict[str, Any] = {}
    for name, param in PARAMS.items():
        group = groups.get(param.group) or parser.add_argument_group(param.group)
        groups[param.group] = group
        description = f"{param.help} ({_allowed(name)}; {_default(name)})"
        group.add_argument(
            "--" + name.replace("_", "-"),
            dest=name,
            metavar=_what_to_write(param),
            nargs="?" if param.kind == "bool" else None,
            const="true" if param.kind == "bool" else None,
            help=description.replace("%", "%%"),
        )


def _what_to_write(param: Param) -> str:
    return "|".join(map(str, param.choices)) if param.kind == "choice" else param.kind.upper()


def processes(text: str) -> int:
    """A number of processes that train, for argparse."""
    from ncengine.jobs.shards import WORKERS_ALLOWED, worker_count

    try:
        return worker_count(whole(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text:.80}: {WORKERS_ALLOWED}") from None


def _allowed(name: str) -> str:
    """What values are allowed, and for which data sets it is something else."""
    exceptions = (
        (dataset, bounds[name]) for dataset, bounds in _bounds().items() if name in bounds
    )
    return _with_exceptions(PARAMS[name].allowed, exceptions)


def _default(name: str) -> str:
    """The default, and the data sets and architectures that have another one."""
    usual = PARAMS_DEFAULTS[name]
    exceptions = {
        dataset: defaults_of(dataset, "").get(name, usual)
        for dataset, bounds in _bounds().items()
        if name in bounds
    }
    exceptions |= {
        architecture: values[name]
        for architecture in ARCHITECTURES
        if name in (values := _defaults_of_architecture(architecture))
    }
    texts = ((who, f"default {as_text(value)}") for who, value in exceptions.items())
    return _with_exceptions(f"default {as_text(usual)}", texts)


def _defaults_of_architecture(architecture: str) -> dict[str, Any]:
    """Those that it has whatever the data set."""
    dataset = PARAMS_DEFAULTS["dataset"]
    of_dataset = defaults_of(dataset, "")
    both = defaults_of(dataset, architecture)
    return {name: value for name, value in both.items() if name not in of_dataset}


def _with_exceptions(usual: str, exceptions: Iterable[tuple[str, str]]) -> str:
    """The usual text, then each other text after the names that it is for.

    The usual one is left out where every name given has another.
    """
    shared: dict[str, list[str]] = {}
    for who, text in exceptions:
        shared.setdefault(text, []).append(who)
    others = [f"{', '.join(who)}: {text}" for text, who in shared.items() if text != usual]
    return "; ".join([usual, *others] if usual in shared or not shared else others)


@cache
def _bounds() -> dict[str, dict[str, str]]:
    """What is allowed for each field that can apply to a data set, by data set."""
    return {
        dataset: {
            name: param.allowed
            for architecture in architectures(info)
            for name, param in RunConfig(dataset=dataset, architecture=architecture).params.items()
        }
        for dataset, info in DATASETS.items()
    }
