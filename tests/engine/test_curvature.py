"""K-FAC against Gauss-Newton matrices built entry by entry; directions against dense algebra."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from ncengine.architectures.build import initial_parameters
from ncengine.architectures.layers import linear
from ncengine.architectures.shapes import ParameterShape, Role, parameter_shapes
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC
from ncengine.config.param import ConfigError
from ncengine.config.presets import paper_preset
from ncengine.costs.curvature import (
    LOOKS,
    passes_a_look,
    passes_for_curvature,
    spent_on_curvature,
)
from ncengine.training import curvature as module
from ncengine.training.curvature import Factor, Factors, curvature
from ncengine.training.objective import Objective
from ncengine.training.principal_axes import PrincipalAxes
from ncengine.training.solvers.history import History, PreconditionedHistory
from ncengine.training.solvers.lbfgs import LBFGS, PreconditionedLBFGS
from ncengine.training.solvers.preconditioner import Preconditioner, preconditioners

from .test_solvers import PROBLEMS, evaluate

TINY = {
    "classes": 3,
    "samples_per_class": 1,
    "depth": 3,
    "width": 5,
    "precision": "float64",
    "seeds": 2,
    "solver": KFAC,
    "initial_scale": 1.0,
}


def words(**values):
    two = {**TINY, "classes": 2}
    return RunConfig(**two, dataset="imdb", vocabulary=7, context=6, **values)


def objective(config, samples):
    """On so many samples, whose inputs are made up."""
    rng = np.random.default_rng(3)
    tokens = architecture_info(config.architecture).has_tokens
    shape = {"gaussian": (4,), "digits": (4, 16), "imdb": (6,)}[config.dataset]
    if config.dataset == "imdb":
        x = torch.from_numpy(rng.integers(0, config.vocabulary, (samples, *shape)))
    else:
        x = torch.from_numpy(rng.normal(size=(samples, *shape)))
        if not tokens:
            # As along principal axes: of a few samples the axes are those of each.
            x = torch.diag_embed(torch.linspace(0.5, 2, 4, dtype=torch.float64))[:samples]
    return Objective(config, x, torch.arange(samples) % config.classes)


def over_all_signs(monkeypatch, objective, theta):
    """The factors for every choice of signs, whose mean is exact."""
    samples, classes = len(objective.labels), objective.config.classes
    assert samples == 1
    found = []
    for signs in product([-1.0, 1.0], repeat=classes):
        drawn = torch.tensor(signs, dtype=torch.float64).expand(len(theta), samples, classes)
        monkeypatch.setattr(module, "_signs", lambda *_, drawn=drawn: drawn)
        found.append(curvature(objective, theta, 0))
    return found


def gauss_newton(objective, theta, r):
    """(P, P) of seed r: J^T H J of one sample, by autograd."""
    config = objective.config

    def logits(row):
        from ncengine.architectures.build import features
        from ncengine.architectures.layers import last_layer

        parameters, start = {}, 0
        for shape in objective.shapes:
            parameters[shape.name] = row[start : start + shape.size].view(1, *shape.shape)
            start += shape.size
        read = features(objective.network, parameters, objective.inputs[None])
        return last_layer(parameters, read)[0, 0]

    row = theta[r].clone()
    jacobian = torch.autograd.functional.jacobian(logits, row)
    p = logits(row).softmax(-1)
    h = torch.diag(p) - torch.outer(p, p) if config.loss == "CE" else torch.eye(len(p)).double()
    return jacobian.T @ h @ jacobian


def dense(factor):
    return torch.diag_embed(factor.matrix) if factor.is_diagonal else factor.matrix


@pytest.mark.parametrize("loss", ["CE", "MSE"])
@pytest.mark.parametrize(
    ("architecture", "dataset"),
    [("RN1", "gaussian"), ("RN2", "gaussian"), ("T11", "digits"), ("T22", "digits")],
)
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_of_one_sample_and_token_the_factors_are_exact(
    architecture, dataset, norm, loss, monkeypatch
):
    config = RunConfig(
        **TINY,
        architecture=architecture,
        dataset=dataset,
        norm=norm,
        loss=loss,
        **({"input_dim": 4} if dataset == "gaussian" else {"patch_size": 4}),
    )
    on = objective(config, 1)
    theta = initial_parameters(config, torch.float64)
    found = over_all_signs(monkeypatch, on, theta)
    for r in range(2):
        whole = gauss_newton(on, theta, r)
        start = 0
        for shape in on.shapes:
            block = whole[start : start + shape.size, start : start + shape.size]
            start += shape.size
            if shape.name not in found[0]:
                continue
            rows = torch.stack([dense(of[shape.name].rows)[r] for of in found]).mean(0)
            columns = torch.stack([dense(of[shape.name].columns)[r] for of in found]).mean(0)
            if shape.role is Role.HIDDEN:
                # Of a transformer, what only the last token goes through: the last block.
                size = shape.size // shape.shape[0]
                block, rows, columns = block[-size:, -size:], rows[-1], columns[-1]
            elif shape.role is Role.EMBEDDING and dataset == "digits":
                continue  # several tokens go through it
            torch.testing.assert_close(block, torch.kron(rows, columns), rtol=1e-9, atol=1e-13)


def test_of_several_samples_and_tokens_they_are_the_means(monkeypatch):
    """A over samples and tokens, G over samples of the sum over tokens: by a loop."""
    config = words(architecture="T11")
    on = objective(config, 5)
    theta = initial_parameters(config, torch.float64)
    of = curvature(on, theta, 4)["token_embedding"]
    assert of.rows.is_diagonal and of.given is of.columns
    counts = np.bincount(on.inputs.flatten().numpy(), minlength=7) / (5 * 6)
    np.testing.assert_allclose(of.rows.matrix[1], counts)
    signs = module._signs(on, 5, 4)
    total = torch.zeros_like(of.columns.matrix)
    for i in range(5):
        monkeypatch.setattr(module, "_signs", lambda *_, i=i: signs[:, i : i + 1])
        sample = Objective(config, on.inputs[i : i + 1], on.labels[i : i + 1])
        total += curvature(sample, theta, 4)["token_embedding"].columns.matrix / 5
    torch.testing.assert_close(of.columns.matrix, total)


def test_in_several_sweeps_they_are_the_same(monkeypatch):
    config = RunConfig(**TINY, dataset="digits", architecture="T22", patch_size=4)
    on = objective(config, 7)
    theta = initial_parameters(config, torch.float64)
    at_once = curvature(on, theta, 1)
    on.sweep = 3
    for name, of in curvature(on, theta, 1).items():
        torch.testing.assert_close(of.rows.matrix, at_once[name].rows.matrix)
        torch.testing.assert_close(of.columns.matrix, at_once[name].columns.matrix)


@pytest.mark.parametrize(
    ("architecture", "dataset"),
    [("RN1", "gaussian"), ("RN2", "gaussian"), ("T22", "digits"), ("T11", "imdb")],
)
def test_the_preconditioner_is_the_damped_inverse_and_positive(architecture, dataset):
    if dataset == "imdb":
        config = words(architecture=architecture)
    else:
        size = {"gaussian": {"input_dim": 4}, "digits": {"patch_size": 4}}[dataset]
        config = RunConfig(**TINY, architecture=architecture, dataset=dataset, **size)
    on = objective(config, 4)
    theta = initial_parameters(config, torch.float64)
    factors = curvature(on, theta, 2)
    one = preconditioners(factors, on.shapes, on.decay, theta)[1]
    identity = torch.eye(theta.shape[1], dtype=torch.float64)
    whole = torch.stack([one(row) for row in identity])
    torch.testing.assert_close(whole, whole.T)
    assert torch.linalg.eigvalsh(whole).min() > 0
    restored = Preconditioner.restore(one.state(), theta)
    assert torch.equal(restored(theta[0]), one(theta[0]))
    start = 0
    for shape in on.shapes:
        block = whole[start : start + shape.size, start : start + shape.size]
        start += shape.size
        if shape.role in (Role.HIDDEN, Role.LAST):
            of = factors[shape.name]
            rows, columns = dense(of.rows)[1], dense(of.columns)[1]
            if shape.role is Role.HIDDEN:
                size = shape.size // shape.shape[0]
                block, rows, columns = block[:size, :size], rows[0], columns[0]
            together = shape.shape[0] ** 0.5 if shape.role is Role.HIDDEN else 1.0
            curved = together * torch.kron(rows, columns)
            damping = on.decay[shape.role] + 1e-6 * torch.linalg.eigvalsh(curved).max()
            damped = curved + damping * torch.eye(len(curved)).double()
            torch.testing.assert_close(block @ damped, torch.eye(len(curved)).double())


def test_what_an_embedding_along_principal_axes_is_damped_by():
    """Of the largest curvature; of squared error by what half of the axes exceed."""
    rng = torch.Generator().manual_seed(1)
    root = torch.randn(2, 3, 3, generator=rng, dtype=torch.float64)
    rows = Factor(root @ root.mT)
    axes = torch.tensor([[9.0, 4.0, 1.0, 0.5, 0.1, 0.0]] * 2, dtype=torch.float64)
    factors = {"embedding_weight": Factors(rows, Factor(axes, is_diagonal=True), rows)}
    shape = ParameterShape("embedding_weight", (3, 6), Role.EMBEDDING, 1.0)
    for exact, share in ((False, 1e-3 * 9.0), (True, 1e-2 * 1.0)):
        found = preconditioners(factors, (shape,), {}, axes, exact)
        for one, matrix in zip(found, rows.matrix, strict=True):
            whole = torch.stack([one(row) for row in torch.eye(18, dtype=torch.float64)])
            largest = torch.linalg.eigvalsh(matrix).max()
            damped = torch.kron(matrix, axes[0].diag()) + share * largest * torch.eye(18).double()
            torch.testing.assert_close(whole @ damped, torch.eye(18).double())


def test_of_weights_that_no_linear_map_was_given_it_is_positive_too(monkeypatch):
    """As of a network of one's own that multiplies by itself, or by what it makes of a weight."""

    def own_branch(x, weight, bias, activation):
        return torch.relu(torch.bmm(x, weight.mT) + bias[:, None])

    def made_branch(x, weight, bias, activation):
        return torch.relu(linear(x, weight * 1.0, bias))

    config = RunConfig(**TINY, dataset="gaussian", input_dim=4)
    theta = initial_parameters(config, torch.float64)
    told = curvature(objective(config, 4), theta, 2)
    for other in (own_branch, made_branch):
        monkeypatch.setattr("ncengine.architectures.resnet.branch", other)
        on = objective(config, 4)
        factors = curvature(on, theta, 2)
        (lost,) = told.keys() - factors.keys()
        assert lost.endswith("_weight") and factors.keys() < told.keys()
        one = preconditioners(factors, on.shapes, on.decay, theta)[0]
        whole = torch.stack([one(row) for row in torch.eye(theta.shape[1]).double()])
        torch.testing.assert_close(whole, whole.T)
        assert torch.linalg.eigvalsh(whole).min() > 0


def _filled(history, rng, quadratic):
    pairs = []
    for _ in range(7):
        s = torch.from_numpy(rng.normal(size=len(quadratic)))
        pairs.append((s, quadratic @ s))
        history.push(*pairs[-1], s)
    return pairs[-history.size :]


@pytest.mark.parametrize("known", [False, True])
def test_directions_are_those_of_dense_bfgs(known):
    """Nocedal and Wright, eq. (6.17), from the matrix that the recursion begins with."""
    rng = np.random.default_rng(0)
    root = torch.from_numpy(rng.normal(size=(6, 6)))
    quadratic = root @ root.T + 0.1 * torch.eye(6).double()
    begin = torch.diag(torch.from_numpy(rng.uniform(0.5, 3.0, 6)))
    for history in (PreconditionedHistory(root[0], 4), History(root[0], 4)):
        if known and isinstance(history, History):
            continue
        pairs = _filled(history, rng, quadratic)
        if known:
            history.inverse = begin.__matmul__
        matrix = begin if known else torch.eye(6).double()
        s, y = pairs[-1]
        matrix = matrix * (s @ y) / (y @ matrix @ y)
        for s, y in pairs:
            left = torch.eye(6).double() - torch.outer(s, y) / (s @ y)
            matrix = left @ matrix @ left.T + torch.outer(s, s) / (s @ y)
        grad = torch.from_numpy(rng.normal(size=6))
        direction, slope = history.direction(grad)
        torch.testing.assert_close(direction, -matrix @ grad, rtol=1e-8, atol=1e-10)
        assert slope == pytest.approx(float(grad @ direction))


def test_a_quadratic_whose_curvature_is_known_takes_one_step():
    scales = torch.logspace(0, 5, 8, dtype=torch.float64)
    solver = PreconditionedLBFGS()
    solver.start(torch.ones(1, 8, dtype=torch.float64))
    solver.precondition([lambda vector: vector / scales])
    for _ in range(2):
        theta = solver.theta.clone()
        loss, grad = evaluate(lambda x: (scales * x * x).sum() / 2, theta)
        solver.step(loss, grad)
    assert loss < 1e-20


@pytest.mark.parametrize("name", PROBLEMS)
def test_it_is_lbfgs_in_other_coordinates(name):
    """With T T^T known from the start: that of the function of T x, from x = T^-1 theta."""
    rng = np.random.default_rng(5)
    t = torch.from_numpy(rng.normal(size=(6, 6)) / 4 + np.eye(6))
    theta = torch.from_numpy(rng.normal(size=6)) / 4
    here, there = PreconditionedLBFGS(5), PreconditionedLBFGS(5)
    here.start(theta[None].clone())
    here.precondition([(t @ t.T).__matmul__])
    there.start(torch.linalg.solve(t, theta)[None])
    there.precondition([lambda vector: vector])
    for _ in range(12):
        here.step(*evaluate(PROBLEMS[name], here.theta))
        there.step(*evaluate(lambda x: PROBLEMS[name](t @ x), there.theta))
        torch.testing.assert_close(here.theta[0], t @ there.theta[0], rtol=1e-6, atol=1e-8)


def test_who_knows_no_curvature_does_as_it_does_without():
    theta = torch.from_numpy(np.random.default_rng(7).normal(size=(1, 6)))
    ours, plain = PreconditionedLBFGS(5), LBFGS(5)
    ours.start(theta.clone())
    plain.start(theta.clone())
    for _ in range(12):
        for solver in (ours, plain):
            solver.step(*evaluate(PROBLEMS["rosenbrock"], solver.theta))
        torch.testing.assert_close(ours.theta, plain.theta, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("samples", [12, 40])
def test_along_principal_axes_networks_give_what_they_gave(samples):
    """With fewer samples than numbers too, and with some that never change."""
    config = RunConfig(dataset="digits", depth=2, width=5, classes=3, precision="float64", seeds=2)
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(samples, 64)) * rng.uniform(0.1, 3.0, 64) + 2.0
    inputs[:, [0, 9]] = 2.0
    axes = PrincipalAxes.of(inputs)
    rank = min(samples - 1, 62)
    assert axes.axes.shape == (64, rank)
    np.testing.assert_allclose(axes.axes.T @ axes.axes, np.eye(rank), atol=1e-10)
    along = axes.inputs(inputs, inputs.dtype)
    assert along.shape == inputs.shape and not along[:, rank:].any()
    variance = PCA().fit(inputs).explained_variance_[:rank] * (samples - 1) / samples
    np.testing.assert_allclose(sorted(along[:, :rank].var(0)), sorted(variance), rtol=1e-8)
    theta = initial_parameters(config, torch.float64)
    labels = torch.arange(samples) % 3
    before = Objective(config, torch.from_numpy(inputs), labels).evaluate(theta)
    turned = axes.turned(config, theta.numpy())
    after = Objective(config, torch.from_numpy(along), labels).evaluate(torch.from_numpy(turned))
    torch.testing.assert_close(after.features, before.features)
    torch.testing.assert_close(after.loss, before.loss)
    back = axes.turned_back(config, turned)
    again = Objective(config, torch.from_numpy(inputs), labels).evaluate(torch.from_numpy(back))
    torch.testing.assert_close(again.features, before.features)
    np.testing.assert_allclose(axes.turned(config, back), turned, atol=1e-12)


def test_blocks_begin_the_smaller_the_deeper_a_network_is():
    for depth, scale in ((2, 1.0), (3, 1.0), (5, 0.6), (34, 3 / 34)):
        config = RunConfig(depth=depth, solver=KFAC)
        assert config.branch_scale == pytest.approx(scale)
        hidden = [s for s in parameter_shapes(config) if s.name.startswith("block")]
        assert hidden
        assert all(s.bound == pytest.approx(scale / 8) for s in hidden)
        chosen = parameter_shapes(config.with_(initial_scale=0.1))
        assert all(s.bound == pytest.approx(0.0125) for s in chosen if s.role is Role.HIDDEN)
        two = parameter_shapes(config.with_(architecture="T21", patch_size=2, initial_scale=0))
        bounds = {s.name: s.bound for s in two if s.role is Role.HIDDEN}
        assert sorted({round(bound * 8 / scale, 6) for bound in bounds.values()}) == sorted(
            {1.0, round(scale**-0.5, 6)}
        )
        # Of every solver, but for the paper's training, and where s = 1 did better.
        assert config.with_(solver="Adam").branch_scale == pytest.approx(scale)
        assert paper_preset(config).branch_scale == 1.0
        for architecture in ("T21", "T22"):
            there = RunConfig(dataset="mnist", architecture=architecture, depth=depth)
            assert there.branch_scale == 1.0


def test_a_longer_training_looks_when_a_shorter_one_did():
    config = RunConfig(solver=KFAC, epochs=400)
    cost = passes_a_look(config)
    assert cost == 2
    assert sorted(passes_for_curvature(config))[: 2 * len(LOOKS)] == [
        look + n for look in LOOKS for n in range(cost)
    ]
    longer = passes_for_curvature(config.with_(epochs=5000))
    assert passes_for_curvature(config) <= longer and max(longer) > 2000
    # Where a look costs more than lies between two, most passes train all the same.
    for costly in (config.with_(samples_per_class=5, width=256), config.with_(width=1024)):
        spent = sorted(passes_for_curvature(costly.with_(epochs=5000)))
        begins = [p for p in spent if p - 1 not in spent]
        cost = passes_a_look(costly)
        assert cost > 5 and begins[0] >= 8 * cost and len(spent) == cost * len(begins)
        assert all(later - begin >= 9 * cost for begin, later in pairwise(begins))
    assert not passes_for_curvature(RunConfig(solver="L-BFGS"))
    with pytest.raises(ConfigError, match="solver = 'K-FAC L-BFGS': must be one of L-BFGS, Adam"):
        RunConfig(architecture="UFM", solver=KFAC)
    assert spent_on_curvature(config, 52) == 4 and spent_on_curvature(config, 20) == 0
    assert passes_a_look(config.with_(samples_per_class=5, width=256)) > 20
