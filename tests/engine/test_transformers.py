"""The callback of Hugging Face's transformers, with its Trainer."""

import pytest
import torch

import ncengine.metrics as metrics

transformers = pytest.importorskip("transformers")
callback = pytest.importorskip("ncengine.recorder.transformers")
collate = transformers.default_data_collator


def texts():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(120) % 4
    tokens = torch.randint(5, 20, (120, 6), generator=generator)
    tokens[:, 2] = labels
    return [{"input_ids": ids, "labels": label} for ids, label in zip(tokens, labels)]


def model():
    torch.manual_seed(0)
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=20,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            num_labels=4,
        )
    )


def probe():
    return torch.utils.data.DataLoader(texts(), 16, shuffle=True, collate_fn=collate)


def trained(folder, net, *callbacks, **options):
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        **{
            "num_train_epochs": 2,
            "per_device_train_batch_size": 20,
            "learning_rate": 5e-3,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "use_cpu": True,
            **options,
        },
    )
    trainer = transformers.Trainer(
        net, arguments, train_dataset=texts(), eval_dataset=texts(), callbacks=[*callbacks]
    )
    trainer.train()
    return trainer


def test_a_snapshot_an_epoch_says_what_the_definitions_say_and_is_in_the_history(tmp_path):
    collapse = callback.CollapseCallback(probe=probe(), per_class=10**6)
    net = model()
    trainer = trained(tmp_path, net, collapse)
    assert [one.step for one in collapse.snapshots] == [1, 2]
    found = collapse.snapshots[-1]
    batch = collate(texts())
    with torch.no_grad():
        features = net.eval().bert(batch["input_ids"]).pooler_output
    head = net.classifier
    given = (features, batch["labels"], head.weight.detach(), head.bias.detach())
    expected = metrics.every(*given)
    rows = [row for row in trainer.state.log_history if "collapse/nc1" in row]
    assert [(row["epoch"], row["step"]) for row in rows] == [(1, 6), (2, 12)]
    for name in ("nc1", "nc2a", "nc3", "nc4", "cdnv"):
        assert found.figures[name] == pytest.approx(float(expected[name]), rel=1e-4), name
        assert rows[-1][f"collapse/{name}"] == found.figures[name]
    assert "classifier" in str(collapse.recorder.head)
    trainer.state.save_to_json(str(tmp_path / "state.json"))


def test_training_is_the_same_to_the_bit(tmp_path):
    plain, watched = model(), model()
    trained(tmp_path, plain)
    trained(tmp_path, watched, callback.CollapseCallback(probe=probe()))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name


@pytest.mark.parametrize("every, steps", [(1, [4, 8, 12]), (2, [8])])
def test_at_evaluations_as_often_as_asked(tmp_path, every, steps):
    collapse = callback.CollapseCallback(probe=probe(), at="evaluate", every=every)
    options = {"eval_strategy": "steps", "eval_steps": 4}
    trainer = trained(tmp_path, model(), collapse, **options)
    assert [one.step for one in collapse.snapshots] == pytest.approx([n / 6 for n in steps])
    # Training is over, and the model let go of.
    trainer.evaluate()
    assert len(collapse.snapshots) == len(steps)


def test_in_mixed_precision_it_is_measured(tmp_path):
    collapse = callback.CollapseCallback(probe=probe())
    trained(tmp_path, model(), collapse, bf16=True)
    assert collapse.snapshots[-1].nc1 > 0


def test_what_cannot_be_is_told_before_training():
    with pytest.raises(ValueError, match="at = 'step': must be epoch or evaluate"):
        callback.CollapseCallback(probe=probe(), at="step")
    with pytest.raises(TypeError, match="pol"):
        callback.CollapseCallback(probe=probe(), pol="mean")
