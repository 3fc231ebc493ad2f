"""Heads of all kinds: what is found multiplies its features to the model's own logits."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import ncengine
from ncengine.recorder import heads
from ncengine.recorder.heads import HeadNotFound
from ncengine.recorder.looking import look
from ncengine.recorder.outputs import logits_of
from ncengine.recorder.probe import Batch
from ncengine.recorder.untouched import untouched


def body(width=12):
    return nn.Sequential(nn.Linear(6, width), nn.BatchNorm1d(width), nn.ReLU())


class Plain(nn.Module):
    def __init__(self, head=None):
        super().__init__()
        # Registered before what comes before it: its place says nothing.
        self.fc = nn.Linear(12, 4) if head is None else head
        self.body = body()

    def forward(self, x):
        return self.fc(self.body(x))


class After(Plain):
    """Something else after the linear layer."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(super().forward(x))


class Convolution(nn.Module):
    def __init__(self, pool_first=True):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())
        self.classifier = nn.Conv2d(8, 4, 1)
        self.pool_first = pool_first

    def forward(self, x):
        x = self.stem(x.reshape(-1, 1, 6, 6))
        if self.pool_first:
            return self.classifier(x.mean((2, 3), keepdim=True)).flatten(1)
        return self.classifier(x).mean((2, 3))


class Pair(nn.Module):
    def __init__(self, share=0.5):
        super().__init__()
        self.body, self.side = body(), body(10)
        self.head, self.head_dist = nn.Linear(12, 4), nn.Linear(10, 4)
        self.share = share

    def forward(self, x):
        one, other = self.head(self.body(x)), self.head_dist(self.side(x))
        return (one, other) if self.training else self.share * (one + other)


class Token(nn.Module):
    """A score for every token, of which the last that is no padding counts; named as usual."""

    def __init__(self, bias=False):
        super().__init__()
        self.embed, self.mix = nn.Embedding(9, 12), nn.Linear(12, 12)
        self.score = nn.Linear(12, 4, bias=bias)

    def forward(self, input_ids, attention_mask):
        scores = self.score(torch.tanh(self.mix(self.embed(input_ids)).cumsum(1)))
        last = attention_mask.sum(1) - 1
        return {"loss": None, "logits": scores[torch.arange(len(scores)), last]}


class Averaged(Token):
    """Scores of every token, averaged over those that are no padding."""

    def forward(self, input_ids, attention_mask):
        scores = self.score(torch.tanh(self.mix(self.embed(input_ids)).cumsum(1)))
        mask = attention_mask[..., None]
        return {"logits": (scores * mask).sum(1) / mask.sum(1)}


class Adapter(nn.Module):
    """A frozen layer, and a product of two small ones beside it."""

    def __init__(self):
        super().__init__()
        self.base_layer = nn.Linear(12, 4)
        self.lora_A, self.lora_B = nn.Linear(12, 2, bias=False), nn.Linear(2, 4, bias=False)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.base_layer(x) + 0.7 * self.lora_B(self.lora_A(self.dropout(x)))


class Transposed(nn.Module):
    """As transformers' Conv1D: weight (d, K)."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(12, 4)), nn.Parameter(torch.randn(4))

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight)


class Overridden(nn.Linear):
    """Calls itself linear, and multiplies by something else than its weight."""

    def forward(self, x):
        return F.linear(x, 2 * self.weight + 1, self.bias)


class Functional(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.body, self.way = body(), way
        self.weight, self.bias = nn.Parameter(torch.randn(4, 12)), nn.Parameter(torch.randn(4))

    def forward(self, x):
        x = self.body(x)
        if self.way == "linear":
            return F.linear(x, self.weight, self.bias)
        if self.way == "product":
            return x @ self.weight.T + self.bias
        return 8 * F.linear(F.normalize(x + 0.1), F.normalize(self.weight))


class Hybrid(nn.Module):
    """The layer's name is that of the head; what gives the logits is another one."""

    def __init__(self):
        super().__init__()
        self.body, self.logits, self.fc = body(), nn.Linear(12, 4), nn.Linear(12, 4)

    def forward(self, x):
        x = self.body(x)
        self.fc(x)
        return self.logits(x)


X = torch.randn(14, 6, generator=torch.Generator().manual_seed(0))
MAPS = torch.randn(14, 36, generator=torch.Generator().manual_seed(1))
TOKENS = {
    "input_ids": torch.randint(9, (14, 5), generator=torch.Generator().manual_seed(2)),
    "attention_mask": torch.ones(14, 5, dtype=torch.long).tril(2),
}


def quantised(model):
    return torch.ao.quantization.quantize_dynamic(model.eval(), {nn.Linear}, torch.qint8)


ROWS = Batch((X,), {}, None)
OF_MAPS = Batch((MAPS,), {}, None)
OF_TOKENS = Batch((), TOKENS, None)
KINDS = {
    "linear": (Plain, ROWS, ["fc"]),
    "no bias": (lambda: Plain(nn.Linear(12, 4, bias=False)), ROWS, ["fc"]),
    "the model is linear": (lambda: nn.Linear(6, 4), ROWS, [""]),
    "other than its name": (Hybrid, ROWS, ["logits"]),
    "1 × 1 convolution": (Convolution, OF_MAPS, ["classifier"]),
    "convolution, then mean": (lambda: Convolution(False), OF_MAPS, ["classifier"]),
    "mean of two": (Pair, ROWS, ["head", "head_dist"]),
    "sum of two": (lambda: Pair(1.0), ROWS, ["head", "head_dist"]),
    "a token": (Token, OF_TOKENS, ["score"]),
    "a token, bias": (lambda: Token(True), OF_TOKENS, ["score"]),
    "mean of tokens": (lambda: Averaged(True), OF_TOKENS, ["score"]),
    "BatchNorm inside": (
        lambda: Plain(nn.Sequential(nn.BatchNorm1d(12), nn.Dropout(0.5), nn.Linear(12, 4))),
        ROWS,
        ["fc.2"],
    ),
    "adapter": (lambda: Plain(Adapter()), ROWS, ["fc"]),
    "transposed": (lambda: Plain(Transposed()), ROWS, ["fc"]),
    "overridden": (lambda: Plain(Overridden(12, 4)), ROWS, ["fc"]),
    "weight norm": (
        lambda: Plain(nn.utils.parametrizations.weight_norm(nn.Linear(12, 4))),
        ROWS,
        ["fc"],
    ),
    "spectral norm": (
        lambda: Plain(nn.utils.parametrizations.spectral_norm(nn.Linear(12, 4))),
        ROWS,
        ["fc"],
    ),
    "identity behind": (
        lambda: Plain(nn.Sequential(nn.Linear(12, 4), nn.Identity())),
        ROWS,
        ["fc.0"],
    ),
    "scaled": (lambda: After(lambda z: 3.5 * z), ROWS, ["fc"]),
    "zeros": (lambda: Plain(_zeros(nn.Linear(12, 4))), ROWS, ["fc"]),
    "doubles": (lambda: Plain().double(), Batch((X.double(),), {}, None), ["fc"]),
    "bfloat16": (lambda: Plain().bfloat16(), ROWS, ["fc"]),
}


def _zeros(layer):
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def trained(make):
    """With BatchNorm's statistics and scales other than they begin."""
    torch.manual_seed(3)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
    return model


def seen_by(model, batch, head=None):
    with untouched(model):
        found = heads.find(model, batch) if head is None else heads.named(model, batch, head)
        return found, look(model, [batch], found, {}, "mean")


def logits(model, batch):
    with untouched(model):
        return logits_of(batch.call(model)).double()


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_is_found_by_what_it_does(kind):
    make, batch, names = KINDS[kind]
    model = trained(make)
    if kind == "bfloat16":
        batch = batch.to(torch.device("cpu"), torch.bfloat16)
    head, seen = seen_by(model, batch)
    assert [part.name for part in head.parts] == names
    weight, bias = seen.matrices[-1]
    assert weight.shape == (head.classes, head.width) and seen.joined.shape == (14, head.width)
    found = seen.joined.double() @ weight.double().T + (0 if bias is None else bias.double())
    within = 2e-2 if kind == "bfloat16" else 1e-5
    torch.testing.assert_close(found, logits(model, batch), rtol=within, atol=within)
    for name, rows, (w, _) in zip(names, seen.features, seen.matrices):
        assert rows.shape[1] == w.shape[1], name


@pytest.mark.parametrize("way", ["linear", "product", "cosine"])
def test_a_head_that_is_no_module_is_found(way):
    model = trained(lambda: Functional(way))
    head, seen = seen_by(model, ROWS)
    weight, bias = seen.matrices[-1]
    rows = seen.joined.double()
    found = rows @ weight.double().T + (0 if bias is None else bias.double())
    torch.testing.assert_close(found, logits(model, ROWS), rtol=1e-5, atol=1e-5)
    expected = 8 * F.normalize(model.weight) if way == "cosine" else model.weight
    torch.testing.assert_close(weight, expected.detach().float(), rtol=1e-5, atol=1e-6)
    assert str(head).startswith("a product of features and a matrix: 12 → 4")


def test_what_is_added_or_multiplied_later_is_read_anew():
    model = trained(lambda: Functional("product"))
    with untouched(model):
        head = heads.find(model, ROWS)
    with torch.no_grad():
        model.bias += 2
        model.weight *= 3
    with untouched(model):
        (weight, bias) = look(model, [ROWS], head, {}, "mean").matrices[-1]
    torch.testing.assert_close(bias, model.bias.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weight, model.weight.detach())


@pytest.mark.parametrize("after", [F.log_softmax, F.softmax], ids=["log-softmax", "softmax"])
def test_probabilities_are_seen_through(after):
    model = trained(lambda: After(lambda z: after(z, dim=-1)))
    head, seen = seen_by(model, ROWS)
    assert [part.name for part in head.parts] == ["fc"] and "softmax" in str(head)
    weight, bias = seen.matrices[-1]
    found = after(seen.joined @ weight.T + bias, dim=-1).double()
    torch.testing.assert_close(found, logits(model, ROWS), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_head_is_found_with_the_matrix_that_it_stands_for():
    plain = trained(Plain)
    model = quantised(trained(Plain))
    head, seen = seen_by(model, ROWS)
    assert [part.name for part in head.parts] == ["fc"]
    weight, _ = seen.matrices[-1]
    # A step of 8 bits is the largest entry over 127.
    step = plain.fc.weight.abs().max() / 127
    assert (weight - plain.fc.weight).abs().max() <= step
    assert weight.unique().numel() > 10


def test_a_head_whose_logits_are_all_but_zero_is_found():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 7, bias=False), nn.Linear(7, 5, bias=False))
    with torch.no_grad():
        model[0].weight *= 1e-42
    head, _ = seen_by(model, Batch((torch.randn(14, 12),), {}, None))
    assert [part.name for part in head.parts] == ["1"]


@pytest.mark.filterwarnings("ignore")
def test_a_statically_quantised_head_is_found_behind_what_makes_floats_of_it():
    from torch.ao import quantization

    torch.manual_seed(0)
    model = nn.Sequential(
        quantization.QuantStub(),
        nn.Linear(12, 7),
        nn.ReLU(),
        nn.Linear(7, 5),
        quantization.DeQuantStub(),
    ).eval()
    weight = model[3].weight.detach().clone()
    model.qconfig = quantization.get_default_qconfig("x86")
    quantization.prepare(model, inplace=True)
    batch = Batch((torch.randn(64, 12),), {}, None)
    batch.call(model)
    quantization.convert(model, inplace=True)
    head, seen = seen_by(model, batch)
    assert [part.name for part in head.parts] == ["3"] and seen.joined.shape == (64, 7)
    torch.testing.assert_close(seen.matrices[-1][0], weight, atol=0.01, rtol=0)


def test_the_first_of_several_that_pass_it_on_is_the_head():
    model = trained(lambda: Plain(nn.Sequential(nn.Linear(12, 4), nn.Dropout(0.3), nn.Flatten())))
    head, _ = seen_by(model, ROWS)
    assert str(head) == "fc.0: 12 → 4"


@pytest.mark.parametrize(
    "change", [F.relu, lambda z: z * z, lambda z: z.sort(-1).values], ids=["relu", "square", "sort"]
)
def test_where_nothing_gives_the_logits_candidates_are_named(change):
    model = trained(lambda: After(change))
    with untouched(model), pytest.raises(HeadNotFound) as error:
        heads.find(model, ROWS)
    text = str(error.value)
    assert "no linear layer gives the logits, of shape (14, 4)" in text
    assert "fc (Linear, (14, 12) → (14, 4))" in text and "head= takes the name of a module" in text


def test_a_layer_can_be_named_or_given_even_so():
    model = trained(lambda: After(F.relu))
    for asked in ("fc", "_orig_mod.fc", "module.fc", model.fc):
        head, seen = seen_by(model, ROWS, asked)
        assert [part.name for part in head.parts] == ["fc"] and (head.width, head.classes) == (
            12,
            4,
        )
        torch.testing.assert_close(seen.matrices[0][0], model.fc.weight.detach())
        with torch.no_grad():
            torch.testing.assert_close(seen.joined, model.body(X))


@pytest.mark.parametrize(
    "asked, message",
    [
        ("fcc", "head = 'fcc': there is no such module; there is fc"),
        ("spare", "head = 'spare': was not called as the model ran"),
        ("change", "head = 'change': is not linear; candidates: fc"),
        (nn.Linear(12, 4), "head: Linear, is no part of the model"),
    ],
)
def test_what_cannot_be_the_head_is_refused_in_words(asked, message):
    model = trained(lambda: After(nn.ReLU()))
    model.spare = nn.Linear(12, 4)
    with untouched(model), pytest.raises(HeadNotFound, match=message):
        heads.named(model, ROWS, asked)


@pytest.mark.parametrize(
    "model, message",
    [
        (
            nn.Sequential(nn.Linear(6, 1)),
            r"one number a sample, of shape \(14, 1\), must .* use observe",
        ),
        (nn.Sequential(nn.Linear(6, 4), nn.Unflatten(1, (2, 2))), r"logits of shape \(14, 2, 2\)"),
        (After(lambda z: {"hidden": None}), "gives a dict, must give logits"),
    ],
)
def test_a_model_without_logits_is_refused(model, message):
    with untouched(model), pytest.raises(ValueError, match=message):
        heads.find(model, ROWS)


def test_which_of_several_tokens_is_picked_is_not_guessed():
    model = trained(Token)
    nn.init.zeros_(model.score.weight)
    with untouched(model):
        head = heads.find(model, OF_TOKENS)
        with pytest.raises(HeadNotFound, match="the same logits at several positions"):
            look(model, [OF_TOKENS], head, {}, "mean")


def test_a_head_that_is_not_called_any_more_is_told():
    model = trained(Plain)
    with untouched(model):
        head = heads.find(model, ROWS)
        model.fc = nn.Linear(12, 4)
        with pytest.raises(HeadNotFound, match="fc was not called as the model ran"):
            look(model, [ROWS], head, {}, "mean")


def test_no_hook_stays_behind_even_if_the_model_raises():
    model = trained(Plain)
    seen_by(model, ROWS)
    with untouched(model), pytest.raises(RuntimeError):
        heads.find(model, Batch((torch.zeros(3, 5),), {}, None))
    assert all(not module._forward_hooks for module in model.modules())


def test_widths_of_pairs_add_up():
    head, seen = seen_by(trained(Pair), ROWS)
    assert str(head) == "head and head_dist: 22 → 4, their mean"
    assert [rows.shape[1] for rows in seen.features] == [12, 10]
    assert math.isclose(
        float(seen.matrices[0][0].norm()) ** 2 + float(seen.matrices[1][0].norm()) ** 2,
        float(seen.matrices[2][0].norm()) ** 2,
        rel_tol=1e-5,
    )


class OfWholeMaps(nn.Module):
    """A convolution whose kernel is as large as its map: linear in all of its numbers."""

    def __init__(self, dimensions):
        super().__init__()
        convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dimensions - 1]
        self.shape = (3, *[2] * dimensions)
        self.body = nn.Linear(6, math.prod(self.shape))
        self.head = convolution(3, 4, 2)

    def forward(self, x):
        return self.head(self.body(x).relu().reshape(-1, *self.shape)).flatten(1)


class TokensFirst(nn.Module):
    """Sequences (T, B, d), of which one place or the mean counts."""

    def __init__(self, choice):
        super().__init__()
        self.choice, self.embed, self.head = choice, nn.Linear(2, 7), nn.Linear(7, 4)

    def features(self, x):
        return torch.tanh(self.embed(x.reshape(-1, 3, 2).transpose(0, 1)))

    def forward(self, x):
        return self.choice(self.head(self.features(x)))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_kernel_as_large_as_its_map_is_one_product(dimensions):
    model = OfWholeMaps(dimensions)
    rec = ncengine.Recorder(model, probe=(torch.randn(60, 6), torch.arange(60) % 4))
    assert rec.head.parts[0].name == "head"
    assert rec.head.width == model.body.out_features
    found, x, y = rec.snapshot(0), rec._probe[0].inputs[0], rec._probe[0].labels
    with torch.no_grad():
        weight = model.head.weight.flatten(1)
        expected = ncengine.Recorder().observe(model.body(x).relu(), y, weight, model.head.bias)
    assert found.figures == pytest.approx(expected.figures, rel=1e-5, nan_ok=True)
    with rec.watch():
        F.cross_entropy(model(x), y)
    assert rec.snapshot(1).nc1 == pytest.approx(found.nc1, rel=1e-5)


@pytest.mark.parametrize("rows", [60, 48 + 3])
@pytest.mark.parametrize("choice", [lambda z: z[-1], lambda z: z[0], lambda z: z.mean(0)])
def test_samples_may_be_on_the_second_axis(choice, rows):
    """Also where a batch has as many samples as a sequence has places, as the last one of 51."""
    torch.manual_seed(3)
    model, x, y = TokensFirst(choice), torch.randn(rows, 6), torch.arange(rows) % 4
    rec = ncengine.Recorder(model, probe=DataLoader(TensorDataset(x, y), 16))
    found = rec.snapshot(0)
    with torch.no_grad():
        h = choice(model.features(x))
        expected = ncengine.Recorder().observe(h, y, model.head.weight, model.head.bias)
    assert found.figures == pytest.approx(expected.figures, rel=1e-5, nan_ok=True)


def test_batchnorm_after_the_head_is_read_anew_as_it_is_trained():
    torch.manual_seed(1)
    model, norm = Plain(), nn.BatchNorm1d(4)
    model = nn.Sequential(model, norm)
    x, y = torch.randn(80, 6), torch.arange(80) % 4
    rec = ncengine.Recorder(model, probe=(x, y))
    rec.snapshot(0)
    with torch.no_grad():
        norm.running_mean[:], norm.running_var[:] = torch.randn(4), 1 + torch.rand(4)
        norm.weight[:], norm.bias[:] = 1 + torch.rand(4), torch.randn(4)
        found, own = rec.snapshot(1), model[0]
        model.eval()
        each = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = each * (own.fc.bias - norm.running_mean) + norm.bias
        expected = ncengine.Recorder().observe(own.body(x), y, each[:, None] * own.fc.weight, bias)
        right = (model(x).argmax(1) == y).double().mean()
    assert found.figures == pytest.approx(expected.figures, rel=1e-4, nan_ok=True)
    assert found.accuracy == pytest.approx(float(right), abs=1e-12)


def test_logits_that_become_something_else_are_told_once(caplog):
    model = After(lambda z: z.clamp(-1e3, 1e3))
    rec = ncengine.Recorder(model, probe=(torch.randn(80, 6), torch.arange(80) % 4))
    rec.snapshot(0)
    with torch.no_grad():
        model.fc.weight *= 1e3
    assert not caplog.records
    rec.snapshot(1)
    model.change = lambda z: z.clamp(-10, 10)
    for step in (2, 3):
        assert math.isfinite(rec.snapshot(step).nc1)
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "the logits are not that any more" in caplog.text
    # Who names a layer knows why.
    named = ncengine.Recorder(model, probe=(torch.randn(80, 6), torch.arange(80) % 4), head="fc")
    caplog.clear()
    named.snapshot(0)
    assert not caplog.records


def test_vmap_raises_nothing_of_its_own():
    class Each(Plain):
        def forward(self, x):
            return torch.func.vmap(lambda row: self.fc(row[None]))(self.body(x))[:, 0]

    with pytest.raises(HeadNotFound):
        ncengine.Recorder(Each(), probe=(torch.randn(80, 6), torch.arange(80) % 4))
