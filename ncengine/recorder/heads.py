"""A classifier's head: the linear layer that gives its logits, found by what it does."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from ncengine.recorder.affine import Affine, affine
from ncengine.recorder.calls import Call, listening
from ncengine.recorder.outputs import Place, as_rows, channels_first, logits_of, places, positions
from ncengine.recorder.probe import Batch
from ncengine.recorder.relation import (
    Relation,
    apart,
    by_position,
    close,
    leading,
    picked,
    relation,
    running_means,
)

# What counts as a linear layer where candidates are named.
_LINEAR = ("Linear", "Conv1d", "Conv2d", "Conv1D")
MOST_NAMED = 6


class HeadNotFound(ValueError):
    """No layer gives the logits, or none of the name asked for; says which candidates there are."""


@dataclass(frozen=True)
class Part:
    """A linear layer of the head.

    Attributes:
        name: of its module; of a function that it is one.
        module: None where it is a function.
        relation: how the logits, or its share of them, come from what it gives.
        turned: whether samples are on the second axis of what it is given, as of sequences.
        assumed: whether it was named although the logits are something else than what it gives.
    """

    name: str
    module: nn.Module | None
    relation: Relation = field(default_factory=Relation)
    turned: bool = False
    assumed: bool = False

    def is_of(self, call: Call) -> bool:
        """Whether the call is one of this layer."""
        return call.module is self.module


@dataclass(frozen=True)
class Head:
    """The layers that give the logits: one, or several of which they are the mean or the sum.

    Attributes:
        parts: the layers.
        share: by which each is multiplied.
        width: d, the numbers in a feature; of several layers, of all together.
        classes: K.
        place: of the logits among what the model gives.
    """

    parts: tuple[Part, ...]
    share: float
    width: int
    classes: int
    place: Place = None

    def __str__(self) -> str:
        names = " and ".join(part.name or "the model itself" for part in self.parts)
        said = self.parts[0].relation.said
        if len(self.parts) > 1:
            said = "their mean" if self.share < 1 else "their sum"
        return f"{names}: {self.width} → {self.classes}{', ' + said if said else ''}"

    @property
    def modules(self) -> list[tuple[str, nn.Module]]:
        """Those to listen to, by name."""
        return [(part.name, part.module) for part in self.parts if part.module is not None]

    @property
    def of_function(self) -> bool:
        """Whether there is a layer that no module stands for."""
        return any(part.module is None for part in self.parts)

    def read(self, calls: Sequence[Call], logits: Tensor) -> list[tuple[Tensor, Call]]:
        """Of each layer the features (B, d) that gave these logits, and the call.

        Raises:
            HeadNotFound: a layer was not called, or what it gave does not lead to the logits.
        """
        return [self._read(part, calls, logits) for part in self.parts]

    def _read(self, part: Part, calls: Sequence[Call], logits: Tensor) -> tuple[Tensor, Call]:
        own = [call.turn() if part.turned else call for call in calls if part.is_of(call)]
        if part.module is None:
            own = self._of_function(own, logits)
        if not own:
            raise HeadNotFound(
                f"head: {part.name} was not called as the model ran, so nothing is known of what "
                "it is given: if others give the logits by now, begin another recorder; exported "
                "and scripted models run without hooks: use observe"
            )
        call = own[-1]
        maps = channels_first(call.module, call.given)
        given = positions(as_rows(call.given), maps)
        if part.relation.over == "mean":
            return given.mean(1), call
        if part.relation.over == "one":
            return given.flatten(1), call
        return _at_place(part, given, call, logits), call

    def _of_function(self, calls: Sequence[Call], logits: Tensor) -> list[Call]:
        """Of all products those that give the logits; where nothing tells, those of the shapes."""
        found = [call for call in calls if relation(call, logits) is not None]
        if found or bool(torch.isfinite(logits).all()):
            return found
        shape = self.width, self.classes
        return [call for call in calls if (call.given.shape[-1], call.gave.shape[-1]) == shape]

    def matrices(self, calls: Sequence[Call], logits: Tensor) -> list[Affine]:
        """(K, d) and (K,) of each layer, and of several of all side by side at last.

        These multiply the features of all, so that the logits come out.

        Args:
            calls: one of each layer, in their order.
            logits: what the model gave then.
        """
        each = [self._matrix(*pair, logits) for pair in zip(self.parts, calls, strict=True)]
        if len(each) == 1:
            return each
        given = [bias for _, bias in each if bias is not None]
        total = torch.stack(given).sum(0) if given else None
        return [*each, (torch.cat([matrix for matrix, _ in each], 1), total)]

    def _matrix(self, part: Part, call: Call, logits: Tensor) -> Affine:
        found, how = affine(call, known=True), part.relation
        if found is None:
            raise HeadNotFound(f"head: {part.name} is no linear layer any more")
        if len(self.parts) == 1 and not part.assumed:
            # Read anew: it may be trained as well.
            how = relation(call, logits) or how
        factor: Any = self.share * how.factor
        if how.each is not None:
            factor = factor * how.each.to(found[0].dtype)
        matrix = (factor if how.each is None else factor[:, None]) * found[0]
        bias = None if found[1] is None else factor * found[1]
        if how.shift is None:
            return matrix, bias
        shift = how.shift.to(matrix.dtype)
        return matrix, shift if bias is None else bias + shift

    def off(self, calls: Sequence[Call], logits: Tensor) -> float:
        """By how much the logits are not what the layers gave any more, of their size.

        Args:
            calls, logits: as of `matrices`.
        """
        # Where a position is picked, that was asked already.
        if any(part.assumed or part.relation.over in ("picked", "leading") for part in self.parts):
            return 0.0
        if len(self.parts) == 1 and relation(calls[0], logits) is not None:
            return 0.0
        each = [by_position(call) for call in calls]
        given = [p.relation.of(g) for p, g in zip(self.parts, each, strict=True) if g is not None]
        return apart(self.share * torch.stack(given).sum(0), logits) if given else 0.0


def _at_place(part: Part, given: Tensor, call: Call, logits: Tensor) -> Tensor:
    """Of features (B, T, d) those (B, d) that the logits are of."""
    gave, exact = by_position(call), as_rows(logits).double()
    of_all = part.relation.over == "leading"
    place = None if gave is None else (leading if of_all else picked)(gave, exact)
    if gave is None or place is None:
        raise HeadNotFound(
            f"head: {part.name} gives the logits of no position any more: the model does "
            "something else than on the first batch"
        )
    if of_all:
        given = running_means(given.double()).to(given.dtype)
    found = given[torch.arange(len(given), device=given.device), place]
    if not of_all:
        alike = (gave == exact[:, None]).all(-1)
        if bool((alike & (given != found[:, None]).any(-1)).any()):
            raise HeadNotFound(
                f"head: {part.name} gives the same logits at several positions, of other features "
                "each, as one of zeros does: nothing tells which of them the model picks"
            )
    return found


def find(model: nn.Module, batch: Batch, labels: Tensor | None = None) -> Head:
    """The head of a model in evaluation mode, by what it does with a batch.

    The layer whose output is the logits: the same tensor, or the same numbers after the model's
    own choice of a position, a mean over them, a bias, a factor or a softmax. Where there is
    none, the layers of which the logits are the mean or the sum.

    Args:
        labels: of some samples. Where a model gives several vectors, such as features beside the
            logits, they tell how many classes there are at least.

    Raises:
        HeadNotFound: there is none; says which candidates there are, and what `head` can be.
    """
    heard = {place: _heard(model, batch, place) for place in places(batch.call(model))}
    found = []
    for place, (calls, logits) in heard.items():
        head = _single(calls, logits) or _several(calls, logits)
        if head is not None:
            found.append((replace(head, place=place), calls, logits))
    if not found:
        _none(*next(iter(heard.values())))
    return _of_classes(found, labels) if len(found) > 1 else found[0][0]


def _of_classes(found: Sequence[tuple[Head, list[Call], Tensor]], labels: Tensor | None) -> Head:
    """Of the heads of several outputs that of the classes: features are wider, as a rule, and are
    what another head reads."""
    read = [head.read(calls, logits)[0][0] for head, calls, logits in found]
    least = 2 if labels is None else 1 + int(labels.max())

    def unlike(place: int) -> tuple[bool, bool, int]:
        head, _, logits = found[place]
        is_read = any(
            rows.shape == logits.shape and bool((rows == as_rows(logits)).all())
            for n, rows in enumerate(read)
            if n != place
        )
        return head.classes < least, is_read, head.classes

    return found[min(range(len(found)), key=unlike)][0]


def named(model: nn.Module, batch: Batch, head: str | nn.Module) -> Head:
    """The head that is asked for, by name or as the module itself.

    Raises:
        HeadNotFound: there is no such module, it is not called, or it is not linear.
    """
    name, module = _module(model, head)
    heard = {place: _heard(model, batch, place) for place in places(batch.call(model))}
    # Where the model gives several vectors, those that this layer leads to; or of as many classes.
    place = min(heard, key=lambda place: _leads_to(module, *heard[place]))
    calls, logits = heard[place]
    own = [call for call in calls if call.module is module]
    if not own:
        raise HeadNotFound(
            f"head = {name!r}: was not called as the model ran; {_offer(calls, logits)}"
        )
    matches = [(call, relation(call, logits)) for call in own]
    call, found = next(((c, r) for c, r in reversed(matches) if r is not None), (own[-1], None))
    if affine(call) is None:
        raise HeadNotFound(f"head = {name!r}: is not linear; {_offer(calls, logits)}")
    if found is None:
        # Whoever names it knows why the logits are something else: an ensemble, an angle's margin.
        gave = positions(call.gave, channels_first(module, call.gave))
        how = Relation("mean" if gave.shape[1] > 1 else "one")
        made = _made([(call, how)], 1.0)
        made = replace(made, parts=(replace(made.parts[0], assumed=True),))
    else:
        made = _made([(call, found)], 1.0)
    return replace(made, place=place)


def _leads_to(module: nn.Module, calls: Sequence[Call], logits: Tensor) -> int:
    """0 where its output leads to the logits, 1 where it could, 2 where it was not heard."""
    own = [call for call in calls if call.module is module]
    return 2 if not own else int(all(relation(call, logits) is None for call in own))


def _module(model: nn.Module, head: str | nn.Module) -> tuple[str, nn.Module]:
    modules = dict(model.named_modules())
    if isinstance(head, nn.Module):
        inner = getattr(head, "_orig_mod", head)
        name = next((name for name, one in modules.items() if one is inner), None)
        if name is None:
            raise HeadNotFound(f"head: {type(head).__name__}, is no part of the model")
        return name, inner
    name = head.replace("_orig_mod.", "").removeprefix("module.")
    for tried in (head, name):
        if tried in modules:
            return tried, modules[tried]
    near = difflib.get_close_matches(head, list(modules), 3, 0.4) or list(modules)[-3:]
    raise HeadNotFound(f"head = {head!r}: there is no such module; there is {', '.join(near)}")


def _heard(model: nn.Module, batch: Batch, place: Place) -> tuple[list[Call], Tensor]:
    """All calls that could have given the logits, and the logits."""
    samples, classes = logits_of(batch.call(model), place).shape
    calls: list[Call] = []

    def heard(call: Call) -> None:
        shape = call.gave.shape
        if len(shape) >= 2 and classes in (shape[-1], shape[1]):
            calls.append(call.kept())
            if len(shape) == call.given.ndim == 3 and shape[1] == call.given.shape[1] == samples:
                calls.append(calls[-1].turn())

    modules = [(name, module) for name, module in model.named_modules() if name]
    with listening(modules or [("", model)], heard, functions=True):
        logits = logits_of(batch.call(model), place)
    return calls, logits


def _single(calls: Sequence[Call], logits: Tensor) -> Head | None:
    # Modules before functions, which compute what these give; the same tensor before the same
    # numbers, which a layer of zeros may have by chance; the first, behind which others pass on.
    of_modules = [call for call in calls if call.module is not None]
    functions = [call for call in calls if call.module is None]
    for some in (of_modules, functions):
        for alike in (True, False):
            for call in some:
                if call.is_at(logits) is not alike:
                    continue
                found = relation(call, logits)
                if found is not None and affine(call) is not None:
                    return _made([(call, found)], 1.0)
    return None


def _several(calls: Sequence[Call], logits: Tensor) -> Head | None:
    """Two layers or all that give one vector a sample, of which the logits are mean or sum."""
    if logits.device.type == "meta":
        return None
    linear: dict[int, tuple[Call, Tensor]] = {}
    for call in calls:
        gave = by_position(call)
        fits = gave is not None and gave.shape[1:] == (1, logits.shape[1])
        if fits and gave is not None and call.module is not None and affine(call) is not None:
            # What passes a tensor on gives the same one.
            if not any(_passes_on(call, other) for other, _ in linear.values()):
                linear[id(call.module)] = (call, gave[:, 0])
    exact = as_rows(logits).double()
    half = logits.dtype in (torch.float16, torch.bfloat16)
    groups = [*combinations(linear.values(), 2), tuple(linear.values())]
    for group in groups:
        total: Any = sum(gave for _, gave in group)
        for share in (1 / max(len(group), 1), 1.0):
            if len(group) > 1 and close(share * total, exact, half):
                return _made([(call, Relation()) for call, _ in group], share)
    return None


def _passes_on(call: Call, other: Call) -> bool:
    assert other.passed_on is not None
    return call.is_at(other.passed_on[0])


def _made(found: Sequence[tuple[Call, Relation]], share: float) -> Head:
    def length(call: Call, values: Tensor) -> int:
        return values.shape[1 if channels_first(call.module, values) else -1]

    parts = tuple(Part(call.name, call.module, how, call.turned) for call, how in found)
    width = sum(length(call, call.given) for call, _ in found)
    return Head(parts, share, width, length(found[0][0], found[0][0].gave))


def _none(calls: Sequence[Call], logits: Tensor) -> NoReturn:
    raise HeadNotFound(
        f"head: no linear layer gives the logits, of shape {tuple(logits.shape)}"
        f"{_not_finite(logits)}; {_offer(calls, logits)}"
    )


def _not_finite(logits: Tensor) -> str:
    """What is to be said where no numbers can be compared."""
    if logits.device.type == "meta" or bool(torch.isfinite(logits).all()):
        return ""
    return ", which are not finite"


def _offer(calls: Sequence[Call], logits: Tensor) -> str:
    """Which candidates there are, and what to do."""
    found: dict[str, str] = {}
    for call in calls:
        if type(call.module).__name__.startswith(_LINEAR) or isinstance(call.module, nn.Linear):
            shapes = f"{tuple(call.given.shape)} → {tuple(call.gave.shape)}"
            found[call.name] = f"{call.name} ({type(call.module).__name__}, {shapes})"
    some = list(found.values())[-MOST_NAMED:]
    candidates = f"candidates: {'; '.join(some)}" if some else "there is no candidate"
    return (
        f"{candidates}. head= takes the name of a module, the module, or a function of the model "
        "and its inputs that gives features (B, d), weight (K, d) and bias (K,) or None"
    )
