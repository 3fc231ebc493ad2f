"""The callback of Lightning, with its Trainer."""

import json
import logging

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine.metrics as metrics
from tests.engine.test_recorder import Network, loader_of

lightning = pytest.importorskip("lightning")
callback = pytest.importorskip("ncengine.recorder.lightning")
QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "accelerator": "cpu",
}


@pytest.fixture(autouse=True)
def _no_words(monkeypatch):
    monkeypatch.setattr(logging.getLogger("lightning.pytorch"), "disabled", True)


class Module(lightning.LightningModule):
    def __init__(self, rate=0.1):
        super().__init__()
        torch.manual_seed(0)
        self.net, self.rate = Network(), rate

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch):
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch):
        self.log("val", F.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.rate, momentum=0.9)


def fitted(module, *callbacks, validated=False, **options):
    torch.manual_seed(1)
    trainer = lightning.Trainer(**{"max_epochs": 3, **QUIET, **options}, callbacks=[*callbacks])
    trainer.fit(module, loader_of(), loader_of() if validated else None)
    return trainer


def test_a_snapshot_an_epoch_says_what_the_definitions_say_and_is_logged():
    collapse = callback.CollapseCallback(probe=loader_of(), per_class=10**6)
    module = Module()
    trainer = fitted(module, collapse, validated=True)
    assert [one.step for one in collapse.snapshots] == [0, 1, 2]
    found = collapse.snapshots[-1]
    x, y = loader_of().dataset.tensors
    net = module.net.eval()
    with torch.no_grad():
        features = torch.tanh(net.body(x))
    expected = metrics.every(features, y, net.fc.weight.detach(), net.fc.bias.detach())
    for name in ("nc1", "nc2a", "nc3", "nc4", "cdnv"):
        assert found.figures[name] == pytest.approx(float(expected[name]), rel=1e-5), name
        logged = float(trainer.callback_metrics[f"collapse/{name}"])
        assert logged == pytest.approx(found.figures[name], rel=1e-5), name
    assert "net.fc" in str(collapse.recorder.head)


def test_training_is_the_same_to_the_bit():
    plain, watched = Module(), Module()
    fitted(plain)
    fitted(watched, callback.CollapseCallback(probe=loader_of(), layers=["net.body"]))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name
    assert all(not module._forward_hooks for module in watched.modules())
    assert watched.net.training


def test_every_second_epoch_and_a_second_training_begins_anew():
    collapse = callback.CollapseCallback(probe=loader_of(), every=2)
    fitted(Module(), collapse, max_epochs=5)
    assert [one.step for one in collapse.snapshots] == [1, 3]
    first = collapse.recorder
    fitted(Module(), collapse, max_epochs=2)
    assert [one.step for one in collapse.snapshots] == [1]
    assert collapse.recorder is not first
    with pytest.raises(RuntimeError, match="closed"):
        first.snapshot(9)


def test_a_training_that_fails_lets_go_of_the_model():
    class Failing(Module):
        def on_train_epoch_start(self):
            if self.current_epoch == 1:
                raise ZeroDivisionError

    collapse = callback.CollapseCallback(probe=loader_of())
    with pytest.raises(ZeroDivisionError):
        fitted(Failing(), collapse)
    assert len(collapse.snapshots) == 1
    with pytest.raises(RuntimeError, match="closed"):
        collapse.recorder.snapshot(1)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_other_precisions_are_measured(precision):
    collapse = callback.CollapseCallback(probe=loader_of())
    fitted(Module(0.05), collapse, precision=precision)
    assert collapse.snapshots[-1].nc1 > 0


def test_another_callback_can_watch_it():
    stop = lightning.pytorch.callbacks.EarlyStopping(
        "collapse/nc1", patience=0, mode="min", check_on_train_epoch_end=True
    )
    collapse = callback.CollapseCallback(probe=loader_of())
    # With nothing learned NC1 does not fall, but for the statistics of BatchNorm.
    module = Module(0.0)
    module.net.body[1] = nn.Identity()
    fitted(module, collapse, stop, max_epochs=9)
    assert len(collapse.snapshots) == 2


class Telling(Module):
    """Writes what its process has logged and measured."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_train_end(self):
        (collapse,) = (one for one in self.trainer.callbacks if hasattr(one, "snapshots"))
        logged = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        told = {"logged": logged, "measured": [one.numbers() for one in collapse.snapshots]}
        (self.folder / f"{self.global_rank}.json").write_text(json.dumps(told))


def test_of_two_processes_one_measures_and_both_know(tmp_path):
    collapse = callback.CollapseCallback(probe=loader_of())
    fitted(Telling(tmp_path), collapse, strategy="ddp_spawn", devices=2, max_epochs=2)
    first, second = (json.loads((tmp_path / f"{n}.json").read_text()) for n in range(2))
    assert first["logged"] == second["logged"]
    assert len(first["measured"]) == 2 and second["measured"] == []
    for name, value in first["measured"][-1].items():
        assert first["logged"][f"collapse/{name}"] == pytest.approx(value, rel=1e-5, abs=1e-7)


def test_sums_of_a_metric_keep_all_digits_in_16_true():
    pytest.importorskip("torchmetrics")
    from ncengine.recorder.torchmetrics import Collapse
    from tests.engine.test_torchmetrics import agrees, tensors

    features, labels = tensors(1e-12)

    class Measured(Module):
        def __init__(self):
            super().__init__()
            self.metric = Collapse(5, 7)

        def training_step(self, batch, number):
            if number < 4:
                part = slice(100 * number, 100 * number + 100)
                self.metric.update(features[part], labels[part])
            return super().training_step(batch)

        def on_train_epoch_end(self):
            self.found, self.type = self.metric.compute(), self.net.fc.weight.dtype

    module = Measured()
    fitted(module, precision="16-true", max_epochs=1)
    assert module.type == torch.float16
    agrees(module.found, features, labels, 1e-2)
