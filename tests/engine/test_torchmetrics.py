"""Collapse as a metric of torchmetrics: exact sums, whatever becomes of the module around it."""

import copy
import pickle

import numpy as np
import pytest
import torch

from tests.engine.test_accumulator import problem, two_passes

torchmetrics = pytest.importorskip("torchmetrics")
collapse = pytest.importorskip("ncengine.recorder.torchmetrics")

SPREADS = [(1.0, 1e-9), (1e-6, 1e-7), (1e-10, 1e-5), (1e-12, 1e-2)]


def tensors(spread, seed=0):
    features, labels = problem(np.random.default_rng(seed), spread)
    return torch.from_numpy(features), torch.from_numpy(labels)


def metric_of(features, labels, batch=100):
    made = collapse.Collapse(5, 7)
    for start in range(0, len(labels), batch):
        made.update(features[start : start + batch], labels[start : start + batch])
    return made


def agrees(found, features, labels, within):
    for name, expected in two_passes(features.numpy(), labels.numpy(), 5).items():
        assert found[name].dtype == torch.float64
        assert float(found[name]) == pytest.approx(expected, rel=within, abs=0.0), name


class Module(torch.nn.Module):
    """A network that a metric is part of."""

    def __init__(self):
        super().__init__()
        self.linear, self.metric = torch.nn.Linear(7, 5), collapse.Collapse(5, 7)


CASTS = {
    "to": lambda module: module.to(torch.float16),
    "to with device": lambda module: module.to("cpu", torch.bfloat16),
    "half": lambda module: module.half(),
    "bfloat16": lambda module: module.bfloat16(),
    "type": lambda module: module.type(torch.float16),
}


@pytest.mark.parametrize("spread, within", SPREADS)
@pytest.mark.parametrize("cast", CASTS)
def test_sums_keep_all_digits_when_the_module_is_cast(cast, spread, within):
    features, labels = tensors(spread)
    module = Module()
    module.metric.update(features[:100], labels[:100])
    CASTS[cast](module)
    assert module.linear.weight.dtype != torch.float32
    module.metric.update(features[100:], labels[100:])
    agrees(module.metric.compute(), features, labels, within)
    CASTS[cast](module)
    agrees(module.metric.compute(), features, labels, within)


def test_after_a_cast_it_begins_anew_in_double():
    features, labels = tensors(1e-10)
    module = Module().to(torch.float16)
    module.metric.update(features + 1, labels)
    module.metric.reset()
    module.metric.update(features, labels)
    agrees(module.metric.compute(), features, labels, 1e-5)


def test_another_type_is_refused_in_words():
    made = collapse.Collapse(5, 7)
    with pytest.raises(ValueError, match="must be torch.float64"):
        made.set_dtype(torch.float16)
    assert made.set_dtype(torch.float64) is made
    made.persistent(True)
    narrow = {name: values.half() for name, values in made.state_dict().items()}
    made.load_state_dict(narrow)
    with pytest.raises(ValueError, match="torch.float16, must be .* torch.float64"):
        made.update(*tensors(1.0))


@pytest.mark.parametrize("spread, within", SPREADS)
def test_two_are_put_together(spread, within):
    features, labels = tensors(spread)
    made = metric_of(features[:130], labels[:130])
    other = metric_of(features[130:], labels[130:])
    made.merge_state(other)
    agrees(made.compute(), features, labels, within)


@pytest.mark.parametrize("spread, within", SPREADS)
def test_by_forward_each_batch_gives_its_own_and_all_of_them_the_whole(spread, within):
    features, labels = tensors(spread)
    made = collapse.Collapse(5, 7)
    for part in (slice(0, 200), slice(200, 400)):
        agrees(made(features[part], labels[part]), features[part], labels[part], within)
    agrees(made.compute(), features, labels, within)


def _of_process(rank, folder, spread):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=3
    )
    features, labels = tensors(spread)
    # One after the other as they are, but the third has none.
    part = (slice(0, 150), slice(150, 400), slice(400, 400))[rank]
    made = metric_of(features[part], labels[part])
    if rank == 2:
        made.update(features[part], labels[part])
    found = {name: float(value) for name, value in made.compute().items()}
    own = int(made.sums[:5].sum())
    torch.save((found, own), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_three_processes_say_the_same_as_one(tmp_path):
    torch.multiprocessing.spawn(_of_process, (str(tmp_path), 1e-10), nprocs=3)
    features, labels = tensors(1e-10)
    said = [torch.load(tmp_path / f"{rank}.pt") for rank in range(3)]
    assert [own for _, own in said] == [150, 250, 0]
    for found, _ in said:
        for name, expected in two_passes(features.numpy(), labels.numpy(), 5).items():
            assert found[name] == pytest.approx(expected, rel=1e-5, abs=0.0), name


def test_with_a_last_layer_it_says_more_and_another_one_is_read_anew():
    import ncengine.metrics as metrics

    features, labels = tensors(0.5)
    made = metric_of(features, labels)
    for seed in range(2):
        weight = torch.randn(5, 7, generator=torch.Generator().manual_seed(seed))
        expected = metrics.every(features, labels, weight)
        found = made.compute(torch.nn.Parameter(weight))
        assert set(expected) - set(found) == {"nc3", "nc4", "accuracy"}
        for name, value in found.items():
            assert float(value) == pytest.approx(float(expected[name]), rel=1e-9, abs=1e-12), name


def test_what_was_put_back_in_inference_mode_goes_on_outside_of_it():
    features, labels = tensors(1.0)
    made = collapse.Collapse(5, 7)
    with torch.inference_mode():
        made.reset()
        made.update(features[:100], labels[:100])
    made.update(features[100:].requires_grad_(), labels[100:])
    assert not made.sums.requires_grad
    agrees(made.compute(), features.detach(), labels, 1e-9)


def test_copies_and_files_go_on_by_themselves():
    features, labels = tensors(1.0)
    made = metric_of(features[:200], labels[:200])
    made.persistent(True)
    loaded = collapse.Collapse(5, 7)
    loaded.load_state_dict(copy.deepcopy(made.state_dict()))
    for other in (made.clone(), pickle.loads(pickle.dumps(made)), loaded):
        other.update(features[200:], labels[200:])
        agrees(other.compute(), features, labels, 1e-9)
    agrees(made.compute(), features[:200], labels[:200], 1e-9)


def test_stands_beside_others_and_is_told_of_what_cannot_be():
    features, labels = tensors(1.0)
    both = torchmetrics.MetricCollection(
        {"collapse": collapse.Collapse(5, 7), "again": collapse.Collapse(5, 7)}
    )
    both.update(features, labels)
    agrees(
        {n.removeprefix("collapse_"): v for n, v in both.compute().items()}, features, labels, 1e-9
    )
    with pytest.raises(ValueError, match="classes = 1"):
        collapse.Collapse(1, 7)
    with pytest.raises(ValueError, match=r"must be \(B, 7\)"):
        collapse.Collapse(5, 7).update(features[:, :3], labels)
    with pytest.raises(ValueError, match="class 4 has no sample"):
        metric_of(features[labels < 4], labels[labels < 4]).compute()
