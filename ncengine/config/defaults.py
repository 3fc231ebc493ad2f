"""What data set and architecture make of the fields: their defaults, bounds and choices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ncengine.catalogue.architectures import architecture_info, architectures
from ncengine.catalogue.datasets import DatasetInfo, dataset_info
from ncengine.config.fields import DEEPENING_EPOCHS, KFAC
from ncengine.config.param import Param
from ncengine.config.sizes import image_sides, patch_sizes


def defaults_of(
    dataset: str, architecture: str, start: str = "random", side: int = 0
) -> dict[str, Any]:
    """Defaults that differ for this data set, architecture, start and side of images, by field.

    Those of the data set alone where no `architecture` is named (""), and of images as they are
    published where no side is (0).
    """
    info = dataset_info(dataset)
    patch = {}
    if info.image_shape:
        # Four patches a side of an image, or the next larger number of them.
        whole = side or info.pixels[0]
        patches = [p for p in patch_sizes(info, side) if 4 * p <= whole] or [1]
        patch = {"patch_size": patches[-1], "image_side": info.pixels[0]}
    architecture_defaults = dict(architecture_info(architecture).defaults) if architecture else {}
    budget = {"epochs": DEEPENING_EPOCHS} if start == "deepening" else {}
    if architecture and len(norms := architecture_info(architecture).norms) == 1:
        architecture_defaults["norm"] = norms[0]
    return {**info.defaults, **patch, **architecture_defaults, **budget}


def limits(info: DatasetInfo) -> dict[str, int]:
    """The most that fields can be for this data set."""
    return {"classes": info.classes, "samples_per_class": info.max_samples_per_class}


def bounded(name: str, param: Param, dataset: str, architecture: str = "", side: int = 0) -> Param:
    """The field's `Param` with the bounds and choices that data set and architecture set.

    And, of patches, the side of images; 0 for those published.
    """
    info = dataset_info(dataset)
    if name == "norm" and architecture:
        norms = architecture_info(architecture).norms
        return replace(param, choices={choice: param.choices[choice] for choice in norms})
    if name == "solver" and architecture and not architecture_info(architecture).has_network:
        # There is no curvature to look at.
        choices = {choice: text for choice, text in param.choices.items() if choice != KFAC}
        return replace(param, choices=choices)
    if name == "architecture":
        return replace(
            param, choices={choice: param.choices[choice] for choice in architectures(info)}
        )
    if name == "image_side" and info.image_shape:
        return replace(param, choices={each: param.choices[each] for each in image_sides(info)})
    if name == "patch_size" and info.image_shape:
        sizes = patch_sizes(info, side)
        return replace(param, choices={p: _patches_text(info, p, side) for p in sizes})
    most = limits(info).get(name)
    if most is None:
        return param
    high = min(param.high, most)
    return replace(param, high=high, suggested=tuple(v for v in param.suggested if v <= high))


def _patches_text(info: DatasetInfo, size: int, side: int) -> str:
    height, width, _ = info.pixels
    height, width = (side, side) if side else (height, width)
    return f"{size} px: {height // size} × {width // size} patches"
