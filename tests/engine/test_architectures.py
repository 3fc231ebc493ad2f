"""Every architecture against plain torch.nn modules in float64, one network a seed."""

import numpy as np
import pytest
import torch

from ncengine.architectures.attention import FUSED_FROM, causal_mix, last_mix
from ncengine.architectures.build import build, features, initial_parameters
from ncengine.architectures.inputs import first_identical, network_inputs, patches
from ncengine.architectures.shapes import parameter_count, parameter_shapes
from ncengine.catalogue.architectures import ARCHITECTURES, RESNETS, TRANSFORMERS
from ncengine.config import RunConfig
from ncengine.costs import memory
from ncengine.training.objective import Objective
from tests.engine.plain import flat_gradient, plain_network

LOSSES = (("CE", False), ("MSE", False), ("MSE", True))
RESNET_CASES = [(a, n, *loss) for a in RESNETS for n in ARCHITECTURES[a].norms for loss in LOSSES]
TRANSFORMER_CASES = [
    (a, n, *loss, words)
    for a in TRANSFORMERS
    for n in ARCHITECTURES[a].norms
    for loss, words in (
        (("CE", False), False),
        (("CE", True), True),
        (("MSE", False), True),
        (("MSE", True), False),
    )
]


def make(architecture, norm="post", loss="CE", bias=False, **more):
    reads_points = "points" in ARCHITECTURES[architecture].family.reads
    own = {"dataset": "gaussian", "input_dim": 6} if reads_points else {}
    values = {
        **own,
        "classes": 3,
        "samples_per_class": 7,
        "architecture": architecture,
        "norm": norm,
        "loss": loss,
        "last_bias": bias,
        "depth": 4,
        "width": 5,
        "decay_schedule": "1/L",
        "weight_decay": 0.03,
        "seeds": 3,
        "precision": "float64",
        **more,
    }
    return RunConfig(**values)


def transformer(architecture, norm="post", loss="CE", bias=False, words=False, **more):
    """4 patches of 16 numbers, or 5 words out of 9."""
    if words:
        own = {"dataset": "imdb", "classes": 2, "vocabulary": 9, "context": 5}
    else:
        own = {"dataset": "digits", "patch_size": 4}
    return make(architecture, norm, loss, bias, **own, **more)


def some_inputs(config, count=21):
    generator = torch.Generator().manual_seed(1)
    if config.dataset == "imdb":
        x = torch.randint(config.vocabulary, (count, config.context), generator=generator)
    elif config.architecture in TRANSFORMERS:
        x = torch.randn(count, 4, 16, generator=generator, dtype=torch.float64)
    else:
        x = torch.randn(count, 6, generator=generator, dtype=torch.float64)
    return x, torch.arange(count) % config.classes


def start(config):
    """Initial values, somewhat larger, so that softmax and ReLU have something to do."""
    return initial_parameters(config, torch.float64) * 1.7


def decay_by_block(config, net):
    """(B,) what each block of the plain network pays."""
    hidden = [weight.detach().square().sum() for weight in net.hidden()]
    blocks = config.depth - 1 if config.architecture.startswith("RN") else config.depth
    # Attention's matrices come first, those of all MLPs after them.
    attention = {"1": 2, "2": 4}.get(config.architecture[1], 0) * (blocks == config.depth)
    mlps = hidden[attention * blocks :]
    each = len(mlps) // blocks
    own = [
        sum(hidden[attention * b : attention * (b + 1)]) + sum(mlps[each * b : each * (b + 1)])
        for b in range(blocks)
    ]
    return config.decay_hidden / 2 * torch.stack(own)


def assert_like_plain(config):
    words = config.dataset == "imdb"
    x, y = some_inputs(config)
    theta = start(config)
    objective = Objective(config, x, y)
    evaluation = objective.evaluate(theta, layers=True)
    for r in range(3):
        net = plain_network(config, theta[r], words)
        loss = net.objective(x, y)
        features = net.features(x)
        torch.testing.assert_close(evaluation.loss[r], loss.detach(), rtol=1e-11, atol=0)
        torch.testing.assert_close(evaluation.features[r], features, rtol=0, atol=1e-9)
        torch.testing.assert_close(
            evaluation.grad[r], flat_gradient(net, config, loss), rtol=1e-8, atol=1e-10
        )
        decays = decay_by_block(config, net)
        torch.testing.assert_close(objective.block_decay(theta)[r], decays, rtol=1e-12, atol=0)
        for layer, expected in zip(evaluation.layers, net.streams(x), strict=True):
            read = net.norm(expected)
            torch.testing.assert_close(layer.stream[r], expected.detach(), rtol=0, atol=1e-9)
            torch.testing.assert_close(layer.read[r], read.detach(), rtol=0, atol=1e-9)
        hits = (net.last(features).argmax(1) == y).double().mean()
        assert evaluation.accuracy[r] == pytest.approx(hits.item())


@pytest.mark.parametrize(("architecture", "norm", "loss", "bias"), RESNET_CASES)
def test_a_resnets_objective_features_and_gradient_are_the_plain_networks(
    architecture, norm, loss, bias
):
    assert_like_plain(make(architecture, norm, loss, bias))


@pytest.mark.parametrize(("architecture", "norm", "loss", "bias", "words"), TRANSFORMER_CASES)
def test_a_transformers_objective_features_and_gradient_are_the_plain_networks(
    architecture, norm, loss, bias, words
):
    assert_like_plain(transformer(architecture, norm, loss, bias, words))


@pytest.mark.parametrize("architecture", ["T11", "T22"])
def test_many_tokens_go_another_way_to_the_same_result(architecture):
    config = transformer(architecture, words=True).with_(context=FUSED_FROM + 3, seeds=3, depth=2)
    assert_like_plain(config)


@pytest.mark.parametrize("context", [1, 2, 7, FUSED_FROM, FUSED_FROM + 1])
def test_attention_is_a_softmax_mean_over_the_tokens_so_far(context):
    generator = torch.Generator().manual_seed(context)
    query, tokens = torch.randn(2, 3, context, 4, generator=generator, dtype=torch.float64)
    mixed = causal_mix(query, tokens)
    for b in range(3):
        for j in range(context):
            scores = [float(query[b, j] @ tokens[b, i]) / 2 for i in range(j + 1)]
            weights = np.exp(np.array(scores) - max(scores))
            weights /= weights.sum()
            expected = sum(w * tokens[b, i] for i, w in enumerate(weights))
            torch.testing.assert_close(mixed[b, j], expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last_mix(query[:, -1], tokens), mixed[:, -1])


@pytest.mark.parametrize("context", [5, FUSED_FROM])
def test_a_later_token_never_changes_an_earlier_ones_mix(context):
    generator = torch.Generator().manual_seed(0)
    query, tokens = torch.randn(2, 3, context, 4, generator=generator, dtype=torch.float64)
    before = causal_mix(query, tokens)
    for j in range(1, context):
        changed_query, changed = query.clone(), tokens.clone()
        changed_query[:, j:] += 1
        changed[:, j:] *= -2
        after = causal_mix(changed_query, changed)
        assert torch.equal(after[:, :j], before[:, :j])
        assert not torch.allclose(after[:, j:], before[:, j:])


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("architecture", TRANSFORMERS)
def test_a_later_patch_never_changes_an_earlier_tokens_features(architecture, norm):
    """A network that reads only the first tokens sees, there, what the whole one sees."""
    config = transformer(architecture, norm)
    theta = start(config)
    x, _ = some_inputs(config)
    parameters = Objective(config, x, torch.zeros(21, dtype=torch.int64)).parameters(theta)
    network = build(config)
    whole = x.expand(3, *x.shape)
    for length in range(1, 5):
        cut = {**parameters, "position_embedding": parameters["position_embedding"][:, :length]}
        read = features(network, cut, whole[:, :, :length])
        for r in range(3):
            net = plain_network(config, theta[r])
            expected = torch.stack([net.all_tokens(sample)[:, length - 1] for sample in x])
            torch.testing.assert_close(read[r], expected.detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_features_have_mean_zero_and_norm_root_d(architecture):
    config = (
        transformer(architecture, ARCHITECTURES[architecture].norms[-1])
        if ARCHITECTURES[architecture].has_tokens
        else make(architecture)
    )
    x, y = some_inputs(config)
    if not ARCHITECTURES[architecture].has_network:
        x = torch.arange(21)
    features = Objective(config, x, y).evaluate(initial_parameters(config, torch.float64)).features
    assert features.mean(-1).abs().max() < 1e-12
    torch.testing.assert_close(
        features.norm(dim=-1), torch.full(features.shape[:2], 5**0.5, dtype=torch.float64)
    )


@pytest.mark.parametrize("architecture", ["RN2", "T21"])
def test_parts_of_the_objective_are_decayed_as_the_schedule_says(architecture):
    for schedule, hidden, last in (
        ("constant", 0.03, 0.03),
        ("1/L", 0.03 / 4, 0.03),
        ("uniform 1/L", 0.03 / 4, 0.03 / 4),
    ):
        make_it = transformer if architecture in TRANSFORMERS else make
        config = make_it(architecture, bias=True).with_(decay_schedule=schedule)
        theta = initial_parameters(config, torch.float64)
        evaluation = Objective(config, *some_inputs(config)).evaluate(theta)
        net = plain_network(config, theta[1])
        weights = sum(weight.square().sum() for weight in net.hidden())
        assert evaluation.decay_hidden[1].item() == pytest.approx(hidden / 2 * weights.item())
        assert evaluation.decay_last[1].item() == pytest.approx(
            last / 2 * net.last.weight.square().sum().item()
        )


@pytest.mark.parametrize("architecture", ["RN1", "T11"])
def test_own_samples_for_each_seed_are_those_seeds_alone(architecture):
    config = transformer(architecture) if architecture == "T11" else make(architecture)
    x, y = some_inputs(config)
    theta = initial_parameters(config, torch.float64)
    index = torch.stack([torch.randperm(21)[:8] for _ in range(3)])
    together = Objective(config, x[index], y[index]).evaluate(theta)
    for r in range(3):
        alone = plain_network(config, theta[r]).objective(x[index[r]], y[index[r]])
        assert together.loss[r].item() == pytest.approx(alone.item(), rel=1e-11)


@pytest.mark.parametrize("architecture", ["RN2", "T12"])
def test_samples_that_do_not_fit_in_memory_at_once_give_the_same(architecture, monkeypatch):
    config = transformer(architecture) if architecture == "T12" else make(architecture)
    x, y = some_inputs(config)
    theta = start(config)
    at_once = Objective(config, x, y).evaluate(theta)
    monkeypatch.setattr(memory, "SWEEP_BYTES", 8 * memory.activation_bytes(config))
    in_sweeps = Objective(config, x, y)
    assert in_sweeps.sweep == 8
    swept = in_sweeps.evaluate(theta)
    for name in ("loss", "grad", "features", "accuracy"):
        torch.testing.assert_close(
            getattr(swept, name), getattr(at_once, name), rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("architecture", (*RESNETS, *TRANSFORMERS))
def test_parameter_count_is_the_plain_networks(architecture, words):
    if words and architecture in RESNETS:
        return
    dataset = {"dataset": "imdb"} if words else {"dataset": "mnist"}
    config = RunConfig(**dataset, architecture=architecture, depth=8, last_bias=True)
    net = plain_network(config, words=words)
    assert parameter_count(config) == sum(p.numel() for p in net.parameters())


def test_a_seeds_initial_values_are_its_own():
    three = initial_parameters(RunConfig(seeds=3), torch.float32)
    one = initial_parameters(RunConfig(seeds=[2]), torch.float64)
    assert torch.equal(three[2].double(), one[0])
    assert not torch.equal(three[0], three[1])


def test_patches_are_squares_of_the_image_row_by_row():
    rng = np.random.default_rng(0)
    for shape, size in (((8, 8), 4), ((6, 6), 2), ((4, 4, 3), 2), ((4, 4), 4), ((3, 3, 3), 1)):
        images = rng.normal(size=(5, *shape))
        cut = patches(images.reshape(5, -1), shape, size)
        squares = [
            images[:, i : i + size, j : j + size].reshape(5, -1)
            for i in range(0, shape[0], size)
            for j in range(0, shape[1], size)
        ]
        np.testing.assert_array_equal(cut, np.stack(squares, axis=1))


def test_identical_samples_are_related_and_no_others():
    x = np.array([[1.0, 2], [3, 4], [1, 2], [3, 5], [3, 4], [1, 2]])
    assert first_identical(x).tolist() == [0, 1, 0, 3, 1, 0]
    assert first_identical(x.astype(np.int64)).tolist() == [0, 1, 0, 3, 1, 0]
    assert first_identical(np.array([[0.0], [-0.0], [1.0]])).tolist() == [0, 0, 2]


def test_free_features_of_related_samples_are_one():
    config = make("UFM")
    x, y = some_inputs(config)
    x[5] = x[2]
    relation = torch.from_numpy(network_inputs(config, x.numpy()))
    theta = initial_parameters(config, torch.float64)
    evaluation = Objective(config, relation, y).evaluate(theta)
    raw = theta[:, : 21 * 5].view(3, 21, 5)
    for r in range(3):
        for i in range(21):
            own = raw[r, 2 if i == 5 else i]
            expected = (own - own.mean()) / own.std(unbiased=False)
            torch.testing.assert_close(evaluation.features[r, i], expected, rtol=1e-9, atol=1e-9)


def test_parameters_are_named_once_and_roles_cover_what_is_decayed():
    for architecture in ARCHITECTURES:
        config = RunConfig(architecture=architecture)
        names = [shape.name for shape in parameter_shapes(config)]
        assert len(names) == len(set(names))
