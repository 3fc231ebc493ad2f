"""The parameter formula, worked out as a reader would, against networks built of torch.nn."""

import re

import pytest
from torch import nn

from ncengine.architectures.formula import parameter_formula, parameter_legend
from ncengine.architectures.shapes import parameter_count
from ncengine.config import RunConfig


def worked_out(formula: str, legend: dict[str, int]) -> int:
    """The formula's value: every letter replaced by its number, then plain arithmetic."""
    text = formula
    for letter in sorted(legend, key=len, reverse=True):
        text = text.replace(letter, f"{{{legend[letter]}}}")
    text = text.replace("²", "**2").replace("·", "*").replace("−", "-")
    text = text.replace("{", "(").replace("}", ")")
    assert re.fullmatch(r"[\d\s()+*-]+", text), text
    return eval(text)


class Block(nn.Module):
    """A transformer block with as many linear layers as its name says."""

    def __init__(self, d: int, attention: int, mlp: int):
        super().__init__()
        self.attention = nn.ModuleList(nn.Linear(d, d, bias=False) for _ in range(2 * attention))
        self.norms = nn.ModuleList(nn.LayerNorm(d, elementwise_affine=False) for _ in range(2))
        self.mlp = nn.ModuleList(nn.Linear(d, d) for _ in range(mlp))


def resnet(d0: int, d: int, depth: int, layers: int, classes: int, bias: bool) -> nn.Module:
    blocks = [nn.Sequential(*(nn.Linear(d, d) for _ in range(layers))) for _ in range(depth - 1)]
    return nn.Sequential(nn.Linear(d0, d), *blocks, nn.Linear(d, classes, bias=bias))


def transformer(
    embedding: nn.Module, context: int, d: int, depth: int, kind: str, classes: int, bias: bool
) -> nn.Module:
    blocks = [Block(d, int(kind[1]), int(kind[2])) for _ in range(depth)]
    last = nn.Linear(d, classes, bias=bias)
    return nn.Sequential(embedding, nn.Embedding(context, d), *blocks, last)


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def count(config: RunConfig) -> int:
    return worked_out(parameter_formula(config), parameter_legend(config))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("architecture", ["RN1", "RN2"])
@pytest.mark.parametrize(
    ("dataset", "d0"), [("digits", 64), ("mnist", 784), ("cifar10", 3072), ("gaussian", 11)]
)
def test_resnets(dataset, d0, architecture, norm, bias):
    config = RunConfig(
        dataset=dataset,
        architecture=architecture,
        norm=norm,
        input_dim=11,
        depth=4,
        width=6,
        classes=3,
        last_bias=bias,
    )
    assert count(config) == size(resnet(d0, 6, 4, int(architecture[-1]), 3, bias))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("architecture", ["T11", "T12", "T21", "T22"])
@pytest.mark.parametrize(
    ("dataset", "patch", "numbers", "patches"),
    [
        ("digits", 2, 4, 16),
        ("digits", 8, 64, 1),
        ("fashion-mnist", 7, 49, 16),
        ("cifar10", 4, 48, 64),
    ],
)
def test_vision_transformers(dataset, patch, numbers, patches, architecture, norm, bias):
    config = RunConfig(
        dataset=dataset,
        architecture=architecture,
        norm=norm,
        patch_size=patch,
        depth=3,
        width=6,
        classes=4,
        last_bias=bias,
    )
    embedding = nn.Linear(numbers, 6, bias=False)
    network = transformer(embedding, patches, 6, 3, architecture, 4, bias)
    assert count(config) == size(network)


@pytest.mark.parametrize("architecture", ["T11", "T12", "T21", "T22"])
def test_transformers_of_words(architecture):
    config = RunConfig(
        dataset="imdb", architecture=architecture, vocabulary=50, context=9, depth=3, width=6
    )
    network = transformer(nn.Embedding(50, 6), 9, 6, 3, architecture, 2, False)
    assert count(config) == size(network)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("dataset", "classes"), [("digits", 3), ("imdb", 2)])
def test_free_features(dataset, classes, bias):
    config = RunConfig(
        dataset=dataset,
        architecture="UFM",
        classes=classes,
        samples_per_class=7,
        width=6,
        last_bias=bias,
    )
    free = nn.Embedding(7 * classes, 6)
    assert count(config) == size(nn.Sequential(free, nn.Linear(6, classes, bias=bias)))


def test_the_text_is_the_papers():
    assert parameter_formula(RunConfig()) == "d·d₀ + d + (L − 1)·(d² + d) + K·d"
    words = RunConfig(dataset="imdb", architecture="T22", last_bias=True)
    assert parameter_formula(words) == "d·V + d·C + L·(4·d² + 2·(d² + d)) + K·d + K"


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(),
        RunConfig(architecture="T21", last_bias=True),
        RunConfig(dataset="cifar10", architecture="T12"),
        RunConfig(dataset="imdb"),
        RunConfig(architecture="UFM"),
    ],
    ids=lambda config: f"{config.dataset}-{config.architecture}",
)
def test_the_legend_has_the_formulas_letters_in_order(config):
    used = re.findall(r"d₀|[a-zA-Z]", parameter_formula(config))
    assert list(parameter_legend(config)) == list(dict.fromkeys(used))


@pytest.mark.parametrize("dataset", ["digits", "gaussian", "cifar10", "imdb"])
@pytest.mark.parametrize("bias", [False, True])
def test_it_counts_what_is_trained(dataset, bias):
    for architecture in RunConfig(dataset=dataset).params["architecture"].choices:
        config = RunConfig(dataset=dataset, architecture=architecture, last_bias=bias)
        assert count(config) == parameter_count(config)
