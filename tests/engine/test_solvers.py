"""Solvers against scipy and torch.optim, on standard problems and on a small network."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.optimize import rosen as scipy_rosenbrock
from sklearn.datasets import load_iris

from ncengine.architectures.build import initial_parameters
from ncengine.architectures.shapes import Role
from ncengine.config import RunConfig
from ncengine.datasets import load
from ncengine.training.objective import Objective
from ncengine.training.solvers import LBFGS, Adam, Rate, Sgd, WarmStart, make_solver
from ncengine.training.solvers.line_search import CURVATURE, SUFFICIENT_DECREASE, LineSearch


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def ill_conditioned(x):
    scales = torch.logspace(0, 4, len(x), dtype=x.dtype)
    return (scales * (x - 1) ** 2).sum() / 2 + ((x - 1) ** 4).sum()


def log_sum(x):
    a = torch.linspace(-1, 1, 7 * len(x), dtype=x.dtype).view(7, -1).sin() * 3
    return torch.logsumexp(a @ x, 0) + 0.05 * x @ x


PROBLEMS = {"rosenbrock": rosenbrock, "ill-conditioned": ill_conditioned, "log-sum": log_sum}


def evaluate(function, theta):
    """Loss (R,) and gradient (R, P) of the same function for every seed."""
    x = theta.detach().clone().requires_grad_()
    loss = torch.stack([function(row) for row in x])
    (grad,) = torch.autograd.grad(loss.sum(), x)
    return loss.detach(), grad


def solve(solver, function, start, evaluations):
    """Runs a solver; gives the loss of each accepted iterate by seed, and the last of them."""
    solver.start(start.clone())
    accepted = [[] for _ in start]
    points = start.clone()
    for _ in range(evaluations):
        theta = solver.theta.clone()
        loss, grad = evaluate(function, theta)
        for r, is_iterate in enumerate(solver.step(loss, grad)):
            if is_iterate:
                accepted[r].append(loss[r].item())
                points[r] = theta[r]
        if (solver.resting | solver.diverged).all():
            break
    return accepted, points


@pytest.mark.parametrize("name", PROBLEMS)
def test_lbfgs_reaches_the_optimum_that_scipy_reaches(name):
    function = PROBLEMS[name]
    rng = np.random.default_rng(3)
    start = torch.from_numpy(rng.normal(size=(4, 12)))
    solver = LBFGS(history=10)
    accepted, points = solve(solver, function, start, 600)

    def value_and_grad(x):
        loss, grad = evaluate(function, torch.from_numpy(x)[None])
        return loss.item(), grad[0].numpy()

    for r in range(4):
        scipys = minimize(
            value_and_grad,
            start[r].numpy(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10},
        )
        assert accepted[r][-1] <= scipys.fun + 1e-8
        if accepted[r][-1] > scipys.fun - 1e-6:  # the same one of several minima
            np.testing.assert_allclose(points[r].numpy(), scipys.x, atol=2e-4)
        assert all(b <= a for a, b in zip(accepted[r], accepted[r][1:], strict=False))
    assert not solver.diverged.any()


def test_rosenbrock_here_is_scipys():
    x = np.random.default_rng(0).normal(size=9)
    assert rosenbrock(torch.from_numpy(x)).item() == pytest.approx(scipy_rosenbrock(x))


def network_objective():
    x, y = load_iris(return_X_y=True)
    x = torch.from_numpy((x - x.mean(0)) / x.std(0))
    config = RunConfig(
        dataset="gaussian",
        input_dim=4,
        classes=3,
        samples_per_class=50,
        depth=3,
        width=8,
        weight_decay=0.01,
        seeds=3,
        precision="float64",
    )
    return Objective(config, x, torch.from_numpy(y)), initial_parameters(config, torch.float64)


def test_lbfgs_does_as_well_as_torchs_on_a_small_network():
    objective, theta = network_objective()
    solver = LBFGS(history=20)
    solver.start(theta.clone())
    best = np.full(3, np.inf)
    for _ in range(300):
        evaluation = objective.evaluate(solver.theta)
        accepted = solver.step(evaluation.loss, evaluation.grad)
        best[accepted] = evaluation.loss.numpy()[accepted]
    for r in range(3):
        point = theta[r : r + 1].clone().requires_grad_()
        torchs = torch.optim.LBFGS(
            [point],
            max_iter=300,
            max_eval=300,
            history_size=20,
            line_search_fn="strong_wolfe",
            tolerance_grad=0,
            tolerance_change=0,
        )

        def closure(point=point):
            evaluation = objective.evaluate(point.detach().expand(3, -1).contiguous())
            point.grad = evaluation.grad[:1].clone()
            return evaluation.loss[0]

        torchs.step(closure)
        reached = closure().item()
        # Where two good solvers end on a non-convex objective differs by a little either way.
        assert best[r] <= reached * 1.05


def test_lbfgs_seeds_do_not_touch_each_other():
    rng = np.random.default_rng(5)
    start = torch.from_numpy(rng.normal(size=(3, 6)))
    broken = start.clone()
    broken[1] = math.nan
    together, _ = solve(LBFGS(), rosenbrock, start, 40)
    beside_nan, _ = solve(LBFGS(), rosenbrock, broken, 40)
    alone, _ = solve(LBFGS(), rosenbrock, start[2:], 40)
    assert together[0] == beside_nan[0]
    assert together[2] == beside_nan[2] == alone[0]
    assert beside_nan[1] == []


def test_a_seed_that_is_no_number_any_more_has_diverged():
    for solver in (LBFGS(), Adam(Rate(0.1, 10)), Sgd(Rate(0.1, 10), 0.9)):
        start = torch.ones(2, 3, dtype=torch.float64)
        start[0] = math.nan
        solve(solver, rosenbrock, start, 5)
        assert solver.diverged.tolist() == [True, False]


def test_lbfgs_at_the_optimum_rests_and_has_not_diverged():
    solver = LBFGS()
    solve(solver, ill_conditioned, torch.randn(2, 5, dtype=torch.float64), 400)
    assert solver.resting.all()
    assert not solver.diverged.any()


def test_lbfgs_that_cannot_descend_has_diverged():
    def wrong_gradient(theta):
        loss, grad = evaluate(rosenbrock, theta)
        return loss, -grad

    for trained in (False, True):
        solver = LBFGS(trained=trained)
        solver.start(torch.zeros(1, 4, dtype=torch.float64))
        for _ in range(100):
            solver.step(*wrong_gradient(solver.theta))
        # What another training had come to is not lost for that.
        assert solver.diverged.all() != trained and solver.resting.all() == trained


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: Adam(Rate(0.02, 200)), lambda p: torch.optim.Adam([p], lr=0.02)),
        (lambda: Sgd(Rate(1e-4, 200), 0.9), lambda p: torch.optim.SGD([p], lr=1e-4, momentum=0.9)),
    ],
)
def test_first_order_steps_are_torchs(ours, theirs):
    start = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 7)))
    _, points = solve(ours(), rosenbrock, start, 100)
    for r in range(2):
        point = start[r].clone().requires_grad_()
        optimiser = theirs(point)
        for _ in range(99):
            optimiser.zero_grad()
            rosenbrock(point).backward()
            optimiser.step()
        torch.testing.assert_close(points[r], point.detach(), rtol=1e-9, atol=1e-11)


def test_decoupled_decay_is_torchs():
    """On a network whose objective has the decay in it, which AdamW must not see."""
    config = RunConfig(
        classes=3, samples_per_class=5, width=6, depth=3, seeds=1, precision="float64",
        solver="AdamW", learning_rate=0.02, weight_decay=0.3, decay_schedule="1/L",
    )  # fmt: skip
    split = load(config).train
    inputs = torch.tensor(split.inputs, dtype=torch.float64)
    objective = Objective(config, inputs, torch.tensor(split.labels))
    free = Objective(config.with_(weight_decay=1e-6), inputs, torch.tensor(split.labels))
    start = initial_parameters(config, torch.float64)
    ours = make_solver(config, 100)
    ours.start(start.clone())
    sizes = [shape.size for shape in objective.shapes]
    theirs = [piece[0].clone().requires_grad_() for piece in start.split(sizes, dim=1)]
    decay = {Role.HIDDEN: 0.1, Role.LAST: 0.3}
    optimiser = torch.optim.AdamW(
        [
            {"params": [piece], "weight_decay": decay.get(shape.role, 0.0)}
            for piece, shape in zip(theirs, objective.shapes, strict=True)
        ],
        lr=0.02,
    )
    for _ in range(40):
        evaluation = objective.evaluate(ours.theta)
        ours.step(evaluation.loss, evaluation.grad)
        whole = torch.cat([piece.detach() for piece in theirs])[None]
        fit = free.evaluate(whole).grad - 1e-6 * _decayed(objective.shapes, whole, config.depth)
        for piece, grad in zip(theirs, fit[0].split(sizes), strict=True):
            piece.grad = grad.clone()
        optimiser.step()
    whole = torch.cat([piece.detach() for piece in theirs])[None]
    torch.testing.assert_close(ours.theta, whole, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(ours.theta, start, atol=0.1)


def _decayed(shapes, theta, depth):
    """The gradient of half the squared norms, those of hidden layers over L (1/L)."""
    share = {Role.HIDDEN: 1 / depth, Role.LAST: 1.0}
    scale = [torch.full((shape.size,), share.get(shape.role, 0.0)) for shape in shapes]
    return torch.cat(scale).double() * theta


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        ({}, 0.01),
        ({"norm": "post", "depth": 10}, 0.01),
        ({"norm": "post", "depth": 20}, 0.005),
        ({"norm": "pre", "depth": 20}, 0.01),
        ({"dataset": "gaussian", "input_dim": 1024}, 0.01 * 784 / 1024),
        ({"dataset": "cifar10", "norm": "post", "depth": 40}, 0.01 * 784 / 3072 / 4),
        ({"dataset": "cifar10", "architecture": "UFM"}, 0.01),
        ({"dataset": "imdb", "architecture": "T11", "vocabulary": 5000}, 0.002),
        ({"learning_rate": 0.02}, 0.04),
    ],
)
def test_the_first_steps_are_as_long_as_depth_and_inputs_bear(values, rate):
    config = RunConfig(solver="L-BFGS", warmup=50, **values)
    assert make_solver(config, 100).first.rate.value == pytest.approx(rate)


def test_cosine_rate_is_torchs():
    parameter = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([parameter], lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=17)
    rate = Rate(0.3, 17, cosine=True)
    for step in range(17):
        assert rate.at(step) == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()


@pytest.mark.parametrize("at", [3, 20, 47])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Adam(Rate(0.02, 60, cosine=True)),
        lambda: Sgd(Rate(1e-4, 60), 0.9),
        lambda: WarmStart(Adam(Rate(0.02, 20)), LBFGS(5), 20),
    ],
)
def test_a_saved_state_goes_on_with_the_same_numbers(make, at):
    start = torch.from_numpy(np.random.default_rng(2).normal(size=(2, 6)))
    whole, saved = make(), make()
    whole.start(start.clone())
    saved.start(start.clone())
    for step in range(60):
        if step == at:
            state = {name: np.copy(value) for name, value in saved.state().items()}
            saved = make()
            saved.restore(state, start)
        for solver in (whole, saved):
            solver.step(*evaluate(rosenbrock, solver.theta))
        assert torch.equal(whole.theta, saved.theta)


@pytest.mark.parametrize("first", [1e-6, 1.0, 50.0])
@pytest.mark.parametrize(
    "function",
    [
        lambda t: (t - 2) ** 2,
        lambda t: -t / (t * t + 2),  # Moré and Thuente (1994), test function 1
        lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,  # and 2
        lambda t: 1 - t + math.sin(8 * t) / 10 + 1e-2 * t * t,
        lambda t: math.exp(-t) + t * 0.01 if t < 30 else math.nan,
    ],
)
def test_line_search_ends_where_the_strong_wolfe_conditions_hold(function, first):
    def slope(t):
        h = 1e-6
        return (function(t + h) - function(t - h)) / (2 * h)

    start_value, start_slope = function(0.0), slope(0.0)
    search = LineSearch.begin(start_value, start_slope, first)
    verdict = "trial"
    for _ in range(40):
        t = search.t
        verdict = search.tell(function(t), slope(t))
        if verdict != "trial":
            break
    assert verdict == "accept"
    assert function(t) <= start_value + SUFFICIENT_DECREASE * t * start_slope
    assert abs(slope(t)) <= CURVATURE * abs(start_slope) * 1.001


def test_line_search_without_any_decrease_fails():
    search = LineSearch.begin(0.0, -1.0, 1.0)
    verdicts = set()
    for _ in range(30):
        verdicts.add(search.tell(1.0 + search.t, 1.0))
        if "fail" in verdicts:
            break
    assert verdicts == {"trial", "fail"}
