"""The proof's network layer by layer, and what it costs: against the engine's own network."""

import numpy as np
import pytest

from ncengine.theory import construction, gufm_optimum
from ncengine.theory.constructions.costs import COUNTED, costs
from ncengine.theory.constructions.course import course, course_of_shortcut
from ncengine.theory.constructions.planned import planned
from tests.engine.test_constructions import layers

DECAY = 0.005


def by_hand(features, labels, rows):
    """Cross entropy and the last layer's decay, sample by sample."""
    total = 0.0
    for feature, k in zip(features, labels, strict=True):
        logits = [float(row @ feature) for row in rows]
        total += np.log(sum(np.exp(z - logits[k]) for z in logits))
    return total / len(labels) + DECAY / 2 * sum(float(row @ row) for row in rows)


def squares(made):
    """(L - 1,) of all weights of each block."""
    names = [name for name in made.parameters if name.startswith("block_weight")]
    return sum((made.parameters[name] ** 2).sum((1, 2)) for name in names)


@pytest.mark.parametrize("network", ["RN1", "RN2"])
def test_it_is_what_the_engines_network_does_at_each_layer(network):
    made = construction(travel=60, settle=40, network=network)
    plan, optimum = planned(4, 3, 4, 0), gufm_optimum(4, 4, DECAY)
    found = course(plan, DECAY, optimum, (60, 40), network)
    assert found.layer[0] == 1 and found.layer[-1] == made.depth
    seen = [layer.read[0].numpy() for layer in layers(made)]
    np.testing.assert_allclose(found.features, np.stack(seen)[found.layer - 1], atol=1e-7)
    np.testing.assert_allclose(found.streams, 2.0, atol=1e-9)
    each = np.concatenate([[0.0], squares(made)])
    np.testing.assert_allclose(found.size, each[found.layer - 1] ** 0.5, rtol=1e-9)
    hidden = DECAY / 2 * np.cumsum(each)[found.layer - 1]
    np.testing.assert_allclose(found.hidden, hidden, rtol=1e-9)
    rows, labels = made.parameters["last_weight"], made.given.labels
    for f in range(0, len(found.layer), 20):
        ended = by_hand(seen[found.layer[f] - 1], labels, rows) + hidden[f]
        assert found.ended[f] == pytest.approx(ended, rel=1e-9)
    assert found.ended[-1] == pytest.approx(made.loss, rel=1e-9)
    assert found.nc1[-1] == pytest.approx(made.nc1, rel=1e-6, abs=0)


def test_who_moves_is_said():
    plan, optimum = planned(4, 3, 4, 0), gufm_optimum(4, 4, DECAY)
    found = course(plan, DECAY, optimum, (60, 40))
    for f in range(1, len(found.layer)):
        apart = np.abs(found.features[f] - found.features[f - 1]).max(1) > 1e-12
        moving = set(np.flatnonzero(apart))
        if found.mover[f] >= 0:
            assert moving <= {found.mover[f]}
            assert plan.given.labels[found.mover[f]] == found.moved[f]
        else:
            assert moving == set(np.flatnonzero(plan.given.labels == found.moved[f]))


@pytest.mark.parametrize("network", ["RN1", "RN2"])
@pytest.mark.parametrize("budget", [(30, 2), (100, 700), (COUNTED + 900, 50)])
def test_costs_are_those_of_the_network_that_is_built(network, budget):
    travel, settle = budget
    made = construction(3, 2, 4, 0.01, travel=travel, settle=settle, network=network)
    plan, optimum = planned(3, 2, 4, 0), gufm_optimum(3, 4, 0.01)
    found = costs(plan, 0.01, optimum, budget, network)
    assert found.depth == made.depth and found.floor == made.floor
    assert found.decay_travel == pytest.approx(made.decay_travel, rel=1e-5)
    assert found.decay_settle == pytest.approx(made.decay_settle, rel=1e-9)
    assert found.fit_gap == pytest.approx(made.fit_gap, rel=1e-6, abs=1e-14)
    assert found.gap == pytest.approx(made.gap, rel=1e-5)
    far = course(plan, 0.01, optimum, budget, network)
    assert far.layer[-1] == made.depth
    assert far.ended[-1] == pytest.approx(made.loss, rel=1e-5)
    np.testing.assert_allclose(far.features[-1], made.features, atol=1e-9)


def test_a_smaller_margin_is_kept_too_and_costs_more():
    largest = planned(4, 3, 4, 0).curves.margin
    usual, small = (
        construction(travel=100, settle=50),
        construction(travel=100, settle=50, margin=largest / 2),
    )
    assert small.margin == largest / 2 and all(small.conditions)
    # Of a block, alpha is as much larger as its margin is smaller.
    assert small.decay_travel == pytest.approx(4 * usual.decay_travel, rel=1e-3)
    *_, last = layers(small)
    np.testing.assert_allclose(last.read[0].numpy(), small.features, atol=1e-7)
    for wrong in (0.0, -1.0, largest * 1.001, float("nan")):
        with pytest.raises(ValueError, match="margin = .* must be positive, and at most 0.0666"):
            construction(margin=wrong)


def test_the_shortcuts_course_is_the_engines():
    made = construction(network="pre-LN", delta=1e-4)
    found = course_of_shortcut(made, DECAY)
    seen = list(layers(made))
    reads = np.stack([layer.read[0].numpy() for layer in seen])
    np.testing.assert_allclose(found.features, reads, atol=1e-7)
    streams = np.stack([layer.stream[0].numpy() for layer in seen])
    aside = streams - streams.mean(-1, keepdims=True)
    np.testing.assert_allclose(found.streams, np.linalg.norm(aside, axis=-1), rtol=1e-6, atol=1e-10)
    assert found.layer.tolist() == list(range(1, 15)) and found.mover[2:].tolist() == [*range(12)]
    assert found.ended[-1] == pytest.approx(made.loss, rel=1e-9)
    np.testing.assert_allclose(found.size[1:] ** 2, squares(made), rtol=1e-12)
    assert found.hidden[-1] == pytest.approx(made.decay_hidden, rel=1e-9)
