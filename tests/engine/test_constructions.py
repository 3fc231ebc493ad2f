"""The networks of the proofs: the engine's own forward and objective come to what was built."""

import re
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch

from ncengine.architectures.build import build
from ncengine.architectures.layer_norm import layer_norm as plain
from ncengine.architectures.layers import layer_norm
from ncengine.config import RunConfig
from ncengine.theory import construction
from ncengine.theory.constructions import curves
from ncengine.theory.constructions.planned import conditions, planned
from ncengine.theory.constructions.sphere import (
    lowered,
    nearest_of_arcs,
    nearest_on_arcs,
    unit,
)
from ncengine.theory.gufm import gufm_optimum, simplex_etf
from ncengine.training.objective import Objective


def config(made, **fields):
    """The engine's, of a depth that it has a field for; blocks are as many as there are weights."""
    norm, architecture = "post", made.network
    if made.network == "pre-LN":
        norm, architecture = "pre", "RN1"
    classes, width = made.parameters["last_weight"].shape
    return RunConfig(
        dataset="gaussian",
        architecture=architecture,
        norm=norm,
        classes=classes,
        samples_per_class=len(made.given.labels) // classes,
        input_dim=width,
        width=width,
        precision="float64",
        decay_schedule="constant",
        **fields,
    )


def layers(made):
    """The features after the embedding and each block, by the engine's own network."""
    parameters = {name: torch.tensor(v[None].copy()) for name, v in made.parameters.items()}
    inputs = torch.tensor(made.given.inputs)[None]
    return build(config(made)).layers(parameters, inputs)


CASES = {
    "usual": {"travel": 150, "settle": 120},
    "detours": {"per_class": 5, "travel": 100, "settle": 60, "seed": 1},
    "wide": {"classes": 6, "per_class": 2, "width": 12, "travel": 80, "settle": 90},
    "two classes": {"classes": 2, "per_class": 4, "width": 5, "travel": 90, "settle": 50},
    "two layers": {"network": "RN2", "travel": 120, "settle": 100},
}


@pytest.mark.parametrize("case", CASES)
def test_the_engine_takes_each_sample_where_the_proof_does(case):
    made = construction(**CASES[case])
    travel, settle = made.budget
    samples, classes = len(made.given.labels), len(made.given.vertices)
    ends = [0, *np.cumsum([*[travel] * samples, *[settle] * classes])]
    stops = iter(made.stops)
    for n, layer in enumerate(layers(made)):
        if n in ends:
            seen = layer.read[0].numpy()
            np.testing.assert_allclose(seen, next(stops), atol=1e-5 * made.stops.shape[-1] ** 0.5)
    assert n == made.depth - 1
    np.testing.assert_allclose(seen, made.features, atol=1e-7)
    assert all(made.conditions)


@pytest.mark.parametrize("network, width", [("RN1", 4), ("RN2", 4), ("pre-LN", 8)])
def test_the_objective_is_the_engines(network, width):
    """Of a depth that a configuration can have."""
    size = {"classes": 3, "per_class": 1, "travel": 12, "settle": 8}
    made = construction(width=width, network=network, **size, delta=1e-5)
    whole = config(made, depth=made.depth, weight_decay=0.005)
    objective = Objective(whole, torch.tensor(made.given.inputs), torch.tensor(made.given.labels))
    theta = np.concatenate([made.parameters[p.name].reshape(-1) for p in objective.shapes])
    found = objective.evaluate(torch.tensor(theta)[None], gradient=False)
    assert float(found.loss[0]) == pytest.approx(made.loss, rel=1e-9)
    assert float(found.decay_hidden[0]) == pytest.approx(made.decay_hidden, rel=1e-9)
    assert made.floor == gufm_optimum(3, width, 0.005).loss
    assert made.gap == pytest.approx(made.fit_gap + made.decay_hidden, rel=1e-9)


def test_the_gap_falls_as_the_budgets_double_and_decays_as_the_proof_says():
    made = [construction(travel=n, settle=n) for n in 250 * 2 ** np.arange(5)]
    budgets = np.array([one.budget[0] for one in made])
    assert (np.diff([one.gap for one in made]) < 0).all()
    assert (np.diff([one.fit_gap for one in made]) < 0).all()
    slope = np.polyfit(np.log(budgets), np.log([one.decay_travel for one in made]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)
    ratio = np.array([one.decay_settle for one in made]) * budgets / np.log(budgets) ** 2
    assert ratio.max() / ratio.min() < 1.2
    # Not more than the proof allows.
    for one in made:
        n, d, m, decay = 12, 4, one.margin, 0.005
        assert one.decay_travel <= 32 * d * np.pi**2 * decay * n / (one.budget[0] * m**2)
        log = np.log(one.budget[1])
        assert one.decay_settle <= 2**7 * n * d * decay * log**2 / (m**2 * one.budget[1])


def test_two_layers_pay_as_much_however_deep():
    made = [construction(travel=n, settle=n, network="RN2") for n in 250 * 2 ** np.arange(5)]
    decays = [one.decay_travel for one in made]
    assert max(decays) / min(decays) < 1.05
    assert decays[0] > 10 * made[0].floor


def test_the_shortcut_comes_to_the_floor_at_a_fixed_depth():
    deltas = 10.0 ** -np.arange(3, 7)
    made = [construction(per_class=5, width=8, network="pre-LN", delta=delta) for delta in deltas]
    assert {one.depth for one in made} == {22}
    for values in ([one.gap for one in made], [one.nc1 for one in made]):
        falls = np.array(values[:-1]) / values[1:]
        assert (falls > 8).all() and (falls < 12).all()
    for one in made:
        seen = list(layers(one))
        assert len(seen) == 22
        np.testing.assert_allclose(seen[-1].read[0].numpy(), one.features, atol=1e-8)
        streams = np.stack([layer.stream[0].numpy() for layer in seen])
        np.testing.assert_allclose(streams, one.stops, rtol=1e-6, atol=1e-9)


def test_blocks_leave_who_does_not_travel_to_the_bit():
    made = construction(travel=40, settle=20)
    before = layers(made)
    first = next(before).read[0].numpy()
    for _ in range(40):
        after = next(before).read[0].numpy()
    still = np.ones(12, bool)
    still[0] = False
    # LayerNorm of what it has made already rounds once more.
    np.testing.assert_allclose(after[still], first[still], atol=1e-14)
    assert np.abs(after[0] - first[0]).max() > 0.1


def test_conditions_that_are_violated_are_reported():
    made = construction(travel=20, settle=20)
    starts = lowered(made.given.embedded)
    vertices = lowered(made.given.vertices[made.given.labels])
    reached = lowered(made.stops[12])
    way = curves.plan(starts, vertices)
    assert conditions(way, starts, vertices, reached) == (True,) * 5
    greedy = replace(way, margin=way.margin * 1.5)
    assert conditions(greedy, starts, vertices, reached)[1:] == (False, False, True, True)
    wide = replace(way, cap=way.cap * 2)
    assert conditions(wide, starts, vertices, reached)[2:] == (False, True, False)
    # Once around before it arrives.
    n = int(np.argmax([len(curve) for curve in way.outside]))
    curve = way.outside[n]
    other = unit(np.cross(curve[0], vertices[n]))[None]
    turns = np.linspace(0, 2 * np.pi, 400)[:, None]
    around = np.cos(turns) * curve[0] + np.sin(turns) * other

    def with_curve(changed):
        outside = [*way.outside[:n], changed, *way.outside[n + 1 :]]
        return conditions(replace(way, outside=outside), starts, vertices, reached)

    assert not with_curve(np.concatenate([around, curve[1:]]))[3]
    # A step aside and back: corners, which have no curvature at all.
    half = len(curve) // 2
    aside = unit(np.cross(curve[half], curve[half + 1]))
    notch = unit(curve[half] + 1e-3 * aside)[None]
    assert with_curve(np.concatenate([curve[:half], notch, curve[half:]])) == (False, *[True] * 4)


@pytest.mark.parametrize("sizes", [(4, 3, 4, 2), (4, 5, 4, 1)])
def test_the_margin_is_kept_between_the_points_of_curves_too(sizes):
    """On arcs drawn ten times finer."""
    plan = planned(*sizes)
    starts, way = lowered(plan.given.embedded), plan.curves
    vertices = lowered(plan.given.vertices[plan.given.labels])

    def finely(points):
        parts = []
        for a, b in zip(points[:-1], points[1:], strict=True):
            shares = np.linspace(0, 1, max(2, int(np.linalg.norm(b - a) / 1e-3)))[:, None]
            parts.append(unit((1 - shares) * a + shares * b))
        return np.concatenate([points[:1], *parts])

    left = [finely(np.stack([c[-1], v])) for c, v in zip(way.outside, vertices, strict=True)]
    closest = -1.0
    for n, curve in enumerate(way.outside):
        fine = finely(curve)
        whole, later = np.concatenate([fine, left[n]]), starts[n + 1 :]
        closest = max(closest, (whole @ later.T).max(initial=-1.0))
        closest = max(closest, *((fine @ other.T).max() for other in left[:n]), -1.0)
    assert 1 - closest >= way.margin - 1e-10
    assert all(plan.conditions)


def test_a_curve_that_turns_back_sharply_is_made_smooth_too():
    assert planned(2, 15, 5, 2).conditions == (True,) * 5


def test_curves_keep_their_margin_measured_point_by_point():
    random = np.random.default_rng(3)
    starts = unit(random.standard_normal((8, 3)))
    vertices = simplex_etf(4)[np.repeat(np.arange(4), 2)]
    way = curves.plan(starts, vertices)
    closest = -1.0
    for n, curve in enumerate(way.outside):
        for x in curve:
            for y in starts[n + 1 :]:
                closest = max(closest, float(x @ y))
            for k in range(n):
                for share in np.linspace(0, 1, 50):
                    end = way.outside[k][-1] * (1 - share) + share * vertices[k]
                    closest = max(closest, float(x @ end / np.linalg.norm(end)))
    assert 1 - closest >= way.margin - 1e-4
    for curve, vertex in zip(way.outside, vertices, strict=True):
        assert curve[-1] @ vertex >= 1 - way.cap - 1e-9


def test_the_nearest_point_of_an_arc():
    random = np.random.default_rng(0)
    a, b, points = (unit(random.standard_normal((6, 4))) for _ in range(3))
    found = nearest_on_arcs(a, b, points)
    for n in range(6):
        angle = np.arccos(a[n] @ b[n])
        shares = np.linspace(0, 1, 20001)[:, None]
        way = (np.sin((1 - shares) * angle) * a[n] + np.sin(shares * angle) * b[n]) / np.sin(angle)
        assert found[n] == pytest.approx((way @ points.T).max(), abs=1e-7)


def test_the_nearest_points_of_two_arcs():
    random = np.random.default_rng(1)
    shares = np.linspace(0, 1, 1001)[:, None]
    for dimensions in (3, 3, 3, 5):
        # Long and short ones; crossing, side by side, and far from each other.
        ends = unit(random.standard_normal((4, 12, dimensions)))
        a, b = ends[0], unit(ends[0] * random.uniform(0, 2, (12, 1)) + ends[1])
        c, d = ends[2], unit(ends[2] * random.uniform(0, 2, (12, 1)) + ends[3])
        ways = [[unit((1 - shares) * x + shares * y) for x, y in zip(*one, strict=True)]
                for one in ((a, b), (c, d))]  # fmt: skip
        nearest = [[(x @ y.T).max() for y in ways[1]] for x in ways[0]]
        for n in range(12):
            one, other = (a[n : n + 1], b[n : n + 1]), (c[n : n + 1], d[n : n + 1])
            assert nearest_of_arcs(one, other) == pytest.approx(nearest[n][n], abs=2e-5)
            assert nearest_of_arcs(one, other) >= nearest[n][n] - 1e-12
        assert nearest_of_arcs((a, b), (c, d)) == pytest.approx(np.max(nearest), abs=2e-5)
    assert nearest_of_arcs((a[:0], a[:0]), (c, d)) == -1.0


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"classes": 1}, "classes = 1"),
        ({"per_class": 0}, "per_class = 0"),
        ({"width": 3}, "width = 3: must be a whole number from 4"),
        ({"classes": 10, "width": 6}, "width = 6: must be a whole number from 10"),
        ({"weight_decay": 0}, "weight_decay = 0"),
        ({"weight_decay": float("nan")}, "weight_decay = nan"),
        ({"travel": 0}, "travel = 0"),
        ({"settle": 1}, "settle = 1"),
        ({"travel": 2.5}, "travel = 2.5"),
        ({"network": "T11"}, "network = 'T11': must be one of RN1, RN2, pre-LN"),
        ({"delta": 1.0}, "delta = 1.0"),
        ({"travel": 10**6, "width": 64, "classes": 10}, "is the most allowed"),
        ({"travel": 1}, "travel = 1: must be at least 2 here"),
        ({"travel": 1, "network": "RN2", "classes": 2, "per_class": 1}, "travel = 1"),
        ({"weight_decay": 1e308, "travel": 9, "settle": 9}, "weight_decay = 1e+308: must be less"),
        ({"weight_decay": 1e308, "network": "pre-LN"}, "weight_decay = 1e+308: must be less"),
    ],
)
def test_what_cannot_be_built_is_named(wrong, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        construction(**wrong)


@pytest.mark.parametrize("seed, network", [(0, "RN1"), (6, "RN1"), (22, "RN2")])
def test_the_fewest_blocks_that_are_allowed_take_samples_where_they_go(seed, network):
    """Turns of nearly 90 degrees, which no more than a block can do."""
    with pytest.raises(ValueError, match="travel = 1: must be at least") as said:
        construction(travel=1, seed=seed, network=network)
    least = int(re.search(r"at least (\d+)", str(said.value))[1])
    made = construction(travel=least, settle=2, seed=seed, network=network)
    *_, last = layers(made)
    np.testing.assert_allclose(last.read[0].numpy(), made.features, atol=1e-6)


@pytest.mark.parametrize("weight_decay", [1e-12, 1e-20, 1e-40])
def test_a_misfit_has_its_digits_however_small(weight_decay):
    """By 60 digits; in ordinary numbers 1 + 1e-20 is 1."""
    made = construction(weight_decay=weight_decay, travel=10, settle=100)
    rows, optimum = made.parameters["last_weight"], gufm_optimum(4, 4, weight_decay)
    with localcontext() as context:
        context.prec = 60
        features, W = (np.vectorize(Decimal)(x) for x in (made.features, rows))
        logits = features @ W.T
        own = logits[np.arange(12), made.given.labels]
        fit = sum(sum(x.exp() for x in row).ln() for row in logits - own[:, None]) / 12
        decay = Decimal(weight_decay) / 2 * (W**2).sum()
        expected = float(fit + decay - Decimal(optimum.loss))
    assert made.fit_gap > 0
    assert made.fit_gap == pytest.approx(expected, abs=1e-14 * optimum.loss)


def test_layer_norm_is_the_engines():
    values = np.random.default_rng(0).standard_normal((5, 7)) * 10.0 ** np.arange(-7, 0)[None]
    expected = layer_norm(torch.tensor(values)).numpy()
    np.testing.assert_allclose(plain(values), expected, rtol=1e-12, atol=1e-14)
