"""Training as a generator of snapshots. It knows nothing of who looks on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ncengine.architectures.build import initial_parameters
from ncengine.architectures.inputs import along_principal_axes, network_inputs
from ncengine.architectures.layers import Layer
from ncengine.architectures.starting import starts
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.costs.curvature import passes_for_curvature
from ncengine.datasets import Data
from ncengine.snapshots.measure import (
    features_of_layers,
    measure_collapse,
    measure_geometry,
    measure_layers,
    measure_test,
    not_taken,
    without_test,
)
from ncengine.snapshots.names import OF_LAYERS, TESTED
from ncengine.snapshots.plan import layer_passes, shown, shown_in_layers, snapshot_passes
from ncengine.theory.optimum import floor_of
from ncengine.training.curvature import curvature
from ncengine.training.objective import Evaluation, Objective
from ncengine.training.principal_axes import PrincipalAxes
from ncengine.training.solvers import make_solver
from ncengine.training.solvers.base import taken
from ncengine.training.solvers.preconditioner import preconditioners

# So near to the floor, float32 is not enough to tell on which side of it an objective is.
NEAR_FLOOR = 1e-5


def is_over(state: Mapping[str, Any]) -> bool:
    """Whether no seed can go on from what `Training.state` gave."""
    resting = state.get("solver.resting", False)
    return bool(np.all(resting | np.asarray(state["solver.diverged"], bool)))


@dataclass(frozen=True)
class Step:
    """One pass over the data is done; at some of them there is a snapshot.

    Attributes:
        passes: passes done.
        snapshot: None, or arrays by name: every curve of `runs.PER_SEED` but the gap, of
            shape (R,); at some, the arrays of `runs.Geometry` and of `runs.Layers` for that
            moment too.
    """

    passes: int
    snapshot: dict[str, np.ndarray] | None


class Computed(NamedTuple):
    """The layers that a pass has computed anyway.

    Attributes:
        layers: of all seeds; () where it did not keep them.
        at_iterates: (R,) of which seeds they were computed at the iterate that the pass ends with.
    """

    layers: tuple[Layer, ...]
    at_iterates: np.ndarray


class Training:
    """Trains all seeds of a configuration; `state` at any step lets another go on from there.

    Args:
        config: the experiment.
        data: its samples, training split sorted by class.
        device: where to compute.
        seeds: those of the configuration's seeds to train; all by default. What a seed comes to
            does not depend on which others are trained beside it.
        origin: (R, P) trained parameters of `config.origin` for these seeds, where that is
            what the training starts from.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Data,
        device: torch.device,
        seeds: tuple[int, ...] | None = None,
        origin: np.ndarray | None = None,
    ):
        # As many samples are shown as if all seeds were here.
        each = len(data.test) // config.classes
        indices = shown(config, each)
        in_layers = indices["sample_index"][shown_in_layers(config)]
        self.plan = layer_passes(config)
        self.config = config = config if seeds is None else config.with_(seeds=seeds)
        self.dtype = getattr(torch, config.precision)
        self.device = device
        self.data = data
        self._see_along(
            PrincipalAxes.of(data.train.inputs) if along_principal_axes(config) else None
        )
        labels = self.train.labels
        self.shown = torch.from_numpy(indices["sample_index"]).to(device)
        self.shown_in_layers = torch.from_numpy(in_layers).to(device)
        self.tested = np.full(len(self.config.seeds), each)
        self.shown_test = torch.from_numpy(indices["test_index"]).to(device)
        self.batches = -(-len(labels) // config.batch_size) if config.batch_size else 1
        self.solver = make_solver(config, config.budget * self.batches)
        self.solver.start(self._start(origin))
        self.floor = floor_of(config)
        self.for_curvature = passes_for_curvature(config)
        self.passes = 0
        self.iterates = self.solver.theta.clone()
        # What was computed at `iterates`, without the gradient; None where it is to be computed.
        self.held: Evaluation | None = None

    def _start(self, parameters: np.ndarray | None) -> Tensor:
        """(R, P) where each seed begins: of several ways to start from another the lowest."""
        origin = self.config.origin
        if origin is None:
            return self._turned(initial_parameters(self.config, self.dtype)).to(self.device)
        if parameters is None:
            raise ValueError(f"origin = None: must be the parameters of {origin.title()}")
        ways = starts(self.config, origin, torch.tensor(parameters, dtype=self.dtype))
        ways = [self._turned(way).to(self.device) for way in ways]
        costs = torch.stack([self.train.evaluate(way, gradient=False).loss for way in ways])
        best = costs.argmin(0)
        return torch.stack(ways)[best, torch.arange(len(best), device=best.device)]

    def _see_along(self, axes: PrincipalAxes | None) -> None:
        """Take the samples, along their principal axes where these are given."""
        self.axes = axes
        self.train = Objective(self.config, *self._tensors(self.data.train))
        # Free features belong to training samples; of others they know nothing.
        tested = architecture_info(self.config.architecture).has_network
        self.test = Objective(self.config, *self._tensors(self.data.test)) if tested else None

    def _turned(self, parameters: Tensor) -> Tensor:
        if self.axes is None:
            return parameters
        return torch.from_numpy(self.axes.turned(self.config, parameters.numpy()))

    def parameters(self) -> np.ndarray:
        """(R, P) those that the training stands at, of networks that read inputs as they are."""
        parameters = self.iterates.cpu().numpy()
        return parameters if self.axes is None else self.axes.turned_back(self.config, parameters)

    def _tensors(self, split: Any) -> tuple[Tensor, Tensor]:
        inputs = network_inputs(self.config, split.inputs)
        if self.axes is not None:
            inputs = self.axes.inputs(inputs, self.config.precision)
        whole = np.issubdtype(inputs.dtype, np.integer)
        return (
            torch.tensor(inputs, dtype=torch.int64 if whole else self.dtype, device=self.device),
            torch.tensor(split.labels, dtype=torch.int64, device=self.device),
        )

    def steps(self) -> Iterator[Step]:
        """One `Step` a pass, until the budget is spent or no seed can go on."""
        metric_passes, geometry_passes = snapshot_passes(self.config.budget)
        self._at_iterates()
        one_pass = self._full_pass if self.batches == 1 else self._mini_batch_pass
        while self.passes < self.config.budget and not self._over():
            if self.passes in self.for_curvature:
                computed = self._curvature_pass()
            else:
                computed = one_pass(self.passes + 1 in geometry_passes)
            self.passes += 1
            last = self.passes == self.config.budget or self._over()
            snapshot = None
            if last or self.passes in metric_passes:
                geometry = last or self.passes in geometry_passes
                snapshot = self._snapshot(computed, geometry=geometry, last=last)
            yield Step(self.passes, snapshot)

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, between two steps."""
        return {
            "passes": self.passes,
            "iterates": self.iterates.cpu().numpy(),
            **({} if self.axes is None else {f"along.{n}": v for n, v in vars(self.axes).items()}),
            **{f"solver.{name}": value for name, value in self.solver.state().items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where the training that gave `state` stood."""
        self.passes = int(state["passes"])
        if self.axes is not None:
            # On another machine these may differ, by rounding.
            self._see_along(PrincipalAxes(state["along.mean"], state["along.axes"]))
        self.iterates = taken(state["iterates"], self.iterates)
        prefix = "solver."
        solver = {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
        self.solver.restore(solver, self.iterates)

    @property
    def diverged(self) -> np.ndarray:
        """(R,) seeds that diverged."""
        return self.solver.diverged

    def _over(self) -> bool:
        return bool((self.solver.resting | self.solver.diverged).all())

    def _full_pass(self, look: bool) -> Computed:
        theta = self.solver.theta
        evaluation = self.train.evaluate(theta, layers=look and self.train.in_one_sweep)
        before = theta.clone()
        accepted = self.solver.step(evaluation.loss, evaluation.gradient)
        self._hold(evaluation, accepted)
        keep = torch.from_numpy(accepted).to(self.device)
        self.iterates = torch.where(keep[:, None], before, self.iterates)
        return Computed(evaluation.layers, accepted & bool(evaluation.layers))

    def _curvature_pass(self) -> Computed:
        """Spend a pass on the second derivative; the first of several is the one that does it."""
        if self.passes - 1 not in self.for_curvature:
            factors = curvature(self.train, self.iterates, self.passes)
            decay, exact = self.train.decay, self.config.loss == "MSE"
            inverses = preconditioners(factors, self.train.shapes, decay, self.iterates, exact)
            self.solver.precondition(inverses)
        return Computed((), np.zeros(len(self.iterates), bool))

    def _mini_batch_pass(self, look: bool) -> Computed:
        for index in self._batches():
            objective = Objective(self.config, self.train.inputs[index], self.train.labels[index])
            evaluation = objective.evaluate(self.solver.theta)
            self.solver.step(evaluation.loss, evaluation.gradient)
        self.iterates = self.solver.theta.clone()
        self.held = None
        return Computed((), np.zeros(len(self.iterates), bool))

    def _batches(self) -> Iterator[Tensor]:
        """(R, b) sample indices of each batch; a seed's order depends on seed and pass alone."""
        orders = [
            np.random.default_rng([seed, self.passes]).permutation(len(self.train.labels))
            for seed in self.config.seeds
        ]
        order = torch.from_numpy(np.stack(orders)).to(self.device)
        return iter(order.split(self.config.batch_size, dim=1))

    def _hold(self, evaluation: Evaluation, accepted: np.ndarray) -> None:
        """Take over the seeds for which the evaluation was made at an iterate."""
        if self.held is None or accepted.all():
            self.held = replace(evaluation, grad=None, layers=())
        else:
            self.held = evaluation.where(accepted, self.held)

    def _at_iterates(self) -> Evaluation:
        if self.held is None:
            self.held = self.train.evaluate(self.iterates, gradient=False)
        return self.held

    def _snapshot(self, computed: Computed, *, geometry: bool, last: bool) -> dict[str, np.ndarray]:
        held = self._at_iterates()
        features, weight = held.features, held.last_weight
        snapshot = {
            name: getattr(held, name).cpu().numpy()
            for name in ("loss", "fit", "decay_hidden", "decay_last", "accuracy")
        }
        near = self._is_near_floor(snapshot["loss"])
        if near.any():
            exact = self._exact(snapshot, held)
            snapshot |= {name: np.where(near, exact[name], snapshot[name]) for name in exact}
        labels = self.train.labels
        snapshot |= measure_collapse(features, labels, weight)
        snapshot |= not_taken(len(self.config.seeds))
        if geometry:
            snapshot |= measure_geometry(features, labels, weight, self.shown)
            snapshot |= self._test(features)
            snapshot |= self._of_layers(features, computed, last)
        for name in (*snapshot,):
            if len(snapshot[name]) == len(self.config.seeds):
                snapshot[name][self.diverged] = np.nan
        if geometry:
            snapshot[TESTED] = self.tested
        return {"epoch": np.array(self.passes), "diverged": self.diverged.copy(), **snapshot}

    def _of_layers(self, features: Tensor, computed: Computed, last: bool) -> dict[str, np.ndarray]:
        """What is recorded of every layer, given what the last one puts out."""
        means, shown = (last or self.passes in passes for passes in self.plan)
        at_hand = computed.at_iterates
        parts = [(np.flatnonzero(at_hand), computed.layers)] if at_hand.any() else []
        for rows in self._at_once(np.flatnonzero(~at_hand)):
            # What the training did not hold is computed again.
            again = self.train.evaluate(self.iterates[rows], gradient=False, layers=True)
            parts.append((rows, again.layers))
        results = [self._measured(rows, layers, features, means, shown) for rows, layers in parts]
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        joined = {
            name: np.concatenate([result[name] for result in results])[order] for name in results[0]
        }
        joined["decay"] = self.train.block_decay(self.iterates).cpu().numpy()
        return {f"{OF_LAYERS}{name}": values for name, values in joined.items()}

    def _at_once(self, rows: np.ndarray) -> list[np.ndarray]:
        """These seeds, as many at once as there is memory for their layers."""
        if not len(rows):
            return []
        return [rows] if self.train.in_one_sweep else np.split(rows, len(rows))

    def _measured(
        self,
        rows: np.ndarray,
        layers: tuple[Layer, ...],
        features: Tensor,
        means: bool,
        shown: bool,
    ) -> dict[str, np.ndarray]:
        """What is recorded of every layer of the seeds in these rows."""
        if len(rows) < len(layers[0].stream):
            layers = tuple(Layer(*(part[rows] for part in layer)) for layer in layers)
        # What is read of the last one comes from where the run's own metrics do.
        layers = (*layers[:-1], Layer(layers[-1].stream, features[rows]))
        arrays = measure_layers(layers, self.train.labels, self.config.classes)
        if not means:
            del arrays["class_means"]
        if shown:
            arrays["features"] = features_of_layers(layers, self.shown_in_layers)
        return arrays

    def _is_near_floor(self, loss: np.ndarray) -> np.ndarray:
        """(R,) whether single precision may put the loss on the wrong side of the floor."""
        if self.floor is None or self.dtype is torch.float64:
            return np.zeros(len(loss), bool)
        return loss < self.floor + NEAR_FLOOR

    def _exact(self, snapshot: dict[str, np.ndarray], held: Evaluation) -> dict[str, np.ndarray]:
        fit, decay = (
            part.cpu().numpy()
            for part in self.train.exact_last_layer(held.features, held.last_weight, held.last_bias)
        )
        return {"fit": fit, "decay_last": decay, "loss": fit + decay + snapshot["decay_hidden"]}

    def _test(self, features: Tensor) -> dict[str, np.ndarray]:
        """Curves and features of the test samples; of none where there are none."""
        if self.test is None:
            return without_test(features)
        test = self.test.evaluate(self.iterates, gradient=False)
        return measure_test(
            test.features, self.test.labels, test.last_weight, test.accuracy, self.shown_test
        )
