"""Hugging Face transformers: the collapse of a classifier of texts, by one callback."""

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainingArguments,
    default_data_collator,
)

from ncengine.recorder.transformers import CollapseCallback

# In place of texts: tokens of which one in three tells the class.
torch.manual_seed(0)
labels = torch.arange(600) % 5
tokens = torch.randint(10, 40, (600, 12))
tokens = torch.where(torch.rand(tokens.shape) < 1 / 3, labels[:, None], tokens)
data = [{"input_ids": ids, "labels": label} for ids, label in zip(tokens, labels)]

config = BertConfig(
    vocab_size=40,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    num_labels=5,
)
probe = torch.utils.data.DataLoader(data, 64, shuffle=True, collate_fn=default_data_collator)
collapse = CollapseCallback(probe=probe, every=2)
arguments = TrainingArguments(
    output_dir="trained",
    num_train_epochs=8,
    per_device_train_batch_size=32,
    learning_rate=2e-3,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
    use_cpu=True,
)
model = BertForSequenceClassification(config)
Trainer(model, arguments, train_dataset=data, callbacks=[collapse]).train()
for seen in collapse.snapshots:
    print(f"{seen.step:3.0f}  NC1 {seen.nc1:.4f}  CDNV {seen.cdnv:.4f}  NC4 {seen.nc4:.4f}")
collapse.recorder.save("texts.csv")
