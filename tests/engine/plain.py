"""The paper's definitions as plain torch.nn modules for a single seed: the engine's oracle."""

import torch
from torch import nn

from ncengine.architectures.shapes import context_length, input_dim, parameter_shapes
from ncengine.catalogue.architectures import ARCHITECTURES

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


class Plain(nn.Module):
    """Objective (3) around `features` and the decayed weights `hidden`, which a subclass gives."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.last = nn.Linear(config.width, config.classes, bias=config.last_bias)
        self.norm = nn.LayerNorm(config.width, eps=0.0, elementwise_affine=False)

    def objective(self, x, y):
        logits = self.last(self.features(x))
        if self.config.loss == "CE":
            fit = nn.CrossEntropyLoss()(logits, y)
        else:
            target = torch.eye(self.config.classes, dtype=logits.dtype)[y]
            fit = ((logits - target) ** 2).sum() / (2 * len(y))
        hidden = sum(weight.square().sum() for weight in self.hidden())
        last = self.last.weight.square().sum()
        return fit + self.config.decay_hidden / 2 * hidden + self.config.decay_last / 2 * last


class PlainResNet(Plain):
    """Definitions 6 and 12, word for word."""

    def __init__(self, config):
        super().__init__(config)
        (part,) = ARCHITECTURES[config.architecture].parts
        self.lin0 = nn.Linear(input_dim(config), config.width)
        self.blocks = nn.ModuleList(branch(config.width, part) for _ in range(config.depth - 1))

    def streams(self, x):
        found = [self.norm(self.lin0(x))]
        for block in self.blocks:
            x = found[-1]
            if self.config.norm == "pre":
                found.append(x + block(self.norm(x)))
            else:
                found.append(self.norm(x + block(x)))
        return found

    def features(self, x):
        x = self.streams(x)[-1]
        return self.norm(x) if self.config.norm == "pre" else x

    def hidden(self):
        return [layer.weight for block in self.blocks for layer in linears(block)]

    def named(self):
        yield "embedding_weight", self.lin0.weight
        yield "embedding_bias", self.lin0.bias
        yield from of_branches("block", self.blocks)
        yield from of_last(self.last)


class PlainTransformer(Plain):
    """Definitions 7 and 13, word for word: every sample is a matrix Z whose columns are tokens."""

    def __init__(self, config, words):
        super().__init__(config)
        d, (mixing, mlp) = config.width, ARCHITECTURES[config.architecture].parts
        self.words = words
        self.tokens = nn.Linear(input_dim(config), d, bias=False)  # W_e
        self.positions = nn.Parameter(torch.randn(d, context_length(config)))  # W_p
        names = ("q", "k", "v", "o") if mixing.linear_layers == 2 else ("qk", "vo")
        self.attention = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(d, d, bias=False) for name in names})
            for _ in range(config.depth)
        )
        self.mlp = nn.ModuleList(branch(d, mlp) for _ in range(config.depth))

    def features(self, x):
        return torch.stack([self.all_tokens(sample)[:, -1] for sample in x])

    def streams(self, x):
        samples = [self.all_streams(sample) for sample in x]
        return [torch.stack([z[:, -1] for z in layer]) for layer in zip(*samples, strict=True)]

    def all_tokens(self, sample):
        """(d, C) features of every token of one sample: patches (C, m) or words (C,)."""
        return self.columns(self.all_streams(sample)[-1])

    def all_streams(self, sample):
        """(d, C) of every token after the embedding and after each block, LN'd where post-LN."""
        if self.words:
            one_hot = torch.zeros(self.tokens.in_features, len(sample), dtype=torch.float64)
            one_hot[sample, torch.arange(len(sample))] = 1
        else:
            one_hot = sample.T
        z = self.tokens.weight @ one_hot + self.positions
        pre = self.config.norm == "pre"
        z = self.columns(z)
        found = [z]
        for attention, mlp in zip(self.attention, self.mlp, strict=True):
            if pre:
                z = z + self.attend(attention, self.columns(z))
                z = z + mlp(self.columns(z).T).T
            else:
                z = z + self.attend(attention, z)
                z = self.columns(z)
                z = z + mlp(z.T).T
                z = self.columns(z)
            found.append(z)
        return found

    def columns(self, z):
        return self.norm(z.T).T

    def attend(self, weights, z):
        context = z.shape[1]
        # -inf on the lower triangle, 0 on the upper one and on the diagonal.
        mask = torch.full((context, context), -torch.inf, dtype=z.dtype).tril(-1)
        w = {name: linear.weight for name, linear in weights.items()}
        qk = w["qk"] if "qk" in w else w["k"].T @ w["q"]
        a = torch.softmax(mask + z.T @ qk @ z / self.config.width**0.5, dim=0)
        vo = w["vo"] if "vo" in w else w["o"] @ w["v"]
        return vo @ z @ a

    def hidden(self):
        return [
            *(linear.weight for block in self.attention for linear in block.values()),
            *(linear.weight for block in self.mlp for linear in linears(block)),
        ]

    def named(self):
        yield "token_embedding", self.tokens.weight.T if self.words else self.tokens.weight
        yield "position_embedding", self.positions.T
        for name in self.attention[0]:
            yield f"attention_{name}", [block[name].weight for block in self.attention]
        yield from of_branches("mlp", self.mlp)
        yield from of_last(self.last)


def branch(d, part):
    layers = [nn.Linear(d, d), ACTIVATIONS[part.activation]()]
    return nn.Sequential(*layers, *[nn.Linear(d, d)] * (part.linear_layers - 1))


def linears(block):
    return [layer for layer in block if isinstance(layer, nn.Linear)]


def of_branches(prefix, blocks):
    suffixes = ("",) if len(linears(blocks[0])) == 1 else ("_1", "_2")
    for i, suffix in enumerate(suffixes):
        yield f"{prefix}_weight{suffix}", [linears(block)[i].weight for block in blocks]
        yield f"{prefix}_bias{suffix}", [linears(block)[i].bias for block in blocks]


def of_last(last):
    yield "last_weight", last.weight
    if last.bias is not None:
        yield "last_bias", last.bias


def plain_network(config, theta_row=None, words=False):
    """The plain network in float64; with the values of one row of the engine's flat parameters."""
    tokens = ARCHITECTURES[config.architecture].has_tokens
    net = (PlainTransformer(config, words) if tokens else PlainResNet(config)).double()
    if theta_row is not None:
        values, start = {}, 0
        for shape in parameter_shapes(config):
            values[shape.name] = theta_row[start : start + shape.size].view(shape.shape)
            start += shape.size
        for name, parameter in net.named():
            if isinstance(parameter, list):
                for one, value in zip(parameter, values[name], strict=True):
                    one.data.copy_(value)
            else:
                parameter.data.copy_(values[name])
    return net


def flat_gradient(net, config, loss):
    """The gradient of `loss` in the order of the engine's flat parameters."""
    leaves = list(net.parameters())
    grads = dict(zip(map(id, leaves), torch.autograd.grad(loss, leaves), strict=True))
    pieces = {}
    for name, parameter in net.named():
        if isinstance(parameter, list):
            pieces[name] = torch.stack([grads[id(one)] for one in parameter])
        elif id(parameter) in grads:
            pieces[name] = grads[id(parameter)]
        else:  # stored transposed
            leaf = net.positions if name == "position_embedding" else net.tokens.weight
            pieces[name] = grads[id(leaf)].T
    return torch.cat([pieces[shape.name].reshape(-1) for shape in parameter_shapes(config)])
