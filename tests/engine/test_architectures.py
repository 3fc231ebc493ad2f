"""RN1 and RN2 against plain torch.nn modules in float64, one network a seed."""

import pytest
import torch
from torch import nn

from ncengine.architectures.build import build, initial_parameters
from ncengine.architectures.shapes import parameter_count, parameter_shapes
from ncengine.config import RunConfig
from ncengine.objective import Objective

CASES = [
    (architecture, norm, loss, bias)
    for architecture in ("RN1", "RN2")
    for norm in ("post", "pre")
    for loss, bias in (("CE", False), ("MSE", False), ("MSE", True))
]


class PlainResNet(nn.Module):
    """Definitions 6 and 12, word for word, for a single seed."""

    def __init__(self, config, d0):
        super().__init__()
        d, two = config.width, config.architecture == "RN2"
        self.config = config
        self.lin0 = nn.Linear(d0, d)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d))
            if two
            else nn.Sequential(nn.Linear(d, d), nn.ReLU())
            for _ in range(config.depth - 1)
        )
        self.last = nn.Linear(d, config.classes, bias=config.last_bias)
        self.norm = nn.LayerNorm(d, eps=0.0, elementwise_affine=False)

    def features(self, x):
        x = self.norm(self.lin0(x))
        for block in self.blocks:
            if self.config.norm == "pre":
                x = x + block(self.norm(x))
            else:
                x = self.norm(x + block(x))
        return self.norm(x) if self.config.norm == "pre" else x

    def objective(self, x, y):
        logits = self.last(self.features(x))
        if self.config.loss == "CE":
            fit = nn.CrossEntropyLoss()(logits, y)
        else:
            fit = ((logits - torch.eye(self.config.classes)[y]) ** 2).sum() / (2 * len(y))
        hidden = sum(
            layer.weight.square().sum()
            for block in self.blocks
            for layer in block
            if isinstance(layer, nn.Linear)
        )
        last = self.last.weight.square().sum()
        return fit + self.config.decay_hidden / 2 * hidden + self.config.decay_last / 2 * last


def plain(config, theta_row):
    """A plain network with the values of one row of the flat parameters."""
    values, start = {}, 0
    for shape in parameter_shapes(config):
        values[shape.name] = theta_row[start : start + shape.size].view(shape.shape)
        start += shape.size
    net = PlainResNet(config, values["embedding_weight"].shape[1]).double()
    layers = ("",) if config.architecture == "RN1" else ("_1", "_2")
    with torch.no_grad():
        net.lin0.weight.copy_(values["embedding_weight"])
        net.lin0.bias.copy_(values["embedding_bias"])
        for i, block in enumerate(net.blocks):
            linears = [layer for layer in block if isinstance(layer, nn.Linear)]
            for name, layer in zip(layers, linears, strict=True):
                layer.weight.copy_(values[f"block_weight{name}"][i])
                layer.bias.copy_(values[f"block_bias{name}"][i])
        net.last.weight.copy_(values["last_weight"])
        if config.last_bias:
            net.last.bias.copy_(values["last_bias"])
    return net


def flat_gradient(net, config):
    """The plain network's gradient in the order of `parameter_shapes`."""
    linears = [[m for m in block if isinstance(m, nn.Linear)] for block in net.blocks]
    pieces = [net.lin0.weight.grad, net.lin0.bias.grad]
    for i in range(len(linears[0])):
        pieces.append(torch.stack([block[i].weight.grad for block in linears]))
        pieces.append(torch.stack([block[i].bias.grad for block in linears]))
    pieces.append(net.last.weight.grad)
    if config.last_bias:
        pieces.append(net.last.bias.grad)
    return torch.cat([piece.reshape(-1) for piece in pieces])


@pytest.fixture
def samples():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(21, 6, generator=generator, dtype=torch.float64)
    return x, torch.arange(21) % 3


def make(architecture, norm, loss, bias, **more):
    return RunConfig(
        dataset="gaussian",
        input_dim=6,
        classes=3,
        samples_per_class=7,
        architecture=architecture,
        norm=norm,
        loss=loss,
        last_bias=bias,
        depth=4,
        width=5,
        decay_schedule="1/L",
        weight_decay=0.03,
        seeds=3,
        precision="float64",
        **more,
    )


@pytest.mark.parametrize(("architecture", "norm", "loss", "bias"), CASES)
def test_objective_features_and_gradient_are_the_plain_networks(
    architecture, norm, loss, bias, samples
):
    config = make(architecture, norm, loss, bias)
    x, y = samples
    theta = initial_parameters(config, torch.float64) * 1.7
    evaluation = Objective(config, x, y).evaluate(theta)
    for r in range(3):
        net = plain(config, theta[r])
        objective = net.objective(x, y)
        objective.backward()
        torch.testing.assert_close(evaluation.loss[r], objective.detach(), rtol=1e-11, atol=0)
        torch.testing.assert_close(evaluation.features[r], net.features(x), rtol=0, atol=1e-9)
        torch.testing.assert_close(
            evaluation.grad[r], flat_gradient(net, config), rtol=1e-8, atol=1e-10
        )
        hits = (net.last(net.features(x)).argmax(1) == y).double().mean()
        assert evaluation.accuracy[r] == pytest.approx(hits.item())


def test_features_have_mean_zero_and_norm_root_d(samples):
    config = make("RN1", "pre", "CE", False)
    theta = initial_parameters(config, torch.float64)
    features = Objective(config, *samples).evaluate(theta).features
    assert features.mean(-1).abs().max() < 1e-12
    torch.testing.assert_close(
        features.norm(dim=-1), torch.full(features.shape[:2], 5**0.5, dtype=torch.float64)
    )


def test_parts_of_the_objective_are_decayed_as_the_schedule_says(samples):
    for schedule, hidden, last in (
        ("constant", 0.03, 0.03),
        ("1/L", 0.03 / 4, 0.03),
        ("uniform 1/L", 0.03 / 4, 0.03 / 4),
    ):
        config = make("RN2", "post", "CE", True).with_(decay_schedule=schedule)
        theta = initial_parameters(config, torch.float64)
        evaluation = Objective(config, *samples).evaluate(theta)
        net = plain(config, theta[1])
        weights = sum(
            m.weight.square().sum() for b in net.blocks for m in b if isinstance(m, nn.Linear)
        )
        assert evaluation.decay_hidden[1].item() == pytest.approx(hidden / 2 * weights.item())
        assert evaluation.decay_last[1].item() == pytest.approx(
            last / 2 * net.last.weight.square().sum().item()
        )


def test_own_samples_for_each_seed_are_those_seeds_alone(samples):
    config = make("RN1", "post", "CE", False)
    x, y = samples
    theta = initial_parameters(config, torch.float64)
    index = torch.stack([torch.randperm(21)[:8] for _ in range(3)])
    together = Objective(config, x[index], y[index]).evaluate(theta)
    for r in range(3):
        alone = plain(config, theta[r]).objective(x[index[r]], y[index[r]])
        assert together.loss[r].item() == pytest.approx(alone.item(), rel=1e-11)


@pytest.mark.parametrize("architecture", ["RN1", "RN2"])
def test_parameter_count_is_the_plain_networks(architecture):
    config = RunConfig(dataset="mnist", architecture=architecture, depth=8, last_bias=True)
    net = PlainResNet(config, 784)
    assert parameter_count(config) == sum(p.numel() for p in net.parameters())


def test_a_seeds_initial_values_are_its_own():
    three = initial_parameters(RunConfig(seeds=3), torch.float32)
    one = initial_parameters(RunConfig(seeds=[2]), torch.float64)
    assert torch.equal(three[2].double(), one[0])
    assert not torch.equal(three[0], three[1])


def test_build_knows_every_architecture_of_the_schema():
    for architecture in ("RN1", "RN2"):
        for norm in ("pre", "post"):
            network = build(RunConfig(architecture=architecture, norm=norm))
            assert network.pre_norm == (norm == "pre")
